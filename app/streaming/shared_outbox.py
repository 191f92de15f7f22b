"""The delivery workers' outbox: one for all batches in flight, committed in groups by one task, so that rows are written in order."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.streaming.commit_line import BatchTable
from app.streaming.outbox import BatchOutbox, Limit
from app.streaming.ownership import Ownership
from schemas.errors import PartitionLost
from schemas.ports import Header

log = logging.getLogger(__name__)


@dataclass
class Group:
    """What accumulated since the last commit began."""

    outbox: BatchOutbox
    rows: defaultdict[int, dict[bytes, bytes | None]] = field(default_factory=lambda: defaultdict(dict))
    done: list[Callable[[], None]] = field(default_factory=list)
    size: int = 0


class GroupCommit:
    """Implements schemas.ports.SharedOutbox.

    A group is the work of at most `linger` seconds or `most` records and rows, and whatever arrives while the group before it is committed.
    Outputs always go out, they tell what has happened; rows and callbacks of a generation that is over are dropped.
    """

    def __init__(
        self,
        producer: Callable[[], Any],
        limit: Limit,
        ownership: Ownership,
        table: BatchTable,
        *,
        linger: float,
        most: int,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """`on_failure` is told of an error that ends the committing task, for the process has to end with it."""
        self._producer, self._limit, self._ownership, self._table = producer, limit, ownership, table
        self._linger, self._most, self._on_failure = linger, most, on_failure
        self._group: Group | None = None
        self._committing = 0  # records and rows of the group that is on its way
        self._whole = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Add an output. Raises RecordTooLarge for one that its topic cannot take."""
        group = self._open_group()
        group.outbox.add(topic, partition, key, value, headers)
        self._grown(group)

    def put(self, partition: int, key: bytes, row: bytes | None) -> None:
        """Add a row, written after the outputs that were added before it; of a partition that is no longer ours it is dropped."""
        if not self._ownership.owns(partition):
            return
        group = self._open_group()
        group.rows[partition][key] = row
        self._grown(group)

    @property
    def crowded(self) -> bool:
        """Whether `most` records and rows, or more, are not safe yet."""
        return self._committing + (self._group.size if self._group else 0) >= self._most

    def when_committed(self, done: Callable[[], None]) -> None:
        """Call `done` once everything added and put so far is safe; never if the generation ends before."""
        self._open_group().done.append(done)

    def _open_group(self) -> Group:
        generation = self._ownership.generation()
        if self._group is not None and self._group.outbox.generation != generation:
            self._outdate(self._group)
        if self._group is None:
            self._group = Group(BatchOutbox(self._producer(), self._limit, generation))
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._run(), name="group-commit")
        return self._group

    def _outdate(self, group: Group) -> None:
        group.rows.clear()
        group.done.clear()
        group.outbox.generation = self._ownership.generation()

    def _grown(self, group: Group) -> None:
        group.size += 1
        if group.size >= self._most:
            self._whole.set()

    async def _run(self) -> None:
        """Commit group after group until none is open; the next one starts a new task."""
        try:
            while self._group is not None:
                await self._gather()
                group, self._group = self._group, None
                self._whole.clear()
                self._committing = group.size
                await self._commit(group)
        except Exception as error:
            log.critical("a commit failed; nothing of it is acknowledged and the process ends", exc_info=error)
            self._on_failure(error)
        else:
            self._task = None

    async def _gather(self) -> None:
        if self._linger and not self._whole.is_set():
            handle = asyncio.get_running_loop().call_later(self._linger, self._whole.set)
            await self._whole.wait()
            handle.cancel()

    async def _commit(self, group: Group) -> None:
        await group.outbox.flush()
        try:
            await self._remember(group)
        except PartitionLost:
            return
        finally:
            self._committing = 0
        for done in group.done:
            done()

    async def _remember(self, group: Group) -> None:
        await self._ownership.check(group.outbox.generation)
        if not group.rows:
            return
        for partition, rows in group.rows.items():
            self._table.stage(group.outbox, partition, rows)
        written = await group.outbox.flush()
        await self._ownership.check(group.outbox.generation)
        for partition, rows in group.rows.items():
            self._table.apply(partition, rows, written[self._table.changelog, partition])
