"""Stores recurring schedules as clients see them; what starts their runs is due_schedules.py. Each change is an entry of the audit log."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from schemas.broadcasts import BROADCAST_PREFIX, BroadcastNotification
from schemas.errors import ConflictError, MissingScheduleError, VersionMismatchError
from schemas.ids import to_uuid_hex
from schemas.schedules import (
    SCHEDULE_PREFIX,
    Schedule,
    ScheduleAction,
    ScheduleDefinition,
    ScheduleState,
    Timing,
    build_timing,
)
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries
from tables.postgres.user_rows import encode_json, to_seconds, to_timestamp

_SQL = load_queries("schedules")
_decode_notification = msgspec.json.Decoder(BroadcastNotification).decode

FindNextRun = Callable[[Timing], float | None]  # after now


class ScheduleStore:
    """Reads and writes the table schedules. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def get(self, name: str) -> Schedule:
        """A schedule. Raises MissingScheduleError."""
        rows = await self._database.fetch(_SQL["get_schedule"], name)
        if not rows:
            raise MissingScheduleError(name)
        return _build_schedule(rows[0])

    async def list_schedules(self, search: str, limit: int, after: str = "", state: ScheduleState | None = None) -> list[Schedule]:
        """At most `limit` schedules after a name whose names contain the text, in the order of names; None selects all states."""
        return [_build_schedule(row) for row in await self._database.fetch(_SQL["list_schedules"], after, search, state, limit)]

    async def create(
        self, name: str, definition: ScheduleDefinition, audience_id: str | None, find_next_run: FindNextRun, origin: ChangeOrigin
    ) -> Schedule | None:
        """The new schedule; None if there is one with this name. `audience_id` as hex digits."""
        uuid_hex = to_uuid_hex(self._make_id(SCHEDULE_PREFIX))
        values = *_encode(definition, audience_id), to_timestamp(find_next_run(build_timing(definition))), origin.actor
        async with self._database.acquire_connection() as connection, connection.transaction():
            if await connection.fetchval(_SQL["insert_schedule"], uuid_hex, name, *values) is None:
                return None
            await self._write_audit_entry(connection, origin, "create", name, _describe(definition))
            return _build_schedule(await connection.fetchrow(_SQL["get_schedule"], name))

    async def replace(
        self,
        name: str,
        definition: ScheduleDefinition,
        audience_id: str | None,
        find_next_run: FindNextRun,
        version: int | None,
        origin: ChangeOrigin,
    ) -> Schedule:
        """The changed schedule; None changes any version. A run that is due stays due if the times stay the same.

        Raises MissingScheduleError and VersionMismatchError.
        """
        timing = build_timing(definition)
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await _lock(connection, name, version)
            next_run_at = row["next_run_at"]
            if row["state"] == "paused" or _has_other_times(row, definition):
                next_run_at = None if row["state"] == "paused" else to_timestamp(find_next_run(timing))
            await connection.execute(_SQL["update_schedule"], row["id"], *_encode(definition, audience_id), next_run_at)
            await self._write_audit_entry(connection, origin, "change", name, _describe(definition))
            return _build_schedule(await connection.fetchrow(_SQL["get_schedule"], name))

    async def change_state(self, name: str, action: ScheduleAction, find_next_run: FindNextRun, origin: ChangeOrigin) -> Schedule:
        """The schedule after an action, which changes nothing if it was done before.

        Raises MissingScheduleError, and ConflictError for one that has ended.
        """
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await _lock(connection, name, None)
            if row["state"] == "ended":
                raise ConflictError(f"the schedule {name} has ended: change its times, and it runs again")
            if row["state"] != ("paused" if action == "pause" else "active"):
                next_run_at = None if action == "pause" else find_next_run(read_timing(row))
                state = "paused" if action == "pause" else "ended" if next_run_at is None else "active"
                await connection.execute(_SQL["change_state"], row["id"], state, to_timestamp(next_run_at))
                await self._write_audit_entry(connection, origin, action, name, {"comment": origin.reason})
            return _build_schedule(await connection.fetchrow(_SQL["get_schedule"], name))

    async def start_run(self, name: str, origin: ChangeOrigin) -> str:
        """Start a run now, besides those of its times, whatever its state is. Returns the id of the broadcast.

        Raises MissingScheduleError.
        """
        broadcast_id = self._make_id(BROADCAST_PREFIX)
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await _lock(connection, name, None)
            await connection.execute(_SQL["insert_run"], row["id"], to_uuid_hex(broadcast_id), origin.actor)
            await self._write_audit_entry(connection, origin, "run", name, {"broadcast": broadcast_id, "comment": origin.reason})
        return broadcast_id

    async def delete(self, name: str, version: int | None, origin: ChangeOrigin) -> None:
        """Delete a schedule; its broadcasts stay. Raises as `replace` does."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await _lock(connection, name, version)
            await connection.execute(_SQL["delete_schedule"], row["id"])
            await self._write_audit_entry(connection, origin, "delete", name, {})

    async def _write_audit_entry(
        self, connection: Connection, origin: ChangeOrigin, action: str, name: str, details: Mapping[str, Any]
    ) -> None:
        entry_id = self._make_id(AUDIT_ENTRY_PREFIX)
        await write_audit_entry(connection, entry_id, origin.actor, action, "schedule", name, {"source": origin.source, **details})


async def _lock(connection: Connection, name: str, version: int | None) -> DatabaseRow:
    """Lock a schedule until the transaction ends. Raises MissingScheduleError and VersionMismatchError."""
    row = await connection.fetchrow(_SQL["lock_schedule"], name)
    if row is None:
        raise MissingScheduleError(name)
    if version not in (None, row["version"]):
        raise VersionMismatchError(row["version"])
    return row


def _describe(definition: ScheduleDefinition) -> dict[str, Any]:
    """What the audit log says of a definition."""
    names = ("cron", "time_zone", "audience", "rate")
    return {"type": definition.notification.type, **{name: getattr(definition, name) for name in names}}


def _encode(definition: ScheduleDefinition, audience_id: str | None) -> tuple[Any, ...]:
    """The values of the columns from `cron` to `rate`."""
    return (
        definition.cron,
        definition.time_zone,
        to_timestamp(definition.start_at),
        to_timestamp(definition.end_at),
        definition.missed,
        encode_json(definition.notification),
        definition.priority,
        audience_id,
        definition.user_ids,
        definition.rate,
    )


def _has_other_times(row: DatabaseRow, definition: ScheduleDefinition) -> bool:
    times = definition.cron, definition.time_zone, to_timestamp(definition.start_at), to_timestamp(definition.end_at)
    return times != (row["cron"], row["time_zone"], row["start_at"], row["end_at"])


def read_timing(row: DatabaseRow) -> Timing:
    """When the schedule in a row runs."""
    return Timing(row["cron"], row["time_zone"], to_seconds(row["start_at"]), to_seconds(row["end_at"]))


def _build_schedule(row: DatabaseRow) -> Schedule:
    return Schedule(
        id=f"{SCHEDULE_PREFIX}{row['id'].hex}",
        name=row["name"],
        cron=row["cron"],
        time_zone=row["time_zone"],
        start_at=to_seconds(row["start_at"]),
        end_at=to_seconds(row["end_at"]),
        missed=row["missed"],
        notification=_decode_notification(row["notification"]),
        priority=row["priority"],
        audience=row["audience"],
        user_ids=row["user_ids"],
        user_count=row["user_count"],
        rate=row["rate"],
        state=row["state"],
        next_run_at=to_seconds(row["next_run_at"]),
        last_run_at=to_seconds(row["last_run_at"]),
        version=row["version"],
        created_at=row["created_at"].timestamp(),
        updated_at=row["updated_at"].timestamp(),
        created_by=row["created_by"],
    )
