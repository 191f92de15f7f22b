"""Writes history: COPY for rows that are new, a merge for rows that may exist; implements schemas.ports.Recording."""

import struct
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import NamedTuple

import asyncpg

from schemas.errors import UnstorableRowError
from schemas.events import StatusEvent
from schemas.history import HistoryBatch, RecordedDeadLetter
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, is_id, to_uuid_hex
from tables.postgres import binary_copy
from tables.postgres.database import Connection, Database
from tables.postgres.query_loader import load_queries

_SQL = load_queries("history_writer")
_UNSTORABLE_ERRORS = (
    ValueError,  # an id that is none, text that is not Unicode; also asyncpg's own DataError
    OverflowError,
    struct.error,
    asyncpg.exceptions.DataError,
    asyncpg.exceptions.IntegrityConstraintViolationError,
    asyncpg.exceptions.CardinalityViolationError,
    asyncpg.exceptions.ProgramLimitExceededError,
)
_MAX_INT4 = 2**31 - 1
_MAX_TIMESTAMP = 253_402_300_799.0  # epoch seconds; 9999-12-31
MAX_RECENT_IDS = 200_000  # ids; a row that comes again mostly comes soon


class _CopyData(NamedTuple):
    """Packed rows for one table: `fresh` ones are believed to be new, `known` ones may exist."""

    table: str
    columns: str
    new_rows: bytes
    existing_rows: bytes


class PostgresHistoryWriter:
    """Commits groups of events; remembers the ids it wrote lately, whose rows would collide in a COPY."""

    def __init__(self, database: Database, max_recent_ids: int = MAX_RECENT_IDS) -> None:
        self._database, self._max_recent_ids = database, max_recent_ids
        self._recent_ids: set[str] = set()
        self._older_ids: set[str] = set()

    async def write(self, batch: HistoryBatch) -> None:
        """One transaction. Raises Unstorable if a row cannot be stored as it is, Unavailable if PostgreSQL does not answer."""
        try:
            await self._write_or_merge(batch)
        except _UNSTORABLE_ERRORS as unfit:
            raise UnstorableRowError(f"{type(unfit).__name__}: {unfit}") from unfit
        self._add_recent(row.id for row in batch.notifications)
        self._add_recent(event.delivery_id for event in batch.deliveries)

    async def _write_or_merge(self, batch: HistoryBatch) -> None:
        try:
            await self._commit(_build_copy_data(batch, self._is_recent, logs_may_exist=False), batch.dead_letters)
        except asyncpg.exceptions.UniqueViolationError:  # read again after a crash, or another worker's: everything may exist
            await self._commit(_build_copy_data(batch, lambda an_id: True, logs_may_exist=True), batch.dead_letters)

    async def _commit(self, loads: Sequence[_CopyData], dead_letters: Sequence[RecordedDeadLetter]) -> None:
        async with self._database.acquire_connection() as connection, connection.transaction():
            for load in loads:
                if load.new_rows:
                    await _copy_rows(connection, load.table, load.columns, load.new_rows)
                if load.existing_rows:
                    await connection.execute(_SQL[f"create_staging_{load.table}"])
                    await _copy_rows(connection, f"staging_{load.table}", load.columns, load.existing_rows)
                    await connection.execute(_SQL[f"merge_{load.table}"])
            if dead_letters:
                await connection.executemany(_SQL["insert_dead_letter"], [_build_dead_letter_values(filed) for filed in dead_letters])

    def _is_recent(self, an_id: str) -> bool:
        return an_id in self._recent_ids or an_id in self._older_ids

    def _add_recent(self, ids: Iterable[str]) -> None:
        self._recent_ids.update(ids)
        if len(self._recent_ids) > self._max_recent_ids // 2:
            self._recent_ids, self._older_ids = set(), self._recent_ids


def _build_copy_data(batch: HistoryBatch, may_exist: Callable[[str], bool], logs_may_exist: bool) -> list[_CopyData]:
    """The rows of the three tables in the order of their ids, so that no two workers lock crosswise; those that may exist apart."""
    notifications = [(row.id, binary_copy.encode_notification(row), may_exist(row.id)) for row in batch.notifications]
    deliveries = [
        (event.delivery_id, binary_copy.encode_delivery(event), _has_earlier_event(event) or may_exist(event.delivery_id))
        for event in batch.deliveries
    ]
    logs = [(attempt.id, binary_copy.encode_delivery_log(attempt), logs_may_exist) for attempt in batch.attempts]
    return [
        _split_copy_data("notifications", binary_copy.NOTIFICATION_COLUMNS, notifications),
        _split_copy_data("deliveries", binary_copy.DELIVERY_COLUMNS, deliveries),
        _split_copy_data("delivery_logs", binary_copy.DELIVERY_LOG_COLUMNS, logs),
    ]


def _has_earlier_event(event: StatusEvent) -> bool:
    """Whether the delivery has had an event before: a second attempt, another life, or news from the provider."""
    return event.attempt > 0 or event.redrive_count > 0 or event.outcome is None


def _split_copy_data(table: str, columns: str, rows: list[tuple[str, bytes, bool]]) -> _CopyData:
    rows.sort()
    return _CopyData(
        table, columns, _build_stream([row for _, row, old in rows if not old]), _build_stream([row for _, row, old in rows if old])
    )


def _build_stream(rows: Sequence[bytes]) -> bytes:
    return binary_copy.build_copy_stream(rows) if rows else b""


async def _copy_rows(connection: Connection, table: str, columns: str, stream: bytes) -> None:
    await connection.copy_to_table(table, source=_yield_once(stream), columns=columns.split(), format="binary")


async def _yield_once(stream: bytes) -> AsyncIterator[bytes]:
    yield stream


def _build_dead_letter_values(recorded: RecordedDeadLetter) -> tuple[object, ...]:
    """The row of a dead letter; whatever stands in its headers must not make it one that cannot be stored."""
    letter = recorded.dead_letter
    return (
        recorded.topic,
        recorded.partition,
        recorded.offset,
        min(max(recorded.created_at, 0.0), _MAX_TIMESTAMP),
        letter.stage,
        *map(_replace_nul, (letter.reason, letter.error, letter.source_topic)),
        min(letter.source_partition, _MAX_INT4),
        letter.source_offset,
        min(letter.attempts, _MAX_INT4),
        _replace_nul(letter.user_id),
        to_uuid_hex(letter.notification_id) if is_id(letter.notification_id, NOTIFICATION_PREFIX) else None,
        to_uuid_hex(letter.delivery_id) if is_id(letter.delivery_id, DELIVERY_PREFIX) else None,
        letter.key,
        letter.value,
        letter.truncated,
    )


def _replace_nul(text: str) -> str:
    return text.replace("\0", "\ufffd")
