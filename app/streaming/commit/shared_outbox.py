"""The delivery workers' outbox: one for all batches in flight, committed in groups by one task, so that rows are written in order."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
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
    """What accumulated since the last commit began."""

    outbox: BatchOutbox
    rows: defaultdict[int, dict[bytes, bytes | None]] = field(default_factory=lambda: defaultdict(dict))
    callbacks: list[Callable[[], None]] = field(default_factory=list)
    size: int = 0


class GroupCommitOutbox:
    """Implements schemas.ports.SharedOutbox.

    A group is the work of at most `linger` seconds or `most` records and rows, and whatever arrives while the group before it is committed.
    Outputs always go out, they tell what has happened; rows and callbacks of a generation that is over are dropped.
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
        """`on_failure` is told of an error that ends the committing task, for the process has to end with it."""
        self._get_producer, self._size_limit, self._fence, self._table = get_producer, size_limit, fence, table
        self._linger, self._max_records, self._on_failure = linger, max_records, on_failure
        self._group: OutboxGroup | None = None
        self._committing_size = 0  # records and rows of the group that is on its way
        self._group_full = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Add an output. Raises RecordTooLarge for one that its topic cannot take."""
        group = self._get_open_group()
        group.outbox.add(topic, partition, key, value, headers)
        self._increment_size(group)

    def stage_row(self, partition: int, key: bytes, row: bytes | None) -> None:
        """Add a row, written after the outputs that were added before it; of a partition that is no longer ours it is dropped."""
        if not self._fence.is_assigned(partition):
            return
        group = self._get_open_group()
        group.rows[partition][key] = row
        self._increment_size(group)

    @property
    def is_full(self) -> bool:
        """Whether `most` records and rows, or more, are not safe yet."""
        return self._committing_size + (self._group.size if self._group else 0) >= self._max_records

    def on_committed(self, callback: Callable[[], None]) -> None:
        """Call `done` once everything added and put so far is safe; never if the generation ends before."""
        self._get_open_group().callbacks.append(callback)

    def _get_open_group(self) -> OutboxGroup:
        generation = self._fence.get_generation()
        if self._group is not None and self._group.outbox.generation != generation:
            self._drop_fenced_work(self._group)
        if self._group is None:
            self._group = OutboxGroup(BatchOutbox(self._get_producer(), self._size_limit, generation))
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._run(), name="group-commit")
        return self._group

    def _drop_fenced_work(self, group: OutboxGroup) -> None:
        group.rows.clear()
        group.callbacks.clear()
        group.outbox.generation = self._fence.get_generation()

    def _increment_size(self, group: OutboxGroup) -> None:
        group.size += 1
        if group.size >= self._max_records:
            self._group_full.set()

    async def _run(self) -> None:
        """Commit group after group until none is open; the next one starts a new task."""
        try:
            while self._group is not None:
                await self._wait_linger()
                group, self._group = self._group, None
                self._group_full.clear()
                self._committing_size = group.size
                await self._commit_group(group)
        except Exception as error:
            log.critical("a commit failed; nothing of it is acknowledged and the process ends", exc_info=error)
            self._on_failure(error)
        else:
            self._task = None

    async def _wait_linger(self) -> None:
        if self._linger and not self._group_full.is_set():
            handle = asyncio.get_running_loop().call_later(self._linger, self._group_full.set)
            await self._group_full.wait()
            handle.cancel()

    async def _commit_group(self, group: OutboxGroup) -> None:
        await group.outbox.flush()
        try:
            await self._write_rows(group)
        except PartitionFencedError:
            return
        finally:
            self._committing_size = 0
        for done in group.callbacks:
            done()

    async def _write_rows(self, group: OutboxGroup) -> None:
        await self._fence.require_current(group.outbox.generation)
        if not group.rows:
            return
        for partition, rows in group.rows.items():
            self._table.stage_rows(group.outbox, partition, rows)
        written = await group.outbox.flush()
        await self._fence.require_current(group.outbox.generation)
        for partition, rows in group.rows.items():
            self._table.apply_rows(partition, rows, written[self._table.changelog_topic_name, partition])
