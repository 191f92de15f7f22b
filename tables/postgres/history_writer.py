"""Writes history: COPY for new rows, a merge for rows that may exist, and the users' counters (schemas.store_ports.HistoryWriter)."""

import struct
from collections.abc import Iterable, Mapping, Sequence

import asyncpg
import msgspec

from schemas.dead_letters import derive_dead_letter_id, describe_cause
from schemas.errors import UnavailableError, UnstorableRowError
from schemas.events import StatusEvent
from schemas.history import HistoryBatch, LoggedAttempt, RecordedDeadLetter, WrittenReports
from schemas.history_counts import HistoryChanges
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, is_id, to_uuid_hex
from schemas.user_counts import count_sent
from tables.postgres import binary_copy
from tables.postgres.database import MAX_TIMESTAMP, Connection, Database, DatabaseRow
from tables.postgres.endpoint_counts import add_endpoint_counts
from tables.postgres.history_counts import BatchLabels, LabelIds, add_changes, add_merged_deliveries, add_merged_notifications
from tables.postgres.query_loader import load_queries
from tables.postgres.reports import write_reports
from tables.postgres.staged_copy import CopyData, copy_rows, merge_rows, split_copy_data

_SQL = load_queries("history_writer")
_encode = msgspec.json.Encoder().encode
_UNSTORABLE_ERRORS = (
    ValueError,  # an invalid id or text that is not Unicode; the base class of asyncpg's client-side DataError
    OverflowError,
    struct.error,
    asyncpg.exceptions.DataError,
    asyncpg.exceptions.IntegrityConstraintViolationError,
    asyncpg.exceptions.CardinalityViolationError,
    asyncpg.exceptions.ProgramLimitExceededError,
)
_MAX_INT4 = 2**31 - 1
REPLAY_FREE_WRITES = 3  # merges in a row without a row that existed, after which rows are expected to be new
MAX_RECENT_IDS = 200_000  # most rows that are written again follow the first write closely


class PostgresHistoryWriter:
    """Commits history batches. It keeps the ids of recent rows, because a COPY of an existing row would fail.

    After a start or a rebalance, the first batches may be replays: all their rows are merged, because PostgreSQL would log the failure of
    a COPY as an error.
    """

    def __init__(self, database: Database, max_recent_ids: int = MAX_RECENT_IDS) -> None:
        self._database, self._max_recent_ids = database, max_recent_ids
        self._recent_ids: set[str] = set()
        self._older_ids: set[str] = set()
        self._replay_free_writes = 0
        self._label_ids = LabelIds(database)

    async def write(self, batch: HistoryBatch) -> WrittenReports:
        """Write a batch in one transaction.

        Raises UnstorableRowError if PostgreSQL rejects the values of a row, UnavailableError if it does not answer.
        """
        try:
            written = await self._write_with_labels(batch)
        except UnavailableError:  # perhaps a failover
            self._label_ids.forget()
            raise
        except _UNSTORABLE_ERRORS as error:
            raise UnstorableRowError(f"{type(error).__name__}: {error}") from error
        self._add_recent(_collect_ids(batch))
        return written

    async def _write_with_labels(self, batch: HistoryBatch) -> WrittenReports:
        try:
            return await self._write_or_merge(batch)
        except asyncpg.exceptions.ForeignKeyViolationError:  # a row of count_labels was lost; the batch is as good as any
            self._label_ids.forget()
            return await self._write_or_merge(batch)

    async def _write_or_merge(self, batch: HistoryBatch) -> WrittenReports:
        if self._replay_free_writes < REPLAY_FREE_WRITES:
            return await self._merge(batch)
        try:
            return (await self._commit(batch, self._find_recent(batch), logs_may_exist=False))[1]
        except asyncpg.exceptions.UniqueViolationError:  # rows of another worker, after a rebalance
            self._replay_free_writes = 0
            return await self._merge(batch)

    async def _merge(self, batch: HistoryBatch) -> WrittenReports:
        """Write a batch of which any row may exist."""
        unchanged, written = await self._commit(batch, _collect_ids(batch), logs_may_exist=True)
        self._replay_free_writes = 0 if unchanged else self._replay_free_writes + 1
        return written

    async def _commit(self, batch: HistoryBatch, may_exist: set[str], *, logs_may_exist: bool) -> tuple[int, WrittenReports]:
        """Write all in one transaction; returns how many of the rows existed and stay as they are, and what became of the reports."""
        unchanged, merged, changes = 0, dict[str, Sequence[DatabaseRow]](), HistoryChanges()
        labels = await self._label_ids.find(batch)
        async with self._database.acquire_connection() as connection, connection.transaction():
            for data in _build_copy_data(batch, may_exist, labels, changes, logs_may_exist):
                if data.new_rows:
                    await copy_rows(connection, data.table, data.columns, data.new_rows)
                if data.existing_rows:
                    merged[data.table] = await merge_rows(connection, data)
                    unchanged += data.existing_row_count - len(merged[data.table])
            attempts: Iterable[LoggedAttempt] = batch.attempts
            if logs_may_exist:
                attempts_by_id = {attempt.id: attempt for attempt in attempts}
                attempts = [attempts_by_id[row["id"].hex] for row in merged.get("delivery_logs", ())]
            if tests := sorted(to_uuid_hex(row.id) for row in batch.notifications if row.is_test):
                await connection.execute(_SQL["mark_tests"], tests, tests[0], tests[-1])
            await _add_user_counts(connection, attempts)
            await add_endpoint_counts(connection, attempts)
            if batch.dead_letters:
                await connection.executemany(_SQL["insert_dead_letter"], list(map(_build_dead_letter_values, batch.dead_letters)))
            written = await write_reports(connection, batch, changes, self._database.sealing)
            _add_history_changes(changes, merged, labels.list_attempts(attempt.event for attempt in attempts))
            await add_changes(connection, changes)
            return unchanged, written

    def _find_recent(self, batch: HistoryBatch) -> set[str]:
        ids = _collect_ids(batch)
        return (ids & self._recent_ids) | (ids & self._older_ids)

    def _add_recent(self, ids: set[str]) -> None:
        self._recent_ids.update(ids)
        if len(self._recent_ids) > self._max_recent_ids // 2:
            self._recent_ids, self._older_ids = set(), self._recent_ids


def _collect_ids(batch: HistoryBatch) -> set[str]:
    """The ids of the notifications and deliveries, which have different prefixes."""
    return {row.id for row in batch.notifications} | {event.delivery_id for event in batch.deliveries}


def _build_copy_data(
    batch: HistoryBatch, may_exist: set[str], labels: BatchLabels, changes: HistoryChanges, logs_may_exist: bool
) -> list[CopyData]:
    """The rows of the three tables, sorted by id so that two workers cannot deadlock; rows that may exist, by id, are separate.

    Those that do not exist are counted.
    """
    notifications, deliveries = [], []
    for row, labels_id in zip(batch.notifications, labels.of_notifications, strict=True):
        exists = row.resume_count + row.redrive_count > 0 or row.id in may_exist
        notifications.append((row.id, binary_copy.encode_notification(row, labels_id), exists))
        if labels_id is not None and not exists:
            changes.add_notification(row, labels_id)
    # one statement cannot update a row twice, so each decision of a notification that was held or redriven has its own
    resume_counts = sorted({(row.resume_count, row.redrive_count) for row in batch.notifications})
    for event in batch.deliveries:
        exists, counted_as = event.delivery_id in may_exist or _has_earlier_event(event), labels.of_deliveries[event.delivery_id]
        deliveries.append((event.delivery_id, binary_copy.encode_delivery(event, counted_as), exists))
        if counted_as is not None and not exists:
            changes.add_delivery(event, counted_as)
    logs = [(attempt.id, binary_copy.encode_delivery_log(attempt), logs_may_exist) for attempt in batch.attempts]
    return [
        split_copy_data("notifications", binary_copy.NOTIFICATION_COLUMNS, notifications, resume_counts),
        split_copy_data("deliveries", binary_copy.DELIVERY_COLUMNS, deliveries),
        split_copy_data("delivery_logs", binary_copy.DELIVERY_LOG_COLUMNS, logs),
    ]


def _has_earlier_event(event: StatusEvent) -> bool:
    """Whether the delivery must have an earlier event: this one is a retry, a redrive, or a provider's event."""
    return event.attempt > 0 or event.redrive_count > 0 or event.outcome is None


def _add_history_changes(
    changes: HistoryChanges, merged: Mapping[str, Sequence[DatabaseRow]], attempts: Iterable[tuple[StatusEvent, int | None]]
) -> None:
    """Count what was merged, and what was handed over in new attempts."""
    add_merged_notifications(changes, merged.get("notifications", ()))
    add_merged_deliveries(changes, merged.get("deliveries", ()))
    changes.add_handovers(attempts)


async def _add_user_counts(connection: Connection, new_attempts: Iterable[LoggedAttempt]) -> None:
    """Count what new attempts have sent; the rows are sorted, so that two workers cannot deadlock."""
    counts = count_sent(new_attempts)
    if counts:
        keys = sorted(counts)
        await connection.execute(_SQL["add_user_counts"], *zip(*keys, strict=True), [counts[key] for key in keys])


def _build_dead_letter_values(recorded: RecordedDeadLetter) -> tuple[object, ...]:
    """The values of a row of dead_letters. Header values are clamped or replaced, so that each dead letter can be stored."""
    dead_letter = recorded.dead_letter
    cause, channel, notification_type = describe_cause(dead_letter)
    return (
        to_uuid_hex(derive_dead_letter_id(recorded)),
        recorded.topic,
        recorded.partition,
        recorded.offset,
        min(max(recorded.created_at, 0.0), MAX_TIMESTAMP),
        dead_letter.stage,
        *map(_replace_nul, (dead_letter.reason, dead_letter.error, dead_letter.source_topic)),
        min(dead_letter.source_partition, _MAX_INT4),
        dead_letter.source_offset,
        min(dead_letter.attempts, _MAX_INT4),
        _replace_nul(dead_letter.user_id),
        to_uuid_hex(dead_letter.notification_id) if is_id(dead_letter.notification_id, NOTIFICATION_PREFIX) else None,
        to_uuid_hex(dead_letter.delivery_id) if is_id(dead_letter.delivery_id, DELIVERY_PREFIX) else None,
        dead_letter.key,
        dead_letter.value,
        dead_letter.truncated,
        cause,
        channel,
        *map(_replace_nul, (notification_type, dead_letter.account, dead_letter.outcome)),
        min(dead_letter.provider_code, _MAX_INT4),
        min(dead_letter.redrive_count, _MAX_INT4),
        min(dead_letter.source_time, MAX_TIMESTAMP) or None,
        _encode(dead_letter.source_headers),
    )


def _replace_nul(text: str) -> str:
    return text.replace("\0", "\ufffd")
