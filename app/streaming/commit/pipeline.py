"""The commit pipeline of one partition: a round writes the claims of the newest group, the outputs of the next, the rows of the oldest."""

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
    """A table that is written a batch at a time and read with its pending rows."""

    pending_rows: PendingRows

    @property
    def changelog_topic_name(self) -> str: ...
    def stage_rows(self, outbox: Outbox, partition: int, rows: TableRows) -> None: ...
    def apply_rows(self, partition: int, rows: TableRows, written: WrittenOffsets) -> None: ...


TableChanges = dict[str, tuple[BatchTable, dict[bytes, bytes | None]]]


@dataclass
class PipelineGroup:
    """Batches that pass the stages together: those submitted since the last round began."""

    outbox: BatchOutbox
    claims: TableChanges = field(default_factory=dict)
    rows: TableChanges = field(default_factory=dict)
    futures: list[asyncio.Future[None]] = field(default_factory=list)
    record_count: int = 0  # records of the outbox that belong to submitted batches

    @property
    def is_complete(self) -> bool:
        """Whether every output belongs to a submitted batch."""
        return len(self.outbox) == self.record_count

    def resolve(self, error: BaseException | None = None) -> None:
        """End the futures of the batches: they are committed, or failed with `error`."""
        for future in self.futures:
            if not future.done():
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)


class CommitPipeline:
    """The groups of one partition in three stages: open, claimed, sent. A round moves each group one stage further, with one flush.

    A batch is decided on the rows of earlier batches, also while these are pending. So the outputs of a group are sent only after the
    claims of all groups before it are acknowledged, and nothing is sent once the group's generation is over.
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
        """The outbox of the open group, in the current generation. Raises RuntimeError if the batch before was not submitted."""
        generation = self._fence.get_generation()
        if generation != self._generation:
            self._abort_all(PartitionFencedError(f"generation {self._generation} is over; the worker has batches of {generation}"))
            self._generation = generation
        if self._open_group is None:
            self._open_group = PipelineGroup(self._build_outbox(generation))
        elif not self._open_group.is_complete:
            raise RuntimeError(f"partition {self._partition}: the batch before was not submitted, and its outputs must not be sent")
        return self._open_group.outbox

    def submit(self, outbox: Outbox, rows: TableChanges, claims: TableChanges) -> asyncio.Future[None]:
        """Take a decided batch whose outputs are in the open outbox. Raises RuntimeError if that outbox was closed meanwhile."""
        group, loop = self._open_group, asyncio.get_running_loop()
        if group is None or group.outbox is not outbox:
            raise RuntimeError("commit() takes the outbox of the last create_outbox(); nothing may be awaited between the two calls")
        for changes, group_changes in ((claims, group.claims), (rows, group.rows)):
            for name, (table, changed_rows) in changes.items():
                table.pending_rows.add(self._partition, changed_rows)
                self._tables[name] = table
                group_changes.setdefault(name, (table, {}))[1].update(changed_rows)
        future: asyncio.Future[None] = loop.create_future()
        group.futures.append(future)
        group.record_count = len(group.outbox)
        self._batch_submitted.set()
        if self._task is None:
            self._task = loop.create_task(self._run(), name=f"commit-{self._partition}")
        return future

    async def _run(self) -> None:
        """Run rounds until no group is left; the next batch starts a new task."""
        try:
            while self._is_open_group_ready or self._claimed_group or self._sent_group:
                if self._linger and not (self._is_open_group_ready or self._claimed_group):
                    # Rows alone are not urgent: they go with the next batch if one is submitted in time.
                    self._batch_submitted.clear()
                    await wait_linger(self._batch_submitted, self._linger)
                await self._advance_groups()
        except Exception as error:
            log.critical(
                "a commit of partition %d failed; its batches are not acknowledged, the worker stops", self._partition, exc_info=error
            )
            self._on_failure(error)
        else:
            self._task = None

    @property
    def _is_open_group_ready(self) -> bool:
        return self._open_group is not None and bool(self._open_group.futures) and self._open_group.is_complete

    async def _advance_groups(self) -> None:
        claiming = self._open_group if self._is_open_group_ready else None
        sending, finishing = self._claimed_group, self._sent_group
        self._open_group, self._claimed_group, self._sent_group = None if claiming else self._open_group, None, None
        if claiming and not claiming.claims and sending is None:
            claiming, sending = None, claiming
        groups = [group for group in (finishing, sending, claiming) if group]
        if not groups:  # a new generation aborted them while their rows lingered
            return
        generation = groups[0].outbox.generation
        try:
            await self._flush_stages(generation, finishing, sending, claiming)
        except PartitionFencedError as error:
            self._resolve_groups(groups, error)
            if generation == self._generation:
                self._abort_all(error)
            return
        except Exception as error:
            self._resolve_groups(groups, error)
            raise
        self._claimed_group, self._sent_group = claiming, sending
        if finishing:
            finishing.resolve()

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
        """The rows of one group and the claims of a later one, without rows that a later claim has already replaced."""
        changes: TableChanges = {}
        for name, (table, rows) in finishing.rows.items() if finishing else ():
            if pending := table.pending_rows.select_pending(self._partition, rows):
                changes[name] = (table, pending)
        for name, (table, rows) in claiming.claims.items() if claiming else ():
            changes.setdefault(name, (table, {}))[1].update(rows)
        return changes

    def _abort_all(self, error: PartitionFencedError) -> None:
        """Drop all groups and pending rows: their batches are redelivered, to this worker or another one."""
        self._resolve_groups([group for group in (self._sent_group, self._claimed_group, self._open_group) if group], error)
        self._open_group = self._claimed_group = self._sent_group = None
        for table in self._tables.values():
            table.pending_rows.clear_partition(self._partition)

    @staticmethod
    def _resolve_groups(groups: Iterable[PipelineGroup], error: BaseException) -> None:
        for group in groups:
            group.resolve(error)


async def wait_linger(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set, and set it after so many seconds; cheaper than asyncio.timeout."""
    timer = asyncio.get_running_loop().call_later(seconds, event.set)
    await event.wait()
    timer.cancel()
