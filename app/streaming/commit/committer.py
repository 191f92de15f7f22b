"""The router's commit: of each batch claims, outputs, rows: a row proves that its outputs are out, and a claim precedes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.outbox import BatchOutbox, SizeLimit
from app.streaming.commit.pipeline import BatchTable, CommitPipeline, TableChanges
from schemas.ports import Outbox, Table, TableRows


class PipelinedCommitter:
    """Implements schemas.ports.Commit: a line of its own for each partition, so that none waits for another one's batches."""

    def __init__(
        self,
        get_producer: Callable[[], Any],
        size_limit: SizeLimit,
        fence: GenerationFence,
        *,
        linger: float,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """`linger`: seconds that rows wait for company; `on_failure` is told of an error with which the process has to end."""
        self._get_producer, self._size_limit, self._fence = get_producer, size_limit, fence
        self._linger, self._on_failure = linger, on_failure
        self._pipelines: dict[int, CommitPipeline] = {}

    def create_outbox(self, partition: int) -> Outbox:
        """The outbox for a batch of this partition."""
        return self._get_pipeline(partition).create_outbox()

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, TableRows]], claims: Sequence[tuple[Table, TableRows]] = ()
    ) -> asyncio.Future[None]:
        """Begin to finish a batch. Raises TypeError for a table that is not written by batches, RuntimeError for another outbox."""
        return self._get_pipeline(partition).submit(outbox, _build_changes(rows), _build_changes(claims))

    def _get_pipeline(self, partition: int) -> CommitPipeline:
        line = self._pipelines.get(partition)
        if line is None:
            line = CommitPipeline(partition, self._build_outbox, self._fence, self._linger, self._on_failure)
            self._pipelines[partition] = line
        return line

    def _build_outbox(self, generation: int) -> BatchOutbox:
        return BatchOutbox(self._get_producer(), self._size_limit, generation)


def _build_changes(rows: Sequence[tuple[Table, TableRows]]) -> TableChanges:
    return {_require_batch_table(table).name: (cast(BatchTable, table), dict(changed)) for table, changed in rows if changed}


def _require_batch_table(table: Table) -> Table:
    if not hasattr(table, "stage_rows"):
        raise TypeError(f"table {table.name} cannot be written a batch at a time")
    return table
