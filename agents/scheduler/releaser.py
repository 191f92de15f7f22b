"""The table due -> the target topic of each entry when it is due, by the brokers' clock."""

import asyncio
from asyncio import Future, timeout
from collections.abc import Callable, Collection, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from agents.scheduler.due_queue import DueQueue, load_queue
from schemas.enums import PRIORITIES, Priority
from schemas.errors import PartitionFencedError
from schemas.ports import BatchCommitter, Header, OrderedTable, Outbox, Sleep
from schemas.scheduled import (
    CANCELLED,
    DIGEST_HEADER,
    DUE,
    ORIGINAL_TIME_HEADER,
    RESUME_COUNT_HEADER,
    RESUME_GATE_HEADER,
    ROUTED_CHANNELS_HEADER,
    Scheduled,
    encode_channels,
)
from tables import due

MAX_WAIT = 0.5  # seconds between two looks at the assignment
MAX_RELEASES_IN_FLIGHT = 2  # of a partition; the next is decided while Kafka confirms the one before
LOWER_PRIORITY_SHARES: dict[Priority, int] = {"high": 1, "medium": 4, "low": 8}  # a priority has at least 1/n of a release

GetBrokerTime = Callable[[], float | None]
_decode = msgspec.json.Decoder(Scheduled).decode


class ReleaseSummary(Struct, frozen=True):
    """A release of one partition that is committed: entries by priority, and how late each was, in seconds."""

    partition: int
    lateness: dict[Priority, list[float]]


class Releaser:
    """Releases what is due in the assigned partitions.

    The claim of a release removes the index rows, and is acknowledged before the outputs are produced; the entry rows are removed after. An
    entry that is found without its index row after a crash is released (again), and cannot be cancelled any more. Its notification may be
    held once more by then: an index row that leads to another entry stays. Nothing is released by the host's clock: while the brokers'
    time is unknown, a row is written to learn it.
    """

    def __init__(
        self,
        table: OrderedTable,
        committer: BatchCommitter,
        get_partitions: Callable[[], Collection[int]],
        get_assignment_number: Callable[[], int],
        get_broker_time: GetBrokerTime,
        sleep: Sleep,
        interval: float,
        max_entries: int,
        observe: Callable[[ReleaseSummary], None],
    ) -> None:
        """`get_partitions`: those that are assigned and recovered. `get_assignment_number`: another one when they were assigned anew.

        `get_broker_time`: epoch seconds, never ahead of the brokers; None while it is unknown. `interval`: seconds between two releases, so
        that one takes all that becomes due in this time; `max_entries`: of one release.
        """
        self._table, self._committer, self._get_broker_time = table, committer, get_broker_time
        self._get_partitions, self._get_assignment_number = get_partitions, get_assignment_number
        self._sleep, self._interval, self._max_entries, self._observe = sleep, interval, max_entries, observe
        self._queues: dict[int, DueQueue] = {}
        self._assignment_number = -1  # of the queues
        self._wake_up = asyncio.Event()
        self._probe: Future[None] | None = None
        self._failure: BaseException | None = None

    def get_queue(self, partition: int) -> DueQueue:
        """The queue of an assigned partition. Call it after `create_outbox`, which drops the pending rows of a fenced generation."""
        number = self._get_assignment_number()
        if number != self._assignment_number:  # what was not committed before is released again, here or by another worker
            self._queues, self._assignment_number = {}, number
        queue = self._queues.get(partition)
        if queue is None:
            queue = self._queues[partition] = load_queue(self._table, partition)
        return queue

    def wake_up(self) -> None:
        """Look for due entries now: new ones are stored, or partitions are assigned."""
        self._wake_up.set()

    async def run_forever(self) -> None:
        """Release until cancelled. Raises what a commit failed with."""
        while True:
            self._wake_up.clear()
            wait = self.release_due()
            await self._sleep(self._interval)
            try:
                async with timeout(max(0.0, wait - self._interval)):
                    await self._wake_up.wait()
            except TimeoutError:
                pass
            if self._failure is not None:
                raise self._failure

    def release_due(self) -> float:
        """Start a release in each partition in which something is due. Returns the seconds until the next look."""
        partitions, broker_time = self._get_partitions(), self._get_broker_time()
        queues = {partition: self._load(partition) for partition in partitions}
        if broker_time is None:
            self._ask_for_time(queues)
            return MAX_WAIT
        wait, now_ms = MAX_WAIT, int(broker_time * 1000)
        for partition, queue in queues.items():
            if queue.next_due_ms is None or queue.releases_in_flight >= MAX_RELEASES_IN_FLIGHT:  # the end of a commit wakes
                continue
            if queue.next_due_ms <= now_ms:
                self._release(partition, queue, now_ms)
            if queue.next_due_ms is not None:
                wait = min(wait, max(0.0, queue.next_due_ms / 1000 - broker_time))
        return wait

    def _load(self, partition: int) -> DueQueue:
        self._committer.create_outbox(partition)
        return self.get_queue(partition)

    def _ask_for_time(self, queues: dict[int, DueQueue]) -> None:
        """Write a row that changes nothing: its acknowledgement has the broker's time. Nothing if no entry waits."""
        waiting = [partition for partition, queue in queues.items() if queue.next_due_ms is not None]
        if waiting and self._probe is None:
            partition, priority = waiting[0], PRIORITIES[0]
            outbox = self._committer.create_outbox(partition)
            row = due.encode_released_until(queues[partition].released_until[priority])
            self._probe = self._committer.commit(partition, outbox, [(self._table, {due.encode_released_until_key(priority): row})])
            self._probe.add_done_callback(self._end_probe)

    def _end_probe(self, committed: Future[None]) -> None:
        self._probe = None
        self._record_failure(committed)
        self._wake_up.set()

    def _release(self, partition: int, queue: DueQueue, now_ms: int) -> None:
        outbox = self._committer.create_outbox(partition)
        release = Release(self._table, partition, queue, outbox, now_ms, self._max_entries)
        if not release.rows:
            return
        committed = self._committer.commit(partition, outbox, [(self._table, release.rows)], [(self._table, release.claims)])
        queue.releases_in_flight += 1
        committed.add_done_callback(partial(self._end_release, partition, queue, release))

    def _end_release(self, partition: int, queue: DueQueue, release: "Release", committed: Future[None]) -> None:
        queue.releases_in_flight -= 1
        self._record_failure(committed)
        self._wake_up.set()
        broker_time = self._get_broker_time()
        if committed.exception() is None and broker_time is not None and release.due_times:
            lateness = {priority: [broker_time - due_at for due_at in due_times] for priority, due_times in release.due_times.items()}
            self._observe(ReleaseSummary(partition, lateness))

    def _record_failure(self, committed: Future[None]) -> None:
        error = committed.exception()
        if error is not None and not isinstance(error, PartitionFencedError):
            self._failure = self._failure or error


class Release:
    """What is due of one partition: its records are added to the outbox; `claims` and `rows` remove its index rows and entry rows."""

    def __init__(self, table: OrderedTable, partition: int, queue: DueQueue, outbox: Outbox, now_ms: int, max_entries: int) -> None:
        self.claims: dict[bytes, bytes | None] = {}
        self.rows: dict[bytes, bytes | None] = {}
        self.due_times: dict[Priority, list[float]] = {}
        self._table, self._partition, self._queue, self._outbox = table, partition, queue, outbox
        self._next_due_ms: int | None = None
        room = max_entries
        for priority in PRIORITIES:
            room -= self._take(priority, now_ms, max(room, max_entries // LOWER_PRIORITY_SHARES[priority]))
        queue.next_due_ms = self._next_due_ms

    def _take(self, priority: Priority, now_ms: int, max_entries: int) -> int:
        """Take the due entries of a priority; returns how many."""
        queue = self._queue
        end_key = due.encode_entry_key(priority, queue.compute_scan_end(priority, now_ms))
        scanned = self._table.scan(self._partition, queue.next_keys[priority], end_key, due.encode_entry_limit(priority), max_entries)
        self._claim([entry_key for entry_key, _ in scanned.rows])
        due_times = [due_at for entry_key, row in scanned.rows if (due_at := self._write(entry_key, row)) is not None]
        if scanned.rows:
            queue.pop(priority, scanned.rows[-1][0])
            self.rows[due.encode_released_until_key(priority)] = due.encode_released_until(queue.released_until[priority])
            if due_times:
                self.due_times[priority] = due_times
        if scanned.next_key is not None:
            due_ms = due.decode_due_ms(scanned.next_key)
            self._next_due_ms = due_ms if self._next_due_ms is None else min(due_ms, self._next_due_ms)
        return len(scanned.rows)

    def _claim(self, entry_keys: Sequence[bytes]) -> None:
        """Remove the index rows that lead to these entries."""
        index_keys = [due.convert_to_index_key(entry_key) for entry_key in entry_keys]
        for entry_key, index_key, row in zip(entry_keys, index_keys, self._table.get_many(self._partition, index_keys), strict=True):
            if row is not None and due.leads_to(row, entry_key):
                self.claims[index_key] = None

    def _write(self, entry_key: bytes, row: bytes) -> float | None:
        """Write the record of an entry, and remove its row. Returns when it was due; None for a cancelled entry, which has no record."""
        self.rows[entry_key] = None
        if row == due.CANCELLED_ENTRY:
            return None
        scheduled = _decode(due.get_scheduled(row))
        self._outbox.add(
            scheduled.target_topic, self._partition, due.get_user_key(entry_key), bytes(scheduled.payload), build_headers(scheduled)
        )
        return scheduled.due_at


def build_headers(scheduled: Scheduled) -> list[Header]:
    """The headers of a released record: what the router needs to go on where it held the notification. A delivery has none."""
    if not scheduled.resume_gate:
        return []
    routed = [(ROUTED_CHANNELS_HEADER, encode_channels(scheduled.routed_channels))] if scheduled.routed_channels else []
    headers: list[Header] = [
        *routed,
        (RESUME_COUNT_HEADER, b"%d" % scheduled.resume_count),
        (RESUME_GATE_HEADER, scheduled.resume_gate.encode()),
        (ORIGINAL_TIME_HEADER, b"%d" % scheduled.record_time),
    ]
    if scheduled.is_digest:
        headers.append((DIGEST_HEADER, CANCELLED if scheduled.is_cancelled else DUE))
    return headers
