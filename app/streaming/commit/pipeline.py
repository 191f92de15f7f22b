"""The commit pipeline of one partition: a round writes the claims of the newest group, the outputs of the next, the rows of the oldest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.linger import LingerTimer, RowLinger
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
EndCallback = Callable[[BaseException | None], None]


@dataclass(frozen=True)
class PipelinePolicy:
    """How the pipelines of a worker commit; times in seconds.

    `row_linger`: how long rows wait for the next group, so that one request takes both. `group_linger`: how long a group
    stays open; None if it does until it is closed. `max_size`: of what is not committed, shared equally by the assigned partitions; half
    of its share closes a group. `keep_fenced_outputs`: whether outputs are sent although their generation is over; rows never are.
    """

    row_linger: float
    group_linger: float | None = None
    max_size: int | None = None
    keep_fenced_outputs: bool = False


@dataclass(slots=True)
class CommitGroup:
    """What passes the stages together. It is sent when it is closed, but not while an output is not submitted.

    `size`: the records and rows that `CommitPipeline.count` has counted. `submitted_outputs`: None if each output is submitted by itself.
    """

    outbox: BatchOutbox
    claims: TableChanges = field(default_factory=dict)
    rows: TableChanges = field(default_factory=dict)
    callbacks: list[EndCallback] = field(default_factory=list)
    size: int = 0
    submitted_outputs: int | None = None
    is_closed: bool = False

    @property
    def has_unsubmitted_outputs(self) -> bool:
        """Whether a batch was decided in part only, by an error."""
        return self.submitted_outputs is not None and self.submitted_outputs != len(self.outbox)

    def end(self, error: BaseException | None = None) -> None:
        """Call the callbacks: the group is committed, or failed with `error`."""
        callbacks, self.callbacks = self.callbacks, []
        for callback in callbacks:
            callback(error)


class CommitPipeline:
    """The groups of one partition in three stages: open, claimed, sent. A round moves each group one stage further, with one flush.

    A batch is decided on the rows of earlier batches, also while these are pending. So the outputs of a group are sent only after the
    claims of all groups before it are acknowledged. A group that is closed while a round runs takes what is added until its own round.
    No partition waits for another one.
    """

    def __init__(
        self,
        partition: int,
        build_outbox: Callable[[int], BatchOutbox],
        fence: GenerationFence,
        policy: PipelinePolicy,
        on_failure: Callable[[BaseException], None],
        row_linger: RowLinger,
        linger_timer: LingerTimer | None = None,
    ) -> None:
        """`build_outbox`: builds the outbox of a generation; `on_failure`: called with an error that must end the process.

        `linger_timer`: closes each group that opens; without it `close_group` is the only way.
        """
        self._partition, self._build_outbox, self._fence = partition, build_outbox, fence
        self._policy, self._on_failure = policy, on_failure
        self._row_linger, self._linger_timer = row_linger, linger_timer
        self._open_group: CommitGroup | None = None
        self._claimed_group: CommitGroup | None = None
        self._sent_group: CommitGroup | None = None
        self._generation = -1
        self._tables: dict[str, BatchTable] = {}
        self._rows_are_due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_flushing = False
        self._uncommitted_size = 0  # of all groups
        self._max_size = 1

    def get_open_group(self) -> CommitGroup:
        """The group that takes what is added now, in the current generation."""
        generation = self._fence.get_generation()
        if generation != self._generation:
            self._fence_groups(PartitionFencedError(f"generation {self._generation} is over; the worker has batches of {generation}"))
            self._generation = generation
            if self._open_group is not None:
                self._open_group.outbox.generation = generation
        if self._open_group is None:
            self._open_group = CommitGroup(self._build_outbox(generation))
            if self._policy.max_size is not None:
                self._max_size = max(1, self._policy.max_size // max(1, self._fence.count_assigned()))
            if self._linger_timer is not None:
                self._linger_timer.add(self.close_group)
        return self._open_group

    @property
    def is_full(self) -> bool:
        """Whether the partition's share of `max_size` is not committed yet."""
        return self._uncommitted_size >= self._max_size

    def count(self, group: CommitGroup) -> None:
        """Count a record or row that was added to the open group; half of the partition's share closes it."""
        group.size += 1
        self._uncommitted_size += 1
        if 2 * group.size >= self._max_size and not group.is_closed:
            self.close_group()

    def stage_changes(self, group: CommitGroup, rows: TableChanges, claims: TableChanges) -> None:
        """Add the rows and claims of a decided batch; reads of the tables return them at once."""
        # a claim is written before all rows of its group, also those of earlier batches; the batch's own rows come after its claims
        for name, (_, claimed) in claims.items():
            if name in group.rows:
                _remove_keys(group.rows[name][1], claimed)
        for changes, group_changes in ((claims, group.claims), (rows, group.rows)):
            for name, (table, changed_rows) in changes.items():
                table.pending_rows.add(self._partition, changed_rows)
                self._tables[name] = table
                group_changes.setdefault(name, (table, {}))[1].update(changed_rows)

    def close_group(self) -> None:
        """Commit the open group as soon as the round before has ended."""
        if self._open_group is not None:
            self._open_group.is_closed = True
            self._rows_are_due.set()
            self._row_linger.join_request()
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._run(), name=f"commit-{self._partition}")

    async def flush(self) -> None:
        """Commit the open group, and let no rows wait any more; returns when nothing is left."""
        self._is_flushing = True
        self.close_group()
        self._rows_are_due.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        """Run rounds until no group is left; the next closed group starts a new task."""
        try:
            while (is_ready := self._has_closed_group or self._claimed_group is not None) or self._sent_group is not None:
                if not is_ready and self._policy.row_linger and not self._is_flushing:
                    self._rows_are_due.clear()
                    await self._row_linger.wait(self._rows_are_due)
                await self._run_round()
        except Exception as error:
            log.critical(
                "a commit of partition %d failed; its batches are not acknowledged, the worker stops", self._partition, exc_info=error
            )
            self._on_failure(error)
        else:
            self._task = None

    @property
    def _has_closed_group(self) -> bool:
        return self._open_group is not None and self._open_group.is_closed and not self._open_group.has_unsubmitted_outputs

    async def _run_round(self) -> None:
        claiming = self._open_group if self._has_closed_group else None
        sending, finishing = self._claimed_group, self._sent_group
        self._open_group, self._claimed_group, self._sent_group = None if claiming else self._open_group, None, None
        if claiming and not claiming.claims and sending is None:
            claiming, sending = None, claiming
        groups = [group for group in (finishing, sending, claiming) if group]
        if not groups:  # a new generation fenced them while their rows lingered
            return
        generation = groups[0].outbox.generation
        try:
            await self._write(generation, finishing, sending, claiming)
        except PartitionFencedError as error:
            if self._policy.keep_fenced_outputs:
                for group in (sending, claiming):
                    if group:
                        await group.outbox.flush()  # without what is sent already
            self._end_groups(groups, error)
            if generation == self._generation:
                self._fence_groups(error)
            return
        except Exception as error:
            self._end_groups(groups, error)
            raise
        if finishing:
            self._end_groups([finishing])
        if sending and not sending.rows:
            self._end_groups([sending])
            sending = None
        self._claimed_group, self._sent_group = claiming, sending

    async def _write(
        self, generation: int, finishing: CommitGroup | None, sending: CommitGroup | None, claiming: CommitGroup | None
    ) -> None:
        """Write one stage of each group with one flush. Raises PartitionFencedError if the generation is over."""
        outbox = sending.outbox if sending else self._build_outbox(generation)
        await self._fence.require_current(generation)
        changes = _collect_changes(finishing, sending, claiming)
        for table, rows in changes.values():
            table.stage_rows(outbox, self._partition, rows)
        written = await outbox.flush()
        await self._fence.require_current(generation)
        for table, rows in changes.values():
            table.apply_rows(self._partition, rows, written[table.changelog_topic_name, self._partition])

    def _fence_groups(self, error: PartitionFencedError) -> None:
        """Drop all rows: their batches are redelivered, to this worker or another one. Outputs that are kept stay in the open group."""
        groups = [group for group in (self._sent_group, self._claimed_group, self._open_group) if group]
        self._claimed_group = self._sent_group = None
        if self._open_group is not None and self._policy.keep_fenced_outputs:
            self._open_group.claims, self._open_group.rows = {}, {}
        else:
            self._open_group = None
        for table in self._tables.values():
            table.pending_rows.clear_partition(self._partition)
        self._end_groups(groups, error)

    def _end_groups(self, groups: Iterable[CommitGroup], error: BaseException | None = None) -> None:
        for group in groups:
            self._uncommitted_size -= group.size
            group.size = 0
            group.end(error)


def _collect_changes(finishing: CommitGroup | None, sending: CommitGroup | None, claiming: CommitGroup | None) -> TableChanges:
    """The rows of one group and the claims of a later one, without rows that a later claim has replaced already."""
    changes: TableChanges = {}
    for name, (table, rows) in finishing.rows.items() if finishing else ():
        claimed = sending.claims.get(name) if sending else None
        remaining = {key: row for key, row in rows.items() if key not in claimed[1]} if claimed else rows
        if remaining:
            changes[name] = (table, remaining)
    for name, (table, rows) in claiming.claims.items() if claiming else ():
        changed = changes.get(name)
        changes[name] = (table, {**changed[1], **rows} if changed else rows)
    return changes


def _remove_keys(rows: dict[bytes, bytes | None], keys: Iterable[bytes]) -> None:
    for key in keys:
        rows.pop(key, None)
