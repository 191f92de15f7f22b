"""Stores broadcasts as clients see them; what expands them is broadcast_pages.py. Each change is an entry of the audit log."""

from collections.abc import Mapping
from typing import Any

import msgspec

from schemas.broadcast_counts import BroadcastFindings, build_cancellation, build_counts
from schemas.broadcasts import (
    BROADCAST_PREFIX,
    ENDS,
    STARTS,
    Broadcast,
    BroadcastAction,
    BroadcastCancellation,
    BroadcastNotification,
    BroadcastRequest,
    find_source,
)
from schemas.errors import ConflictError
from schemas.ids import to_uuid_hex, try_parse_time
from schemas.schedules import SCHEDULE_PREFIX
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.broadcast_counts import decode_findings
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries
from tables.postgres.user_rows import encode_json, to_seconds

_SQL = load_queries("broadcasts")
_MAX_UUID = "f" * 32
_decode_notification = msgspec.json.Decoder(BroadcastNotification).decode


class BroadcastStore:
    """Reads and writes the table broadcasts. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def get(self, broadcast_id: str) -> Broadcast | None:
        """A broadcast; None if there is no such one."""
        rows = await self._database.fetch(_SQL["get_broadcast"], to_uuid_hex(broadcast_id))
        return _build_broadcast(rows[0]) if rows else None

    async def list_broadcasts(
        self,
        limit: int,
        before: str | None = None,
        state: str | None = None,
        audience: str | None = None,
        schedule_id: str | None = None,
        search: str = "",
    ) -> list[Broadcast]:
        """At most `limit` broadcasts with ids below `before`, newest first; None selects all states, audiences, schedules.

        `search` is in the type or the audience, in any case.
        """
        below, schedule = to_uuid_hex(before) if before else _MAX_UUID, to_uuid_hex(schedule_id) if schedule_id else None
        rows = await self._database.fetch(_SQL["list_broadcasts"], below, state, audience, schedule, limit, search)
        return [_build_broadcast(row) for row in rows]

    async def create(self, request: BroadcastRequest, audience_id: str | None, origin: ChangeOrigin) -> tuple[Broadcast, bool]:
        """The broadcast with the id of the request, and whether it is new; `audience_id` as hex digits.

        Raises ConflictError if another project has the id.
        """
        broadcast_id = request.id or self._make_id(BROADCAST_PREFIX)
        values = audience_id, request.user_ids, encode_json(request.notification), request.priority, request.rate, origin.actor
        async with self._database.acquire_connection() as connection, connection.transaction():
            is_new = await connection.fetchval(_SQL["insert_broadcast"], to_uuid_hex(broadcast_id), *values) is not None
            if is_new:
                details = {"type": request.notification.type, "audience": request.audience, "rate": request.rate}
                await self._write_audit_entry(connection, origin, "create", broadcast_id, details)
            row = await connection.fetchrow(_SQL["get_broadcast"], to_uuid_hex(broadcast_id))
        if row is None:
            raise ConflictError(f"the id {broadcast_id} is taken: leave it out, or make another one")
        return _build_broadcast(row), is_new

    async def change_state(self, broadcast_id: str, action: BroadcastAction, origin: ChangeOrigin) -> Broadcast | None:
        """The broadcast after an action, which changes nothing if it was done before; None if there is no such one.

        Raises ConflictError in a state that does not allow it.
        """
        uuid_hex = to_uuid_hex(broadcast_id)
        async with self._database.acquire_connection() as connection, connection.transaction():
            state = await connection.fetchval(_SQL["lock_broadcast"], uuid_hex)
            if state is None:
                return None
            if state in STARTS[action]:
                await connection.execute(_SQL["change_state"], uuid_hex, ENDS[action])
                await self._write_audit_entry(connection, origin, action, broadcast_id, {"from": state, "comment": origin.reason})
            elif state != ENDS[action]:
                allowed = " or ".join(STARTS[action])
                raise ConflictError(f"the broadcast {broadcast_id} is {state}; one can {action} it while it is {allowed}")
            return _build_broadcast(await connection.fetchrow(_SQL["get_broadcast"], uuid_hex))

    async def find_source(self, notification_id: str, user_id: str) -> str:
        """The broadcast that a notification comes from; empty if it comes from none."""
        rows = await self._database.fetch(_SQL["list_running_at"], try_parse_time(notification_id) or 0.0)
        return find_source((f"{BROADCAST_PREFIX}{row['id'].hex}" for row in rows), notification_id, user_id)

    async def _write_audit_entry(
        self, connection: Connection, origin: ChangeOrigin, action: str, broadcast_id: str, details: Mapping[str, Any]
    ) -> None:
        entry_id, details = self._make_id(AUDIT_ENTRY_PREFIX), {"source": origin.source, **details}
        await write_audit_entry(connection, entry_id, origin.actor, action, "broadcast", broadcast_id, details)


def _build_broadcast(row: DatabaseRow) -> Broadcast:
    counted, in_hand = decode_findings(row["counts"]), decode_findings(row["count_findings"])
    return Broadcast(
        id=f"{BROADCAST_PREFIX}{row['id'].hex}",
        audience=row["audience_name"],
        user_count=row["user_count"],
        schedule_id=f"{SCHEDULE_PREFIX}{row['schedule_id'].hex}" if row["schedule_id"] else None,
        run_at=to_seconds(row["run_at"]),
        notification=_decode_notification(row["notification"]),
        priority=row["priority"],
        rate=row["rate"],
        state=row["state"],
        total_count=row["total_count"],
        expanded_count=row["expanded_count"],
        created_at=row["created_at"].timestamp(),
        started_at=to_seconds(row["started_at"]),
        ended_at=to_seconds(row["ended_at"]),
        created_by=row["created_by"],
        error=row["error"],
        version=row["version"],
        counts=build_counts(counted, row["counted_at"].timestamp()) if counted else None,
        cancellation=_build_cancellation(row, counted, in_hand) if row["state"] == "cancelled" else None,
    )


def _build_cancellation(row: DatabaseRow, counted: BroadcastFindings | None, in_hand: BroadcastFindings | None) -> BroadcastCancellation:
    return build_cancellation(counted, in_hand, row["expanded_count"], row["has_next_count"], row["has_page"])
