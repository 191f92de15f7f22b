"""Stores suppressions; creating and undoing one appends an event of consent in the transaction."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.blind_index import is_token
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.ids import to_uuid_hex
from schemas.sealed_columns import list_forms, seal_suppressed
from schemas.user_validation import normalize_suppressed_address
from schemas.users import CONSENT_EVENT_PREFIX, SUPPRESSION_PREFIX, ChangeOrigin, Suppression, SuppressionRequest
from tables.postgres.column_sealing import ColumnSealing, open_suppressions
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


class StoredAddress(NamedTuple):
    """An address as it is stored, what is sealed of it, and the other form in which it may be stored; empty if there is none."""

    address: str
    sealed: bytes | None
    other: str


class SuppressionStore:
    """Reads and writes the tables suppressions and consent_events. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def get(self, suppression_id: str) -> Suppression | None:
        """A suppression; None if there is no such one."""
        found = await self._fetch("get_suppression", to_uuid_hex(suppression_id))
        return found[0] if found else None

    async def list_suppressions(
        self, addresses: Sequence[str] | None, user_id: str | None, channel: str | None, with_undone: bool, limit: int, before: str | None
    ) -> list[Suppression]:
        """At most `limit` suppressions with ids below `before`, newest first; None selects all addresses, users, channels."""
        below = to_uuid_hex(before) if before else _MAX_UUID
        sealing, channels = self._database.sealing, [one for one in CHANNEL_NAMES if channel in (None, one)]
        if addresses is not None and sealing is not None:
            addresses = [*dict.fromkeys(form for text in addresses for one in channels for form in list_forms(sealing.index, one, text))]
        return await self._fetch("list_suppressions", below, addresses, user_id, channel, with_undone, limit)

    async def create(self, request: SuppressionRequest, origin: ChangeOrigin) -> WrittenSuppression:
        """The suppression in force: the new one, or the one that was there already."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            return await insert_suppression(connection, request, self._make_id, origin, self._database.sealing)

    async def undo(self, suppression_id: str, origin: ChangeOrigin) -> WrittenSuppression | None:
        """The suppression, which is not in force any more; None if there is no such one."""
        uuid_hex = to_uuid_hex(suppression_id)
        async with self._database.acquire_connection() as connection, connection.transaction():
            values = uuid_hex, origin.actor, self._make_event_id(), origin.source, origin.reason, *list_request_values()
            event_id = await connection.fetchval(_SQL["undo_suppression"], *values)
            row = await connection.fetchrow(_SQL["get_suppression"], uuid_hex)
            return None if row is None else await _build_written(connection, row, event_id is not None, self._database.sealing)

    async def _fetch(self, query: str, *values: object) -> list[Suppression]:
        async with self._database.acquire_connection() as connection:
            rows = await connection.fetch(_SQL[query], *values)
            addresses = await open_suppressions(self._database.sealing, connection, rows)
        return [_build_suppression(row, address) for row, address in zip(rows, addresses, strict=True)]

    def _make_event_id(self) -> str:
        return to_uuid_hex(self._make_id(CONSENT_EVENT_PREFIX))


async def insert_suppression(
    connection: Connection, request: SuppressionRequest, make_id: MakeId, origin: ChangeOrigin, sealing: ColumnSealing | None
) -> WrittenSuppression:
    """The suppression in force in the open transaction: the new one, or the one that was there already."""
    uuid_hex, event_hex = to_uuid_hex(make_id(SUPPRESSION_PREFIX)), to_uuid_hex(make_id(CONSENT_EVENT_PREFIX))
    address = normalize_suppressed_address(request.channel, request.address)
    stored = await _store_address(sealing, connection, request, address)
    key, row, event_id = (request.user_id, request.channel, stored.address, request.category, request.reason), None, None
    if stored.other:
        other = request.user_id, request.channel, stored.other, request.category, request.reason
        row = await connection.fetchrow(_SQL["get_suppression_in_force"], *other)
    while row is None:  # the one that was there may be undone before it is read
        values = request.source_event, origin.actor, event_hex, origin.source, *list_request_values(), stored.sealed
        event_id = await connection.fetchval(_SQL["insert_suppression"], uuid_hex, *key, *values)
        row = await connection.fetchrow(_SQL["get_suppression_in_force"], *key)
    return await _build_written(connection, row, event_id is not None, sealing)


async def undo_stop_suppressions(
    connection: Connection, channel: ChannelName, address: str, make_id: MakeId, origin: ChangeOrigin, sealing: ColumnSealing | None
) -> list[str]:
    """Undo what a STOP from an address did, in the open transaction; returns the users whose profiles changed."""
    normalized = normalize_suppressed_address(channel, address)
    for form in list_forms(None if sealing is None else sealing.index, channel, normalized):
        row = await connection.fetchrow(_SQL["get_suppression_in_force"], None, channel, form, "", "stop")
        if row is None or (form != normalized and row["sealed"] is None):  # of an erased user only a hash is left, which stays
            continue
        event_hex = to_uuid_hex(make_id(CONSENT_EVENT_PREFIX))
        values = row["id"], origin.actor, event_hex, origin.source, origin.reason, *list_request_values()
        await connection.fetchval(_SQL["undo_suppression"], *values)
        return (await _build_written(connection, row, True, sealing)).user_ids
    return []


async def _store_address(sealing: ColumnSealing | None, connection: Connection, request: SuppressionRequest, address: str) -> StoredAddress:
    """An address as it is stored from now on."""
    if sealing is None or not address or is_token(address):
        return StoredAddress(address, None, "")
    token = sealing.index.compute(request.channel, address)
    held = await sealing.hold_keys_of(connection, request.user_id, token)
    return StoredAddress(address, None, token) if held is None else StoredAddress(token, seal_suppressed(token, address, held), address)


async def _build_written(connection: Connection, row: DatabaseRow, is_changed: bool, sealing: ColumnSealing | None) -> WrittenSuppression:
    (address,) = await open_suppressions(sealing, connection, [row])
    other = None
    if sealing is not None and address and not is_token(address):
        other = address if is_token(row["address"]) else sealing.index.compute(row["channel"], address)
    user_ids = [one["id"] for one in await connection.fetch(_SQL["list_suppressed_users"], row["id"], other)]
    if other and is_changed and row["user_id"] is None:  # the trigger finds only those who are stored in the same form
        await connection.execute(_SQL["bump_versions"], user_ids)
    return WrittenSuppression(_build_suppression(row, address), is_changed, user_ids)


def _build_suppression(row: DatabaseRow, address: str) -> Suppression:
    return Suppression(
        id=f"{SUPPRESSION_PREFIX}{row['id'].hex}",
        channel=row["channel"],
        address=address,
        user_id=row["user_id"],
        category=row["category"],
        reason=row["reason"],
        source_event=row["source_event"],
        created_at=row["created_at"].timestamp(),
        created_by=row["created_by"],
        undone_at=to_seconds(row["undone_at"]),
        undone_by=row["undone_by"],
    )
