"""Reads and writes many users and preferences at a time: an import commits chunks, an export reads pages."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import NamedTuple

from schemas.errors import MissingUserError
from schemas.sealing import Sealer
from schemas.users import ChangeOrigin, PreferenceChange, UserChange
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.exported_users import open_exported
from tables.postgres.preferences import PreferenceStore
from tables.postgres.query_loader import load_queries
from tables.postgres.user_columns import encode_devices, encode_users, hold_sealers, rename_devices

_SQL = load_queries("bulk")
EXPORT_PAGE_SIZE = 5000  # rows


class WrittenChunk(NamedTuple):
    """How many records created and changed something, and of which users."""

    created: int
    changed: int
    user_ids: set[str]


class BulkStore:
    """Reads and writes chunks. Each method raises UnavailableError if PostgreSQL does not answer."""

    def __init__(self, database: Database, preferences: PreferenceStore) -> None:
        self._database, self._preferences = database, preferences

    async def list_missing_users(self, user_ids: Collection[str]) -> set[str]:
        """Those of these ids that no user has."""
        rows = await self._database.fetch(_SQL["list_existing_users"], list(user_ids))
        return set(user_ids) - {row["id"] for row in rows}

    async def write_users(self, users: Sequence[tuple[str, UserChange]], devices: Sequence[tuple[str, str, str, str]]) -> WrittenChunk:
        """Write users, each once, and devices (user, token, kind, platform) in one transaction."""
        sealing, ids = self._database.sealing, [user_id for user_id, _ in users]
        async with self._database.acquire_connection() as connection, connection.transaction():
            held = await hold_sealers(sealing, connection, ids)
            stored = {row["id"]: row for row in await connection.fetch(_SQL["lock_users"], ids)}
            columns = zip(*(await encode_users(sealing, connection, users, stored, held)), strict=True)
            written = await connection.fetch(_SQL["upsert_users"], ids, *columns)
            changed = {row["id"] for row in written}
            if devices:
                changed |= await self._write_devices(connection, devices, held)
        created = sum(row["is_new"] for row in written)
        return WrittenChunk(created, len(changed) - created, changed)

    async def _write_devices(
        self, connection: Connection, devices: Sequence[tuple[str, str, str, str]], held: Mapping[str, Sealer]
    ) -> set[str]:
        user_ids, tokens, kinds, platforms = zip(*devices, strict=True)
        stored = encode_devices(self._database.sealing, [*zip(user_ids, tokens, strict=True)], held)
        await rename_devices(connection, user_ids, tokens, stored)
        rows = await connection.fetch(_SQL["upsert_devices"], user_ids, stored.tokens, kinds, platforms, stored.sealed)
        return {row["user_id"] for row in rows}

    async def write_preferences(self, changes: Sequence[tuple[str, PreferenceChange]], origin: ChangeOrigin) -> WrittenChunk:
        """Write preferences, each once, in one transaction. Raises MissingUserError."""
        ids = {user_id for user_id, _ in changes}
        async with self._database.acquire_connection() as connection, connection.transaction():
            existing = {row["id"] for row in await connection.fetch(_SQL["lock_users"], list(ids))}
            if missing := ids - existing:
                raise MissingUserError(min(missing))
            changed = await self._preferences.set_many(connection, changes, origin)
            return WrittenChunk(0, len(changed), set(changed))

    async def log_import(self, entry_id: str, actor: str, kind: str, details: dict[str, int]) -> None:
        """Append an entry about a finished import to the audit log."""
        async with self._database.acquire_connection() as connection:
            await write_audit_entry(connection, entry_id, actor, "import", kind, "", details)

    async def iterate_users(self) -> AsyncIterator[list[DatabaseRow]]:
        """All users with their devices in pages, in the order of ids; what is sealed is opened."""
        rows = await self._fetch_exported("")
        while rows:
            yield rows
            rows = await self._fetch_exported(rows[-1]["id"])

    async def _fetch_exported(self, after: str) -> list[DatabaseRow]:
        async with self._database.acquire_connection() as connection:
            rows = await connection.fetch(_SQL["export_users"], after, EXPORT_PAGE_SIZE)
            return await open_exported(self._database.sealing, connection, rows)

    async def iterate_preferences(self) -> AsyncIterator[list[DatabaseRow]]:
        """All preferences in pages."""
        rows = await self._database.fetch(_SQL["export_preferences"], "", "", "", EXPORT_PAGE_SIZE)
        while rows:
            yield rows
            last = rows[-1]
            rows = await self._database.fetch(
                _SQL["export_preferences"], last["user_id"], last["category"], last["channel"], EXPORT_PAGE_SIZE
            )
