"""Stores projects; each change is an entry of the audit log."""

from schemas.errors import ConflictError, MissingProjectError, VersionMismatchError
from schemas.projects import Project, ProjectRequest
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries

OBJECT_TYPE = "project"  # of the audit log

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

    async def create(self, request: ProjectRequest, origin: ChangeOrigin) -> Project:
        """The new project. Raises ConflictError if there is one with the id."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await connection.fetchrow(_SQL["insert_project"], request.id, request.name, origin.actor)
            if row is None:
                raise ConflictError(f"there is a project {request.id} already")
            details = {"name": request.name, "source": origin.source}
            entry_id = self._make_id(AUDIT_ENTRY_PREFIX)
            await write_audit_entry(connection, entry_id, origin.actor, "create", OBJECT_TYPE, request.id, details)
            return _build_project(row)

    async def rename(self, project_id: str, name: str, version: int | None, origin: ChangeOrigin) -> Project:
        """The project with another name; None renames any version. Raises VersionMismatchError."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            before = await connection.fetchrow(_SQL["lock_project"], project_id)
            if before is None:
                raise MissingProjectError(project_id)
            if version not in (None, before["version"]):
                raise VersionMismatchError(before["version"])
            details = {"before": {"name": before["name"]}, "after": {"name": name}, "source": origin.source}
            entry_id = self._make_id(AUDIT_ENTRY_PREFIX)
            await write_audit_entry(connection, entry_id, origin.actor, "change", OBJECT_TYPE, project_id, details)
            return _build_project(await connection.fetchrow(_SQL["update_project"], project_id, name))


def _build_project(row: DatabaseRow) -> Project:
    return Project(row["id"], row["name"], row["created_at"].timestamp(), row["created_by"], row["version"])
