"""The log of operators' changes: an entry is written in the transaction of its change, and never changed.

Its details are masked, so that whoever may read the log does not read addresses. A chain of hashes shows if an entry was changed
(tables/postgres/log_chain.py).
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from schemas.ids import to_uuid_hex
from schemas.projects import find_project, project_in_force, qualify
from schemas.redaction import redact_value
from schemas.request_origin import get_request_origin
from schemas.users import AUDIT_ENTRY_PREFIX
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("audit_log")
_MIN_UUID, _MAX_UUID = "0" * 32, "f" * 32


class AuditEntry(Struct, frozen=True):
    """Who changed what, and from where; the time is in epoch seconds.

    `actor` is who it was in the words of the client, `principal` who was authenticated.
    """

    id: str
    actor: str
    action: str
    object_type: str
    object_id: str
    details: dict[str, Any]
    occurred_at: float
    principal: str = ""
    client_address: str = ""
    user_agent_hash: str = ""
    request_id: str = ""


class AuditFilter(NamedTuple):
    """Which entries are listed; None selects all. Times in epoch seconds: from `since` on, before `until`."""

    actor: str | None = None
    principal: str | None = None
    action: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    since: float | None = None
    until: float | None = None


class AuditLogReader:
    """Lists entries, and gets one. Each method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_entries(self, selection: AuditFilter, limit: int, before: str | None = None) -> list[AuditEntry]:
        """At most `limit` entries with ids below `before`, newest first."""
        below = min(to_uuid_hex(before) if before else _MAX_UUID, _build_bound(selection.until, _MAX_UUID))
        return await self._search(selection, _build_bound(selection.since, _MIN_UUID), below, limit)

    async def get(self, entry_id: str) -> AuditEntry | None:
        """The entry with this id (AUDIT_ENTRY_PREFIX and 32 hex digits), None if there is none that the project at hand may see."""
        at = to_uuid_hex(entry_id)
        found = await self._search(AuditFilter(), at, f"{int(at, 16) + 1:032x}", 1)
        return found[0] if found else None

    async def _search(self, selection: AuditFilter, first: str, below: str, limit: int) -> list[AuditEntry]:
        project, object_id = project_in_force.get() or "", selection.object_id
        stored_id = None if object_id is None else qualify(project, object_id)
        object_ids = None if object_id is None else [object_id, stored_id]
        values = *selection[:4], object_ids, first, below, limit, project or None, stored_id
        async with self._database.acquire_connection() as connection, connection.transaction(readonly=True):
            await connection.execute(_SQL["plan_for_values"])
            return [_build_entry(row) for row in await connection.fetch(_SQL["search_audit_entries"], *values)]


async def write_audit_entry(
    connection: Connection,
    entry_id: str,
    actor: str,
    action: str,
    object_type: str,
    object_id: str,
    details: Mapping[str, Any],
    project: str | None = None,
) -> None:
    """Append an entry with this new id (make_id, AUDIT_ENTRY_PREFIX) to the open transaction; addresses in its details are masked.

    Whose it is: `project`, else that of the request at hand, else that of the object.
    """
    text, request = msgspec.json.encode(redact_value(dict(details))).decode(), get_request_origin()
    where = request.principal, request.client_address, request.user_agent_hash, request.request_id
    owner = next((one for one in (project, project_in_force.get()) if one is not None), find_project(object_id))
    values = actor, action, object_type, object_id, text, owner, *where
    await connection.execute(_SQL["insert_audit_entry"], to_uuid_hex(entry_id), *values)


async def append_audit_entry(
    database: Database, entry_id: str, actor: str, action: str, object_type: str, object_id: str, details: Mapping[str, Any]
) -> None:
    """Append an entry about something that changes nothing in PostgreSQL, as write_audit_entry does. Raises UnavailableError."""
    async with database.acquire_connection() as connection:
        await write_audit_entry(connection, entry_id, actor, action, object_type, object_id, details)


async def erase_from_logs(connection: Connection, entry_id: str, actor: str, user_id: str, pseudonym: str, addresses: Sequence[str]) -> int:
    """Remove a user from the entries of both logs in the open transaction; returns how many entries it changed.

    They are under the pseudonym then, and their chains stay whole. `addresses` are the user's, as schemas.addresses.build_comparison_key
    gives them. A new entry with this id says that they were erased.
    """
    changed: int = await connection.fetchval(_SQL["erase_from_logs"], user_id, pseudonym, list(addresses), to_uuid_hex(entry_id), actor)
    return changed


async def list_audit_entries(
    database: Database, object_type: str, object_id: str, limit: int, before: str | None = None
) -> list[AuditEntry]:
    """At most `limit` entries of an object with ids below `before`, newest first. Raises UnavailableError."""
    return await AuditLogReader(database).list_entries(AuditFilter(object_type=object_type, object_id=object_id), limit, before)


def _build_bound(at: float | None, unbounded: str) -> str:
    """The least UUIDv7 of a millisecond, rounded up."""
    return unbounded if at is None else f"{ceil(at * 1000):012x}{'0' * 20}"


def _build_entry(row: DatabaseRow) -> AuditEntry:
    return AuditEntry(
        f"{AUDIT_ENTRY_PREFIX}{row['id'].hex}",
        row["actor"],
        row["action"],
        row["object_type"],
        row["object_id"],
        msgspec.json.decode(row["details"]),
        row["occurred_at"].timestamp(),
        row["principal"],
        row["client_address"],
        row["user_agent_hash"],
        row["request_id"],
    )
