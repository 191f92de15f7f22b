"""The versions of templates in PostgreSQL: each is written once, and one of them is published."""

from collections.abc import Iterable, Sequence

import msgspec

from schemas.channels import ChannelName
from schemas.enums import Status
from schemas.errors import TemplateChangedError, VersionMismatchError
from schemas.policy import Template, TemplateDetails
from schemas.template_document import TemplateDocument, build_details, build_template_document, build_templates
from schemas.template_versions import Publication, TemplateHistory, TemplateSummary, TemplateVersion, VersionSummary
from tables.postgres.database import Connection, Database
from tables.postgres.policy_lock import lock_policy
from tables.postgres.query_loader import load_queries

_SQL = load_queries("templates")


class PostgresTemplateStore:
    """Reads and writes versions of templates. Each method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_templates(self, limit: int, after: str | None = None, search: str = "") -> Sequence[TemplateSummary]:
        """The templates with names after this one that contain a text, by name."""
        rows = await self._database.fetch(_SQL["list_templates"], after, search, limit)
        return [TemplateSummary(**row) for row in rows]

    async def get_version(self, name: str, version: int | None = None) -> TemplateVersion | None:
        """A version, without a number the published one, or the latest if none is published; None if there is no such version."""
        async with self._database.acquire_connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            published = await connection.fetchval(_SQL["get_published_version"], name)
            if published is None:
                return None
            number = version or published or await connection.fetchval(_SQL["get_latest_version"], name)
            contents = [Template(**row) for row in await connection.fetch(_SQL["list_contents"], name, number)]
            row = await connection.fetchrow(_SQL["get_details"], name, number)
        if not contents:
            return None
        if row is None:
            return TemplateVersion(name, number, published, build_template_document(contents, None), "", "", None)
        details = TemplateDetails(**{field: row[field] for field in TemplateDetails.__struct_fields__})
        document = build_template_document(contents, details)
        return TemplateVersion(name, number, published, document, row["actor"], row["comment"], row["created_at"])

    async def get_history(self, name: str) -> TemplateHistory | None:
        """All versions and publications of a template; None if there is no such template."""
        async with self._database.acquire_connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            published = await connection.fetchval(_SQL["get_published_version"], name)
            versions = [VersionSummary(**row) for row in await connection.fetch(_SQL["list_versions"], name)]
            publications = [Publication(**row) for row in await connection.fetch(_SQL["list_publications"], name)]
        return None if published is None else TemplateHistory(name, published, versions, publications)

    async def get_previous_version(self, name: str) -> int | None:
        """The version that was published before the present one; None if there was none."""
        rows = await self._database.fetch(_SQL["get_previous_version"], name)
        return rows[0]["version"] if rows else None

    async def count_variants(self, experiment: str, since: float) -> list[tuple[str, ChannelName, Status, int]]:
        """The deliveries of an experiment submitted after `since` (epoch seconds), by variant, channel and status."""
        rows = await self._database.fetch(_SQL["count_variants"], experiment, f"{int(since * 1000):012x}{0:020x}")
        return [(row["variant"], row["channel"], Status(row["status"]), row["deliveries"]) for row in rows]

    async def create_version(self, name: str, document: TemplateDocument, actor: str, comment: str, base_version: int | None = None) -> int:
        """Write the next version of a template, and return its number; it is not published.

        Raises VersionMismatchError if the latest version is not `base_version`; None expects any.
        """
        async with self._database.acquire_connection() as connection, connection.transaction():
            await lock_policy(connection, actor, comment)
            latest: int = await connection.fetchval(_SQL["get_latest_version"], name)
            if base_version not in (None, latest):
                raise VersionMismatchError(latest)
            version = latest + 1
            details = build_details(name, version, document)
            await insert_version(connection, build_templates(name, version, document), details, actor, comment)
        return version

    async def publish(self, name: str, version: int, expected_version: int | None, actor: str, comment: str) -> None:
        """Make a version the one in force. Raises TemplateChangedError if another one than `expected_version` is; None expects any."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await lock_policy(connection, actor, comment)
            published = await connection.fetchval(_SQL["get_published_version"], name)
            if expected_version is not None and published != expected_version:
                raise TemplateChangedError(name, published)
            await publish_version(connection, name, version)


async def insert_version(connection: Connection, contents: Iterable[Template], details: TemplateDetails, actor: str, comment: str) -> None:
    """Write a version of a template, which may be its first one, in the open transaction; it is not published."""
    await connection.execute(_SQL["insert_template"], details.name)
    await connection.executemany(_SQL["insert_contents"], [msgspec.structs.astuple(one) for one in contents])
    await connection.execute(_SQL["insert_details"], *msgspec.structs.astuple(details), actor, comment)


async def publish_version(connection: Connection, name: str, version: int) -> None:
    """Make a version the one in force in the open transaction."""
    await connection.execute(_SQL["publish"], name, version)


async def fetch_latest_versions(connection: Connection) -> dict[str, int]:
    """The latest version of each template, published or not."""
    return {row["name"]: row["version"] for row in await connection.fetch(_SQL["list_latest_versions"])}
