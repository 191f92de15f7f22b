"""Reads and discards dead letters; what sends them again is redrives.py. Each change is an entry of the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from schemas.dead_letter import Headers
from schemas.dead_letters import (
    DEAD_LETTER_PREFIX,
    MAX_COUNTED,
    CauseGroup,
    DeadLetterContent,
    DeadLetterCounts,
    DeadLetterFilter,
    StoredDeadLetter,
)
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, to_uuid_hex
from schemas.projects import project_in_force
from schemas.redrives import REDRIVE_PREFIX
from schemas.user_keys import SealerReader
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.opened_dead_letters import open_for_reading
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries, restrict_to_project
from tables.postgres.user_rows import encode_json, to_seconds

_SQL = load_queries("dead_letters")
_MIN_UUID, _MAX_UUID = "0" * 32, "f" * 32
DISCARD_PAGE = 20_000  # dead letters of one statement, which has a few seconds
_decode_headers = msgspec.json.Decoder(Headers).decode

MANY = "several"
"""The object of an entry of the audit log that is about more than one dead letter."""


class DeadLetterStore:
    """Reads and writes the table dead_letters. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId, sealers: SealerReader | None = None) -> None:
        self._database, self._make_id, self._sealers = database, make_id, sealers

    async def get(self, dead_letter_id: str) -> DeadLetterContent | None:
        """A dead letter with its bytes; None if there is no such one."""
        rows = await self._database.fetch(_SQL["get_dead_letter"], to_uuid_hex(dead_letter_id))
        return await open_for_reading(build_content(rows[0]), self._sealers) if rows else None

    async def list_dead_letters(self, selection: DeadLetterFilter, limit: int, before: str | None = None) -> list[StoredDeadLetter]:
        """At most `limit` dead letters with ids below `before`, newest first."""
        below = to_uuid_hex(before) if before else _MAX_UUID
        project = project_in_force.get()
        is_plain = project is not None and selection == DeadLetterFilter()
        query = _SQL["list_dead_letters_in_project" if is_plain else "list_dead_letters"]
        rows = await self._database.fetch(restrict_to_project(query, project), encode_json(selection), below, limit, project)
        return [build_stored(row) for row in rows]

    async def list_causes(self, selection: DeadLetterFilter, limit: int) -> list[CauseGroup]:
        """At most `limit` causes, the most frequent first."""
        project = project_in_force.get()
        rows = await self._database.fetch(restrict_to_project(_SQL["list_causes"], project), encode_json(selection), limit, project)
        return [
            CauseGroup(
                row["cause"],
                row["count"],
                row["open_count"],
                row["first_seen_at"].timestamp(),
                row["last_seen_at"].timestamp(),
                build_stored(row),
            )
            for row in rows
        ]

    async def count_recent(self) -> DeadLetterCounts:
        """The open ones, and those of the last two hours."""
        (row,) = await self._database.fetch(_SQL["count_recent"], MAX_COUNTED)
        return DeadLetterCounts(row["open_count"], row["last_hour_count"], row["hour_before_count"])

    async def discard(self, selection: DeadLetterFilter, ids: Sequence[str] | None, origin: ChangeOrigin) -> int:
        """Discard the open ones that the filter selects, of these ids if they are given; returns how many.

        Those that a redrive is about to send stay as they are: for them it is too late.
        """
        uuids = None if ids is None else [to_uuid_hex(one) for one in ids]
        async with self._database.acquire_connection() as connection, connection.transaction():
            count = await _discard(connection, encode_json(selection), uuids, origin)
            if count:
                details = {"count": count, "comment": origin.reason, "filter": msgspec.to_builtins(selection), "ids": ids}
                await self._write_audit_entry(connection, origin, "discard", ids[0] if ids and len(ids) == 1 else MANY, details)
        return count

    async def record_read(self, dead_letter_id: str, origin: ChangeOrigin) -> None:
        """Record that somebody reads the exact bytes of a dead letter."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await self._write_audit_entry(connection, origin, "read_bytes", dead_letter_id, {"comment": origin.reason})

    async def _write_audit_entry(
        self, connection: Connection, origin: ChangeOrigin, action: str, object_id: str, details: Mapping[str, Any]
    ) -> None:
        entry_id, details = self._make_id(AUDIT_ENTRY_PREFIX), {"source": origin.source, **details}
        await write_audit_entry(connection, entry_id, origin.actor, action, "dead_letter", object_id, details)


async def _discard(connection: Connection, selection: str, uuids: Sequence[str] | None, origin: ChangeOrigin) -> int:
    """Discard page by page, each locked before it is looked at; returns how many."""
    project = project_in_force.get()
    lock, count, last = restrict_to_project(_SQL["lock_selected"], project), 0, _MIN_UUID
    while True:
        rows = await connection.fetch(lock, selection, uuids, last, DISCARD_PAGE, project)
        count += int(await connection.fetchval(_SQL["discard"], [row["id"] for row in rows], origin.actor, origin.reason))
        if len(rows) < DISCARD_PAGE:
            return count
        last = rows[-1]["id"]


def build_content(row: DatabaseRow) -> DeadLetterContent:
    """The dead letter in a row that has all columns."""
    headers = _decode_headers(row["source_headers"]) if row["source_headers"] else []
    return DeadLetterContent(build_stored(row), row["key"], row["value"], headers)


def build_stored(row: DatabaseRow) -> StoredDeadLetter:
    """The dead letter in a row, without its bytes."""
    return StoredDeadLetter(
        id=f"{DEAD_LETTER_PREFIX}{row['id'].hex}",
        created_at=row["created_at"].timestamp(),
        state=row["state"],
        cause=row["cause"],
        stage=row["stage"],
        reason=row["reason"],
        error=row["error"],
        channel=row["channel"],
        type=row["type"],
        account=row["account"],
        outcome=row["outcome"],
        provider_code=row["provider_code"],
        attempts=row["attempts"],
        redrive_count=row["redrive_count"],
        user_id=row["user_id"],
        notification_id=f"{NOTIFICATION_PREFIX}{row['notification_id'].hex}" if row["notification_id"] else "",
        delivery_id=f"{DELIVERY_PREFIX}{row['delivery_id'].hex}" if row["delivery_id"] else "",
        source_topic=row["source_topic"],
        source_partition=row["source_partition"],
        source_offset=row["source_offset"],
        source_time=row["source_time"].timestamp() if row["source_time"] else 0.0,
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        is_truncated=row["truncated"],
        value_bytes=row["value_bytes"] or 0,
        redrive_id=f"{REDRIVE_PREFIX}{row['redrive_id'].hex}" if row["redrive_id"] else "",
        ended_at=to_seconds(row["ended_at"]),
        ended_by=row["ended_by"],
        discard_reason=row["discard_reason"],
    )
