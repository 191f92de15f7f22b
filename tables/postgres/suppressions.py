"""Stores suppressions; creating and undoing one appends an event of consent in the transaction."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.ids import to_uuid_hex
from schemas.user_validation import normalize_suppressed_address
from schemas.users import CONSENT_EVENT_PREFIX, SUPPRESSION_PREFIX, ChangeOrigin, Suppression, SuppressionRequest
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.preferences import MakeId, list_request_values
from tables.postgres.query_loader import load_queries
from tables.postgres.user_rows import to_seconds

_SQL = load_queries("suppressions")
_MAX_UUID = "f" * 32


class WrittenSuppression(NamedTuple):
    """A suppression, whether this call changed it, and the users whose profiles it is part of."""

    suppression: Suppression
    is_changed: bool
    user_ids: list[str]


class SuppressionStore:
    """Reads and writes the tables suppressions and consent_events. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def get(self, suppression_id: str) -> Suppression | None:
        """A suppression; None if there is no such one."""
        rows = await self._database.fetch(_SQL["get_suppression"], to_uuid_hex(suppression_id))
        return _build_suppression(rows[0]) if rows else None

    async def list_suppressions(
        self, addresses: Sequence[str] | None, user_id: str | None, channel: str | None, with_undone: bool, limit: int, before: str | None
    ) -> list[Suppression]:
        """At most `limit` suppressions with ids below `before`, newest first; None selects all addresses, users, channels."""
        below = to_uuid_hex(before) if before else _MAX_UUID
        rows = await self._database.fetch(_SQL["list_suppressions"], below, addresses, user_id, channel, with_undone, limit)
        return [_build_suppression(row) for row in rows]

    async def create(self, request: SuppressionRequest, origin: ChangeOrigin) -> WrittenSuppression:
        """The suppression in force: the new one, or the one that was there already."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            return await insert_suppression(connection, request, self._make_id, origin)

    async def undo(self, suppression_id: str, origin: ChangeOrigin) -> WrittenSuppression | None:
        """The suppression, which is not in force any more; None if there is no such one."""
        uuid_hex = to_uuid_hex(suppression_id)
        async with self._database.acquire_connection() as connection, connection.transaction():
            values = uuid_hex, origin.actor, self._make_event_id(), origin.source, origin.reason, *list_request_values()
            event_id = await connection.fetchval(_SQL["undo_suppression"], *values)
            row = await connection.fetchrow(_SQL["get_suppression"], uuid_hex)
            if row is None:
                return None
            return WrittenSuppression(_build_suppression(row), event_id is not None, await _list_user_ids(connection, uuid_hex))

    def _make_event_id(self) -> str:
        return to_uuid_hex(self._make_id(CONSENT_EVENT_PREFIX))


async def insert_suppression(
    connection: Connection, request: SuppressionRequest, make_id: MakeId, origin: ChangeOrigin
) -> WrittenSuppression:
    """The suppression in force in the open transaction: the new one, or the one that was there already."""
    uuid_hex, event_hex = to_uuid_hex(make_id(SUPPRESSION_PREFIX)), to_uuid_hex(make_id(CONSENT_EVENT_PREFIX))
    address = normalize_suppressed_address(request.channel, request.address)
    key = request.user_id, request.channel, address, request.category, request.reason
    row = None
    while row is None:  # the one that was there may be undone before it is read
        event_id = await connection.fetchval(
            _SQL["insert_suppression"], uuid_hex, *key, request.source_event, origin.actor, event_hex, origin.source, *list_request_values()
        )
        row = await connection.fetchrow(_SQL["get_suppression_in_force"], *key)
    return WrittenSuppression(_build_suppression(row), event_id is not None, await _list_user_ids(connection, row["id"]))


async def undo_stop_suppressions(connection: Connection, channel: str, address: str, make_id: MakeId, origin: ChangeOrigin) -> list[str]:
    """Undo what a STOP from an address did, in the open transaction; returns the users whose profiles changed."""
    normalized = normalize_suppressed_address(channel, address)  # type: ignore[arg-type]  # of an event, which names a channel
    row = await connection.fetchrow(_SQL["get_suppression_in_force"], None, channel, normalized, "", "stop")
    if row is None:
        return []
    event_hex = to_uuid_hex(make_id(CONSENT_EVENT_PREFIX))
    values = row["id"], origin.actor, event_hex, origin.source, origin.reason, *list_request_values()
    await connection.fetchval(_SQL["undo_suppression"], *values)
    return await _list_user_ids(connection, row["id"])


async def _list_user_ids(connection: Connection, uuid_hex: object) -> list[str]:
    return [row["id"] for row in await connection.fetch(_SQL["list_suppressed_users"], uuid_hex)]


def _build_suppression(row: DatabaseRow) -> Suppression:
    return Suppression(
        id=f"{SUPPRESSION_PREFIX}{row['id'].hex}",
        channel=row["channel"],
        address=row["address"],
        user_id=row["user_id"],
        category=row["category"],
        reason=row["reason"],
        source_event=row["source_event"],
        created_at=row["created_at"].timestamp(),
        created_by=row["created_by"],
        undone_at=to_seconds(row["undone_at"]),
        undone_by=row["undone_by"],
    )
