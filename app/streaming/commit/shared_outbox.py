"""The delivery workers' outbox, shared by all batches in flight. Each partition is committed in groups, so its rows keep their order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.outbox import BatchOutbox, SizeLimit
from app.streaming.commit.pipeline import BatchTable
from schemas.errors import PartitionFencedError
from schemas.ports import Header

log = logging.getLogger(__name__)


@dataclass
class OutboxGroup:
    """Outputs, rows and callbacks of a partition, added since its last commit began."""

    outbox: BatchOutbox
    rows: dict[bytes, bytes | None] = field(default_factory=dict)
    callbacks: list[Callable[[], None]] = field(default_factory=list)
    size: int = 0


class LingerTimer:
    """One timer for all partitions: groups that are open together are closed together, and Kafka gets them in one request."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._callbacks: list[Callable[[], None]] = []

    def add(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the timer ends; the first callback starts it."""
        if not self._callbacks:
            asyncio.get_running_loop().call_later(self._seconds, self._end)
        self._callbacks.append(callback)

    def _end(self) -> None:
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()


class PartitionOutbox:
    """The outbox of one partition; no other partition waits for its commits."""

    def __init__(
        self,
        partition: int,
        build_outbox: Callable[[int], BatchOutbox],
        fence: GenerationFence,
        table: BatchTable,
        linger_timer: LingerTimer,
        max_records: int,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._partition, self._build_outbox, self._fence, self._table = partition, build_outbox, fence, table
        self._linger_timer, self._max_worker_records, self._on_failure = linger_timer, max_records, on_failure
        self._max_records = max_records
        self._group: OutboxGroup | None = None
        self._committing_size = 0  # records and rows of the group that is being committed
        self._is_due = False  # whether the open group is committed as soon as the one before
        self._task: asyncio.Task[None] | None = None

    def add(self, topic: str, key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> None:
        group = self._get_open_group()
        group.outbox.add(topic, self._partition, key, value, headers)
        self._increment_size(group)

    def stage_row(self, key: bytes, row: bytes | None) -> None:
        if self._fence.is_assigned(self._partition):
            group = self._get_open_group()
            group.rows[key] = row
            self._increment_size(group)

    @property
    def is_full(self) -> bool:
        return self._committing_size + (self._group.size if self._group else 0) >= self._max_records

    def on_committed(self, callback: Callable[[], None]) -> None:
        self._get_open_group().callbacks.append(callback)

    def _get_open_group(self) -> OutboxGroup:
        generation = self._fence.get_generation()
        if self._group is not None and self._group.outbox.generation != generation:
            self._drop_fenced_work(self._group, generation)
        if self._group is None:
            self._group = OutboxGroup(self._build_outbox(generation))
            self._max_records = max(1, self._max_worker_records // max(1, self._fence.count_assigned()))
            self._linger_timer.add(self._close_group)
        return self._group

    @staticmethod
    def _drop_fenced_work(group: OutboxGroup, generation: int) -> None:
        group.rows.clear()
        group.callbacks.clear()
        group.outbox.generation = generation

    def _increment_size(self, group: OutboxGroup) -> None:
        group.size += 1
        if group.size == self._max_records:
            self._close_group()

    def _close_group(self) -> None:
        if self._group is None:  # it was full before its linger ended
            return
        self._is_due = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"group-commit-{self._partition}")

    async def _run(self) -> None:
        """Commit groups until none is due; the next one starts a new task."""
        try:
            while self._is_due and self._group is not None:
                group, self._group, self._is_due = self._group, None, False
                self._committing_size = group.size
                await self._commit_group(group)
        except Exception as error:
            log.critical(
                "a commit of partition %d failed; its batches are not acknowledged, the worker stops", self._partition, exc_info=error
            )
            self._on_failure(error)
        else:
            self._task = None

    async def _commit_group(self, group: OutboxGroup) -> None:
        await group.outbox.flush()
        try:
            await self._write_rows(group)
        except PartitionFencedError:
            return
        finally:
            self._committing_size = 0
        for callback in group.callbacks:
            callback()

    async def _write_rows(self, group: OutboxGroup) -> None:
        await self._fence.require_current(group.outbox.generation)
        if not group.rows:
            return
        self._table.stage_rows(group.outbox, self._partition, group.rows)
        written = await group.outbox.flush()
        await self._fence.require_current(group.outbox.generation)
        self._table.apply_rows(self._partition, group.rows, written[self._table.changelog_topic_name, self._partition])


class GroupCommitOutbox:
    """Implements schemas.ports.SharedOutbox with an outbox for each partition.

    A group is closed after `linger` seconds, or when it has its partition's share of `max_records` records and rows; it also takes what is
    added while the group before is committed. Outputs are always sent, because they report attempts that were made. Rows and callbacks of
    a past generation are dropped.
    """

    def __init__(
        self,
        get_producer: Callable[[], Any],
        size_limit: SizeLimit,
        fence: GenerationFence,
        table: BatchTable,
        *,
        linger: float,
        max_records: int,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """`on_failure`: called with an error that ends the commits of a partition, and must end the process."""
        self._get_producer, self._size_limit, self._fence, self._table = get_producer, size_limit, fence, table
        self._linger_timer, self._max_records, self._on_failure = LingerTimer(linger), max_records, on_failure
        self._partitions: dict[int, PartitionOutbox] = {}

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Add an output. Raises RecordTooLargeError if its topic cannot take it."""
        self._get_partition(partition).add(topic, key, value, headers)

    def stage_row(self, partition: int, key: bytes, row: bytes | None) -> None:
        """Add a row, written after the outputs that were added before it. A row of a partition that is not assigned is dropped."""
        self._get_partition(partition).stage_row(key, row)

    def is_full(self, partition: int) -> bool:
        """Whether the partition's share of `max_records` records and rows is not committed yet."""
        return self._get_partition(partition).is_full

    def on_committed(self, partition: int, callback: Callable[[], None]) -> None:
        """Call `callback` once all that was added to the partition is committed; never if the generation ends before."""
        self._get_partition(partition).on_committed(callback)

    def _get_partition(self, partition: int) -> PartitionOutbox:
        outbox = self._partitions.get(partition)
        if outbox is None:
            outbox = self._partitions[partition] = PartitionOutbox(
                partition, self._build_outbox, self._fence, self._table, self._linger_timer, self._max_records, self._on_failure
            )
        return outbox

    def _build_outbox(self, generation: int) -> BatchOutbox:
        return BatchOutbox(self._get_producer(), self._size_limit, generation)
