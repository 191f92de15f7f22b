"""Stores audiences and the members of lists; each change is an entry of the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from schemas.audiences import (
    AUDIENCE_PREFIX,
    Audience,
    AudienceDefinition,
    AudienceFilter,
    MatchingUsers,
    MemberChange,
    MemberCounts,
    MemberList,
    Recipients,
)
from schemas.errors import ConflictError, MissingAudienceError, UnknownUsersError, VersionMismatchError
from schemas.ids import to_uuid_hex
from schemas.projects import find_project
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries
from tables.postgres.recipients import count_all, read_page
from tables.postgres.user_rows import encode_json

_SQL = load_queries("audiences")
_decode_filter = msgspec.json.Decoder(AudienceFilter).decode


class AudienceStore:
    """Reads and writes the tables audiences and audience_members. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def get(self, name: str) -> Audience:
        """An audience. Raises MissingAudienceError."""
        return _build_audience(await self._fetch_row(name))

    async def list_audiences(self, search: str, limit: int, after: str = "") -> list[Audience]:
        """At most `limit` audiences after a name whose names contain the text, in the order of names."""
        return [_build_audience(row) for row in await self._database.fetch(_SQL["list_audiences"], after, search, limit)]

    async def create(self, name: str, definition: AudienceDefinition, origin: ChangeOrigin) -> Audience | None:
        """The new audience; None if there is one with this name."""
        kind = "list" if definition.filter is None else "filter"
        uuid_hex = to_uuid_hex(self._make_id(AUDIENCE_PREFIX))
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await connection.fetchrow(_SQL["insert_audience"], uuid_hex, name, kind, *_encode(definition))
            if row is None:
                return None
            await self._write_audit_entry(connection, origin, "create", name, {"kind": kind})
            return _build_audience(row)

    async def replace(self, name: str, definition: AudienceDefinition, version: int | None, origin: ChangeOrigin) -> Audience:
        """The changed audience; None changes any version.

        Raises MissingAudienceError, VersionMismatchError, and ConflictError for another kind.
        """
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await _lock(connection, name, version)
            if (row["kind"] == "filter") != (definition.filter is not None):
                raise ConflictError(f"the audience {name} is a {row['kind']}, and its kind does not change: create another one")
            changed = await connection.fetchrow(_SQL["update_audience"], row["id"], *_encode(definition))
            await self._write_audit_entry(connection, origin, "change", name, {"version": changed["version"]})
            return _build_audience(changed)

    async def delete(self, name: str, version: int | None, origin: ChangeOrigin) -> None:
        """Delete an audience with its members. Raises as `replace` does, and ConflictError while something uses it."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await _lock(connection, name, version)
            if uses := [use["use"] for use in await connection.fetch(_SQL["list_uses"], row["id"])]:
                raise ConflictError(f"the audience {name} is used by {', '.join(uses)}: delete or cancel that first")
            await connection.execute(_SQL["delete_audience"], row["id"])
            await self._write_audit_entry(connection, origin, "delete", name, {})

    async def change_members(self, name: str, change: MemberChange, origin: ChangeOrigin) -> MemberCounts:
        """How many users were added and removed, or with `preview` would be.

        Raises MissingAudienceError, ConflictError for a filter, and UnknownUsersError for users who do not exist; nothing is changed then.
        """
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await _lock(connection, name, None)
            if row["kind"] != "list":
                raise ConflictError(f"the audience {name} is a filter: its users are those who match it")
            if unknown := {found["user_id"] for found in await connection.fetch(_SQL["find_unknown_users"], change.add)}:
                raise UnknownUsersError(sorted(unknown))
            if change.preview:
                return await _count_change(connection, row["id"], change)
            added = await connection.fetch(_SQL["insert_members"], row["id"], change.add)
            removed = await connection.fetch(_SQL["delete_members"], row["id"], change.remove)
            counts = MemberCounts(len(added), len(removed))
            await self._write_audit_entry(connection, origin, "change_members", name, msgspec.to_builtins(counts))
            return counts

    async def find_recipients(self, name: str) -> tuple[str, Recipients]:
        """The hex digits of the id of an audience, and who is in it. Raises MissingAudienceError."""
        row, project = await self._fetch_row(name), find_project(name)
        uuid_hex = row["id"].hex
        return uuid_hex, MemberList(uuid_hex, project) if row["kind"] == "list" else MatchingUsers(_decode_filter(row["filter"]), project)

    async def list_users(self, recipients: Recipients, limit: int, after: str = "") -> list[str]:
        """At most `limit` users after an id, in the order of ids."""
        found: list[str] = []
        is_last = False
        while not is_last and len(found) < limit:
            page = await read_page(self._database, recipients, after, limit - len(found))
            found, after, is_last = found + page.user_ids, page.cursor, page.is_last
        return found

    async def count_users(self, recipients: Recipients) -> int:
        """How many users there are."""
        return await count_all(self._database, recipients)

    async def find_unknown_users(self, user_ids: Sequence[str]) -> list[str]:
        """Those of the users who do not exist."""
        return [row["user_id"] for row in await self._database.fetch(_SQL["find_unknown_users"], user_ids)]

    async def _fetch_row(self, name: str) -> DatabaseRow:
        rows = await self._database.fetch(_SQL["get_audience"], name)
        if not rows:
            raise MissingAudienceError(name)
        return rows[0]

    async def _write_audit_entry(
        self, connection: Connection, origin: ChangeOrigin, action: str, name: str, details: Mapping[str, Any]
    ) -> None:
        entry_id = self._make_id(AUDIT_ENTRY_PREFIX)
        await write_audit_entry(connection, entry_id, origin.actor, action, "audience", name, {"source": origin.source, **details})


async def _lock(connection: Connection, name: str, version: int | None) -> DatabaseRow:
    """Lock an audience until the transaction ends. Raises MissingAudienceError and VersionMismatchError."""
    row = await connection.fetchrow(_SQL["lock_audience"], name)
    if row is None:
        raise MissingAudienceError(name)
    if version not in (None, row["version"]):
        raise VersionMismatchError(row["version"])
    return row


async def _count_change(connection: Connection, audience_id: object, change: MemberChange) -> MemberCounts:
    existing, removed = [await connection.fetchval(_SQL["count_existing_members"], audience_id, ids) for ids in (change.add, change.remove)]
    return MemberCounts(len(set(change.add)) - existing, removed)


def _encode(definition: AudienceDefinition) -> tuple[str | None, str]:
    return None if definition.filter is None else encode_json(definition.filter), definition.description


def _build_audience(row: DatabaseRow) -> Audience:
    return Audience(
        name=row["name"],
        kind=row["kind"],
        filter=_decode_filter(row["filter"]) if row["filter"] else None,
        description=row["description"],
        version=row["version"],
        created_at=row["created_at"].timestamp(),
        updated_at=row["updated_at"].timestamp(),
    )
