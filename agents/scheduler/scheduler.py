"""scheduled.<priority> -> rows of the table due: each batch is decided on the rows that it reads, and committed as a whole."""

from asyncio import Future
from collections import Counter
from collections.abc import Callable, Container, Sequence

import msgspec
from msgspec import Struct

from agents.agent_runs import AgentRuns
from agents.consecutive_failure_limit import ConsecutiveFailureLimit
from agents.dead_letter import build_dead_letter, truncate_value
from agents.dead_letter_limit import DeadLetterLimit, build_unlimited, count_dead_letters
from agents.scheduler.changes import Changes, Result
from agents.scheduler.decode import DecodeFailure, decode_record
from agents.scheduler.delivery_events import CancelledDelivery
from agents.scheduler.due_queue import DueQueue
from schemas.dead_letter import encode_headers
from schemas.enums import Priority, Reason
from schemas.errors import PartitionFencedError
from schemas.ports import Batch, BatchCommitter, BatchHandle, BatchHandles, Clock, Outbox, Record, Table
from schemas.scheduled import Cancel, Reschedule, Scheduled
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, parse_priority
from tables import due

Entry = Scheduled | Cancel | Reschedule
DecodedRecord = tuple[Record, Entry | DecodeFailure]
GetQueue = Callable[[int], DueQueue]

_encode = msgspec.json.Encoder().encode


class BatchSummary(Struct, frozen=True):
    """What became of a batch: records by result (stored, cancelled, rescheduled, replayed, not_found), dead letters by reason, seconds."""

    topic: str
    partition: int
    results: dict[str, int]
    dead_letters: dict[str, int]
    seconds: float


class Scheduler:
    """The agent of all three priorities, which share the rows of a partition.

    As in the router, nothing is awaited between reading the rows of a batch and handing its outputs to the committer. The position of the
    last record is a row of the batch: a record that is read again after it was stored is skipped, because its entry may be released.
    """

    def __init__(
        self,
        table: Table,
        get_queue: GetQueue,
        committer: BatchCommitter,
        clock: Clock,
        target_topics: Container[str],
        topic_prefix: str,
        observe: Callable[[BatchSummary], None],
        on_stored: Callable[[], None],
        dead_letter_limit: DeadLetterLimit | None = None,
    ) -> None:
        """`get_queue`: the queue of a partition; call it after `create_outbox`. `on_stored`: called when new entries can be released."""
        self._table, self._get_queue, self._committer, self._clock = table, get_queue, committer, clock
        self._target_topics, self._observe, self._on_stored = target_topics, observe, on_stored
        self._status_topic, self._dead_letter_topic = topic_prefix + STATUS_TOPIC, topic_prefix + DEAD_LETTER_TOPIC
        self._failure_limit, self._runs = ConsecutiveFailureLimit(), AgentRuns()
        self._dead_letter_limit = dead_letter_limit or build_unlimited()

    async def run(self, batches: BatchHandles) -> None:
        """Store batches as long as there are any; each is acknowledged when its outputs and rows are committed."""
        with self._runs.track():
            async for handle in batches:
                self._store(handle)

    def _store(self, handle: BatchHandle) -> None:
        batch, started_at, priority = handle.batch, self._clock(), parse_priority(handle.batch.topic)
        decoded: list[DecodedRecord] = [(record, decode_record(record, self._target_topics)) for record in batch.records]
        # before the rows are read: it makes the table drop the pending rows of a fenced generation
        outbox = self._committer.create_outbox(batch.partition)
        queue = self._get_queue(batch.partition)
        position_key = due.encode_position_key(priority)
        (position,) = self._table.get_many(batch.partition, [position_key])
        decoded = _skip_stored(batch, due.decode_position(position), decoded)
        changes = Changes(queue, self._read_rows(batch.partition, [value for _, value in decoded]))
        results: Counter[str] = Counter()
        dead_letters: Counter[str] = Counter()
        for record, value in decoded:
            if not isinstance(value, DecodeFailure):
                result = self._change(changes, record, value, batch, priority, outbox)
                if not isinstance(result, DecodeFailure):
                    results[result] += 1
                    continue
                value = result
            self._write_dead_letter(batch, record, value, outbox)
            dead_letters[value.reason] += 1
        self._dead_letter_limit.record(len(batch), count_dead_letters(dead_letters))  # before anything of it is produced
        results["replayed"] += len(batch) - len(decoded)
        if decoded:
            last = decoded[-1][0]
            position = due.encode_position(due.Position(last.offset, last.timestamp))
        changes.changed[position_key] = position
        queue.begin_commit(changes.first_times)
        committed = self._committer.commit(batch.partition, outbox, [(self._table, changes.changed)])

        def finish(_: Future[None]) -> None:
            queue.end_commit(changes.first_times)
            if self._finish(handle, committed):
                seconds = self._clock() - started_at
                self._observe(BatchSummary(batch.topic, batch.partition, dict(+results), dict(dead_letters), seconds))

        committed.add_done_callback(finish)

    def _finish(self, handle: BatchHandle, committed: Future[None]) -> bool:
        """Acknowledge a batch that is committed. Returns whether it is."""
        error = committed.exception()
        if error is None:
            handle.ack()
            self._on_stored()
        elif isinstance(error, PartitionFencedError):
            handle.release()
        return error is None

    def _read_rows(self, partition: int, values: Sequence[Entry | DecodeFailure]) -> dict[bytes, bytes | None]:
        """The index rows of all values, and the entry rows of those to cancel or move."""
        valid = [value for value in values if not isinstance(value, DecodeFailure)]
        index_keys = list({due.encode_index_key(value.user_id, value.id) for value in valid})
        rows = dict(zip(index_keys, self._table.get_many(partition, index_keys), strict=True))
        entry_keys = []
        for value in valid:
            row = rows[due.encode_index_key(value.user_id, value.id)]
            if row is not None and not isinstance(value, Scheduled):
                index_row = due.decode_index_row(row)
                entry_keys.append(due.encode_entry_key(index_row.priority, index_row.due_ms, value.user_id, value.id))
        return rows | dict(zip(entry_keys, self._table.get_many(partition, entry_keys), strict=True))

    def _change(
        self, changes: Changes, record: Record, value: Entry, batch: Batch, priority: Priority, outbox: Outbox
    ) -> str | DecodeFailure:
        """The result of one record; a failure if an unexpected error costs it. Raises that error if too many come in a row."""
        try:
            result, event = self._decide(changes, record, value, priority)
        except Exception as error:
            return DecodeFailure(Reason.UNEXPECTED_ERROR, self._failure_limit.record_failure(error), value.id, value.user_id)
        self._failure_limit.record_success()
        if isinstance(event, CancelledDelivery):
            outbox.add(event.topic, batch.partition, value.user_id.encode(), event.value)
        elif event is not None:
            outbox.add(self._status_topic, batch.partition, event.user_id.encode(), _encode(event))
        return result

    def _decide(self, changes: Changes, record: Record, value: Entry, priority: Priority) -> tuple[str, Result]:
        match value:
            case Cancel():
                return changes.cancel(value, self._clock())
            case Reschedule():
                return changes.reschedule(value, self._clock())
            case _:
                return changes.store(value, record.value or b"", priority), None

    def _write_dead_letter(self, batch: Batch, record: Record, failure: DecodeFailure, outbox: Outbox) -> None:
        dead_letter = build_dead_letter(
            "scheduler",
            batch.topic,
            batch.partition,
            record,
            failure.reason,
            failure.error,
            notification_id=failure.entry_id,
            user_id=failure.user_id,
        )
        # Kafka rejects a record without key and value
        outbox.add(self._dead_letter_topic, batch.partition, record.key, truncate_value(dead_letter) or b"", encode_headers(dead_letter))


def _skip_stored(batch: Batch, last: due.Position, decoded: list[DecodedRecord]) -> list[DecodedRecord]:
    """The records after the last one that was stored. A topic that was made anew has lower offsets, but later times."""
    if batch.first_offset > last.offset:
        return decoded
    return [entry for entry in decoded if entry[0].offset > last.offset or entry[0].timestamp > last.timestamp]
