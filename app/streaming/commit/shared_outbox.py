"""The delivery workers' outbox, shared by all batches in flight. One task commits it in groups, so that rows are written in order."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.outbox import BatchOutbox, SizeLimit
from app.streaming.commit.pipeline import BatchTable, wait_linger
from schemas.errors import PartitionFencedError
from schemas.ports import Header

log = logging.getLogger(__name__)


@dataclass
class OutboxGroup:
    """Outputs, rows and callbacks added since the last commit began."""

    outbox: BatchOutbox
    rows: defaultdict[int, dict[bytes, bytes | None]] = field(default_factory=lambda: defaultdict(dict))
    callbacks: list[Callable[[], None]] = field(default_factory=list)
    size: int = 0


class GroupCommitOutbox:
    """Implements schemas.ports.SharedOutbox.

    A group is closed after `linger` seconds or at `max_records` records and rows; it also takes what is added while the group before is
    committed. Outputs are always sent, because they report attempts that were made. Rows and callbacks of a past generation are dropped.
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
        """`on_failure`: called with an error that ends the committing task, and must end the process."""
        self._get_producer, self._size_limit, self._fence, self._table = get_producer, size_limit, fence, table
        self._linger, self._max_records, self._on_failure = linger, max_records, on_failure
        self._group: OutboxGroup | None = None
        self._committing_size = 0  # records and rows of the group that is being committed
        self._group_full = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Add an output. Raises RecordTooLargeError if its topic cannot take it."""
        group = self._get_open_group()
        group.outbox.add(topic, partition, key, value, headers)
        self._increment_size(group)

    def stage_row(self, partition: int, key: bytes, row: bytes | None) -> None:
        """Add a row, written after the outputs that were added before it. A row of a partition that is not assigned is dropped."""
        if not self._fence.is_assigned(partition):
            return
        group = self._get_open_group()
        group.rows[partition][key] = row
        self._increment_size(group)

    @property
    def is_full(self) -> bool:
        """Whether at least `max_records` records and rows are not committed yet."""
        return self._committing_size + (self._group.size if self._group else 0) >= self._max_records

    def on_committed(self, callback: Callable[[], None]) -> None:
        """Call `callback` once everything added so far is committed; never if the generation ends before."""
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
        """Commit groups until none is open; the next one starts a new task."""
        try:
            while self._group is not None:
                if self._linger and not self._group_full.is_set():
                    await wait_linger(self._group_full, self._linger)
                group, self._group = self._group, None
                self._group_full.clear()
                self._committing_size = group.size
                await self._commit_group(group)
        except Exception as error:
            log.critical("a commit failed; its batches are not acknowledged, the worker stops", exc_info=error)
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
        for partition, rows in group.rows.items():
            self._table.stage_rows(group.outbox, partition, rows)
        written = await group.outbox.flush()
        await self._fence.require_current(group.outbox.generation)
        for partition, rows in group.rows.items():
            self._table.apply_rows(partition, rows, written[self._table.changelog_topic_name, partition])
