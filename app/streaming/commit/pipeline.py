"""One partition's batches on their way: a round sends the claims of the newest, the outputs of those before, the rows of the oldest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.outbox import BatchOutbox, WrittenOffsets
from app.streaming.commit.pending_rows import PendingRows
from schemas.errors import PartitionFencedError
from schemas.ports import Outbox, Table, TableRows

log = logging.getLogger(__name__)


class BatchTable(Table, Protocol):
    """A table that is written a batch at a time, and shows rows that are on their way there."""

    pending_rows: PendingRows

    @property
    def changelog_topic_name(self) -> str: ...
    def stage_rows(self, outbox: Outbox, partition: int, rows: TableRows) -> None: ...
    def apply_rows(self, partition: int, rows: TableRows, written: WrittenOffsets) -> None: ...


TableChanges = dict[str, tuple[BatchTable, dict[bytes, bytes | None]]]


@dataclass
class PipelineGroup:
    """Batches that go through the stages together: decided since the last round began."""

    outbox: BatchOutbox
    claims: TableChanges = field(default_factory=dict)
    rows: TableChanges = field(default_factory=dict)
    futures: list[asyncio.Future[None]] = field(default_factory=list)
    record_count: int = 0  # records of the outbox that belong to batches that were taken

    @property
    def is_complete(self) -> bool:
        """Whether every output is of a batch that was decided to its end."""
        return len(self.outbox) == self.record_count

    def resolve(self, error: BaseException | None = None) -> None:
        """Tell those who wait that all is safe, or why it will not be."""
        for future in self.futures:
            if not future.done():
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)


class CommitPipeline:
    """One partition's groups in three stages: open, claimed, sent. A round takes each one stage further, with one flush for all of them.

    A batch is decided on what earlier ones have decided, also while that is on its way (`expected`); so a group's outputs are sent only
    after the claims of all groups before it are safe, and nothing of one is sent after a generation that is over.
    """

    def __init__(
        self,
        partition: int,
        build_outbox: Callable[[int], BatchOutbox],
        fence: GenerationFence,
        linger: float,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._partition, self._build_outbox, self._fence = partition, build_outbox, fence
        self._linger, self._on_failure = linger, on_failure
        self._open_group: PipelineGroup | None = None
        self._claimed_group: PipelineGroup | None = None
        self._sent_group: PipelineGroup | None = None
        self._generation = -1
        self._tables: dict[str, BatchTable] = {}
        self._batch_submitted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def create_outbox(self) -> BatchOutbox:
        """The outbox of the open group, of the generation that is now. Raises RuntimeError if a batch before was left half decided."""
        generation = self._fence.get_generation()
        if generation != self._generation:
            self._abort_all(PartitionFencedError(f"generation {self._generation} is over; the worker has batches of {generation}"))
            self._generation = generation
        if self._open_group is None:
            self._open_group = PipelineGroup(self._build_outbox(generation))
        elif not self._open_group.is_complete:
            raise RuntimeError(f"a batch of partition {self._partition} was left half decided: its outputs must not go out")
        return self._open_group.outbox

    def submit(self, outbox: Outbox, rows: TableChanges, claims: TableChanges) -> asyncio.Future[None]:
        """Take a decided batch, whose outputs are in the open outbox. Raises RuntimeError if that was closed meanwhile."""
        group, loop = self._open_group, asyncio.get_running_loop()
        if group is None or group.outbox is not outbox:
            raise RuntimeError("commit takes an outbox that it has just given, and nothing may be awaited in between")
        for changes, known in ((claims, group.claims), (rows, group.rows)):
            for name, (table, changed) in changes.items():
                table.pending_rows.add(self._partition, changed)
                self._tables[name] = table
                known.setdefault(name, (table, {}))[1].update(changed)
        future: asyncio.Future[None] = loop.create_future()
        group.futures.append(future)
        group.record_count = len(group.outbox)
        self._batch_submitted.set()
        if self._task is None:
            self._task = loop.create_task(self._run(), name=f"commit-{self._partition}")
        return future

    async def _run(self) -> None:
        """Round after round until nothing is on its way; the next batch starts a new task."""
        try:
            while self._is_open_group_ready or self._claimed_group or self._sent_group:
                if self._linger and not (self._is_open_group_ready or self._claimed_group):
                    await self._wait_linger()
                await self._advance_groups()
        except Exception as error:
            log.critical(
                "a commit of partition %d failed; nothing of it is acknowledged and the process ends", self._partition, exc_info=error
            )
            self._on_failure(error)
        else:
            self._task = None

    @property
    def _is_open_group_ready(self) -> bool:
        return self._open_group is not None and bool(self._open_group.futures) and self._open_group.is_complete

    async def _wait_linger(self) -> None:
        """Rows alone are in no hurry: they go with the next batch, if one comes soon."""
        self._batch_submitted.clear()
        handle = asyncio.get_running_loop().call_later(self._linger, self._batch_submitted.set)
        await self._batch_submitted.wait()
        handle.cancel()

    async def _advance_groups(self) -> None:
        claiming = self._open_group if self._is_open_group_ready else None
        sending, settling = self._claimed_group, self._sent_group
        self._open_group, self._claimed_group, self._sent_group = None if claiming else self._open_group, None, None
        if claiming and not claiming.claims and sending is None:
            claiming, sending = None, claiming
        groups = [group for group in (settling, sending, claiming) if group]
        if not groups:  # they were lost while their rows waited for company
            return
        generation = groups[0].outbox.generation
        try:
            await self._flush_stages(generation, settling, sending, claiming)
        except PartitionFencedError as lost:
            self._resolve_groups(groups, lost)
            if generation == self._generation:
                self._abort_all(lost)
            return
        except Exception as error:
            self._resolve_groups(groups, error)
            raise
        self._claimed_group, self._sent_group = claiming, sending
        if settling:
            settling.resolve()

    async def _flush_stages(
        self, generation: int, finishing: PipelineGroup | None, sending: PipelineGroup | None, claiming: PipelineGroup | None
    ) -> None:
        outbox = sending.outbox if sending else self._build_outbox(generation)
        changes = self._collect_changes(finishing, claiming)
        for table, rows in changes.values():
            table.stage_rows(outbox, self._partition, rows)
        await self._fence.require_current(generation)
        written = await outbox.flush()
        await self._fence.require_current(generation)
        for table, rows in changes.values():
            table.apply_rows(self._partition, rows, written[table.changelog_topic_name, self._partition])

    def _collect_changes(self, finishing: PipelineGroup | None, claiming: PipelineGroup | None) -> TableChanges:
        """The rows of one group and the claims of a later one; a row that a later claim has replaced already is not written any more."""
        changes: TableChanges = {}
        for name, (table, rows) in finishing.rows.items() if finishing else ():
            if left := table.pending_rows.select_pending(self._partition, rows):
                changes[name] = (table, left)
        for name, (table, rows) in claiming.claims.items() if claiming else ():
            changes.setdefault(name, (table, {}))[1].update(rows)
        return changes

    def _abort_all(self, error: PartitionFencedError) -> None:
        """Forget what is on its way: all of it comes again, here or elsewhere."""
        self._resolve_groups([group for group in (self._sent_group, self._claimed_group, self._open_group) if group], error)
        self._open_group = self._claimed_group = self._sent_group = None
        for table in self._tables.values():
            table.pending_rows.clear_partition(self._partition)

    @staticmethod
    def _resolve_groups(groups: Iterable[PipelineGroup], error: BaseException) -> None:
        for group in groups:
            group.resolve(error)
