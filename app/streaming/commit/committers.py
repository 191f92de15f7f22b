"""What agents commit through, on the pipelines of a worker: decided batches for the router, single results for the delivery workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.linger import LingerTimer, RowLinger
from app.streaming.commit.outbox import BatchOutbox, SizeLimit
from app.streaming.commit.pipeline import BatchTable, CommitPipeline, PipelinePolicy, TableChanges
from schemas.ports import Header, Outbox, Table, TableRows


class CommitEngine:
    """The pipelines of a worker, one for each partition."""

    def __init__(
        self,
        get_producer: Callable[[], Any],
        size_limit: SizeLimit,
        fence: GenerationFence,
        policy: PipelinePolicy,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """`on_failure`: called with an error that ends the commits of a partition, and must end the process."""
        self.fence = fence
        self._get_producer, self._size_limit, self._policy, self._on_failure = get_producer, size_limit, policy, on_failure
        self._row_linger = RowLinger(policy.row_linger)
        self._linger_timer = None if policy.group_linger is None else LingerTimer(policy.group_linger)
        self._pipelines: dict[int, CommitPipeline] = {}

    def get_pipeline(self, partition: int) -> CommitPipeline:
        """The pipeline of a partition."""
        pipeline = self._pipelines.get(partition)
        if pipeline is None:
            pipeline = self._pipelines[partition] = CommitPipeline(
                partition, self._build_outbox, self.fence, self._policy, self._on_failure, self._row_linger, self._linger_timer
            )
        return pipeline

    async def flush(self) -> None:
        """Commit the open groups of all partitions now; returns when nothing is left."""
        await asyncio.gather(*[pipeline.flush() for pipeline in self._pipelines.values()])

    def _build_outbox(self, generation: int) -> BatchOutbox:
        return BatchOutbox(self._get_producer(), self._size_limit, generation)


class PipelinedCommitter:
    """Implements schemas.ports.BatchCommitter: a group is closed by each batch, and takes more batches while the one before is written."""

    def __init__(self, engine: CommitEngine) -> None:
        self._engine = engine

    def create_outbox(self, partition: int) -> Outbox:
        """The outbox for a batch of this partition. Raises RuntimeError if the batch before was not submitted."""
        group = self._engine.get_pipeline(partition).get_open_group()
        if group.submitted_outputs is None:
            group.submitted_outputs = 0
        if group.has_unsubmitted_outputs:
            raise RuntimeError(f"partition {partition}: the batch before was not submitted, and its outputs must not be sent")
        return group.outbox

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, TableRows]], claims: Sequence[tuple[Table, TableRows]] = ()
    ) -> asyncio.Future[None]:
        """Submit a decided batch. Raises TypeError for a table without batch writes, RuntimeError for an outbox of another batch."""
        pipeline = self._engine.get_pipeline(partition)
        group = pipeline.get_open_group()
        if group.outbox is not outbox:
            raise RuntimeError("commit() takes the outbox of the last create_outbox(); nothing may be awaited between the two calls")
        pipeline.stage_changes(group, _build_changes(rows), _build_changes(claims))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        group.callbacks.append(lambda error: _resolve_future(future, error))
        group.submitted_outputs = len(group.outbox)
        pipeline.close_group()
        return future


class PipelinedOutbox:
    """Implements schemas.ports.SharedOutbox: a group is closed after its linger, or by its size.

    Outputs are sent also if their generation is over, because they report attempts that were made. Rows and callbacks are dropped then.
    """

    def __init__(self, engine: CommitEngine, table: BatchTable) -> None:
        self._engine, self._table = engine, table

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Add an output. Raises RecordTooLargeError if its topic cannot take it."""
        pipeline = self._engine.get_pipeline(partition)
        group = pipeline.get_open_group()
        group.outbox.add(topic, partition, key, value, headers)
        pipeline.count(group)

    def stage_claim(self, partition: int, key: bytes, row: bytes) -> None:
        """Add a row, written before the outputs that are added after it. A row of a partition that is not assigned is dropped."""
        if self._engine.fence.is_assigned(partition):
            pipeline = self._engine.get_pipeline(partition)
            group = pipeline.get_open_group()
            self._stage(group.claims, key, row)
            pipeline.count(group)

    def stage_row(self, partition: int, key: bytes, row: bytes | None) -> None:
        """Add a row, written after the outputs that were added before it. A row of a partition that is not assigned is dropped."""
        if not self._engine.fence.is_assigned(partition):
            return
        pipeline = self._engine.get_pipeline(partition)
        group = pipeline.get_open_group()
        self._stage(group.rows, key, row)
        pipeline.count(group)

    def _stage(self, changes: TableChanges, key: bytes, row: bytes | None) -> None:
        changed = changes.get(self._table.name)
        if changed is None:
            changed = changes[self._table.name] = (self._table, {})
        changed[1][key] = row

    def get_rows(self, table: Table, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """Rows of another table of the worker, as they are with what is staged in this generation."""
        self._engine.get_pipeline(partition).get_open_group()  # drops what was staged in a generation that is over
        return table.get_many(partition, keys)

    def stage_row_of(self, table: Table, partition: int, key: bytes, row: bytes | None) -> None:
        """Stage a row of another table, which `get_rows` sees at once. Raises TypeError for a table without batch writes."""
        if not self._engine.fence.is_assigned(partition):
            return
        pipeline = self._engine.get_pipeline(partition)
        group = pipeline.get_open_group()
        pipeline.stage_changes(group, _build_changes([(table, {key: row})]), {})
        pipeline.count(group)

    async def flush(self) -> None:
        """Commit everything now; returns when nothing is left."""
        await self._engine.flush()

    def is_full(self, partition: int) -> bool:
        """Whether the partition's share of the uncommitted records and rows is used up."""
        return self._engine.get_pipeline(partition).is_full

    def on_committed(self, partition: int, callback: Callable[[], None]) -> None:
        """Call `callback` once all that was added to the partition is committed; never if the generation ends before."""
        pipeline = self._engine.get_pipeline(partition)
        pipeline.get_open_group().callbacks.append(lambda error: callback() if error is None else None)
        if pipeline.is_full:
            pipeline.close_group()


def _resolve_future(future: asyncio.Future[None], error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _build_changes(rows: Sequence[tuple[Table, TableRows]]) -> TableChanges:
    return {_require_batch_table(table).name: (cast(BatchTable, table), dict(changed)) for table, changed in rows if changed}


def _require_batch_table(table: Table) -> Table:
    if not hasattr(table, "stage_rows"):
        raise TypeError(f"table {table.name} cannot be written a batch at a time")
    return table
