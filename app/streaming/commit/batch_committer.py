"""The router's committer: writes the claims of each batch, then its outputs, then its rows (docs/decisions/0005)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.outbox import BatchOutbox, SizeLimit
from app.streaming.commit.pipeline import BatchTable, CommitPipeline, TableChanges
from schemas.ports import Outbox, Table, TableRows


class PipelinedCommitter:
    """Implements schemas.ports.BatchCommitter with a pipeline for each partition, so that no partition waits for another one."""

    def __init__(
        self,
        get_producer: Callable[[], Any],
        size_limit: SizeLimit,
        fence: GenerationFence,
        *,
        linger: float,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """`linger`: seconds that rows wait for the next batch; `on_failure`: called with an error that must end the process."""
        self._get_producer, self._size_limit, self._fence = get_producer, size_limit, fence
        self._linger, self._on_failure = linger, on_failure
        self._pipelines: dict[int, CommitPipeline] = {}

    def create_outbox(self, partition: int) -> Outbox:
        """The outbox for a batch of this partition. Raises RuntimeError if the batch before was not submitted."""
        return self._get_pipeline(partition).create_outbox()

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, TableRows]], claims: Sequence[tuple[Table, TableRows]] = ()
    ) -> asyncio.Future[None]:
        """Submit a decided batch. Raises TypeError for a table without batch writes, RuntimeError for an outbox of another batch."""
        return self._get_pipeline(partition).submit(outbox, _build_changes(rows), _build_changes(claims))

    def _get_pipeline(self, partition: int) -> CommitPipeline:
        pipeline = self._pipelines.get(partition)
        if pipeline is None:
            pipeline = CommitPipeline(partition, self._build_outbox, self._fence, self._linger, self._on_failure)
            self._pipelines[partition] = pipeline
        return pipeline

    def _build_outbox(self, generation: int) -> BatchOutbox:
        return BatchOutbox(self._get_producer(), self._size_limit, generation)


def _build_changes(rows: Sequence[tuple[Table, TableRows]]) -> TableChanges:
    return {_require_batch_table(table).name: (cast(BatchTable, table), dict(changed)) for table, changed in rows if changed}


def _require_batch_table(table: Table) -> Table:
    if not hasattr(table, "stage_rows"):
        raise TypeError(f"table {table.name} cannot be written a batch at a time")
    return table
