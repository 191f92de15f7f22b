"""Stores projects, and keeps what was chosen for them in memory; each change is an entry of the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from schemas.errors import ConflictError, MissingProjectError, UnavailableError, VersionMismatchError
from schemas.ports import Sleep
from schemas.projects import Project, ProjectChange, ProjectRequest, ProjectSettings
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries

OBJECT_TYPE = "project"  # of the audit log
CHANGED_FIELDS = ("name", "weight", "rate", "burst", "encrypts")

NO_KEYS = (
    "encrypts cannot be true, because the gateway has no keys and would write everything in plain: set encryption.keys and "
    "encryption.index_key for every process, then try again"
)

_SQL = load_queries("projects")


class ProjectStore:
    """Reads and writes the table projects. Each method raises UnavailableError, and MissingProjectError for an unknown id."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def get(self, project_id: str) -> Project:
        """A project."""
        rows = await self._database.fetch(_SQL["get_project"], project_id)
        if not rows:
            raise MissingProjectError(project_id)
        return _build_project(rows[0])

    async def list_projects(self, limit: int, after: str, search: str) -> list[Project]:
        """At most `limit` projects after an id; `search` is a part of the id or name."""
        return [_build_project(row) for row in await self._database.fetch(_SQL["list_projects"], after, search, limit)]

    async def find_missing(self, project_ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids that no project has."""
        return frozenset(row["id"] for row in await self._database.fetch(_SQL["find_missing"], project_ids))

    async def create(self, request: ProjectRequest, origin: ChangeOrigin) -> Project:
        """The new project. Raises ConflictError if there is one with the id, or if it would encrypt without keys."""
        self._require_keys(request.encrypts)
        values = {name: getattr(request, name) for name in CHANGED_FIELDS}
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await connection.fetchrow(_SQL["insert_project"], request.id, *values.values(), origin.actor)
            if row is None:
                raise ConflictError(f"there is a project {request.id} already")
            await self._write_audit_entry(connection, origin, "create", request.id, values)
            return _build_project(row)

    async def change(self, project_id: str, change: ProjectChange, version: int | None, origin: ChangeOrigin) -> Project:
        """The changed project; None changes any version. Raises VersionMismatchError; ConflictError if it would encrypt without keys."""
        self._require_keys(change.encrypts)
        given = {name: value for name in CHANGED_FIELDS if (value := getattr(change, name)) is not UNSET}
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await connection.fetchrow(_SQL["lock_project"], project_id)
            if row is None:
                raise MissingProjectError(project_id)
            if version not in (None, row["version"]):
                raise VersionMismatchError(row["version"])
            values = {name: given.get(name, row[name]) for name in CHANGED_FIELDS}
            changed = [name for name in CHANGED_FIELDS if values[name] != row[name]]
            if not changed:
                return _build_project(row)
            before, after = {name: row[name] for name in changed}, {name: values[name] for name in changed}
            await self._write_audit_entry(connection, origin, "change", project_id, {"before": before, "after": after})
            return _build_project(await connection.fetchrow(_SQL["update_project"], project_id, *values.values()))

    def _require_keys(self, encrypts: bool | UnsetType | None) -> None:
        if encrypts is True and self._database.sealing is None:
            raise ConflictError(NO_KEYS)

    async def _write_audit_entry(
        self, connection: Connection, origin: ChangeOrigin, action: str, project_id: str, details: Mapping[str, Any]
    ) -> None:
        entry_id, details = self._make_id(AUDIT_ENTRY_PREFIX), {"source": origin.source, **details}
        await write_audit_entry(connection, entry_id, origin.actor, action, OBJECT_TYPE, project_id, details)


class CachedProjects:
    """What operators chose for each project, in memory; while PostgreSQL does not answer, what was read last stays."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.settings: Mapping[str, ProjectSettings] = {}
        """By the ids of projects; another object after a change, and only then."""

    async def refresh(self) -> None:
        """Read the settings of all projects again."""
        try:
            rows = await self._database.fetch(_SQL["list_settings"])
        except UnavailableError:
            return
        settings = {row["id"]: ProjectSettings(row["weight"], row["rate"], row["burst"], row["encrypts"]) for row in rows}
        if settings != self.settings:
            self.settings = settings

    async def refresh_forever(self, sleep: Sleep, seconds: float) -> None:
        """Refresh at once and then every `seconds`, without end."""
        while True:
            await self.refresh()
            await sleep(seconds)


def _build_project(row: DatabaseRow) -> Project:
    values = {name: row[name] for name in CHANGED_FIELDS}
    return Project(id=row["id"], **values, created_at=row["created_at"].timestamp(), created_by=row["created_by"], version=row["version"])
