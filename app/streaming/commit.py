"""The router's commit: of each batch claims, outputs, rows: a row proves that its outputs are out, and a claim precedes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from app.streaming.commit_line import BatchTable, Changes, Line
from app.streaming.outbox import BatchOutbox, Limit
from app.streaming.ownership import Ownership
from schemas.ports import Outbox, Rows, Table


class BatchCommit:
    """Implements schemas.ports.Commit: a line of its own for each partition, so that none waits for another one's batches."""

    def __init__(
        self,
        producer: Callable[[], Any],
        limit: Limit,
        ownership: Ownership,
        *,
        linger: float,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """`linger`: seconds that rows wait for company; `on_failure` is told of an error with which the process has to end."""
        self._producer, self._limit, self._ownership = producer, limit, ownership
        self._linger, self._on_failure = linger, on_failure
        self._lines: dict[int, Line] = {}

    def outbox(self, partition: int) -> Outbox:
        """The outbox for a batch of this partition."""
        return self._line(partition).outbox()

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, Rows]], claims: Sequence[tuple[Table, Rows]] = ()
    ) -> asyncio.Future[None]:
        """Begin to finish a batch. Raises TypeError for a table that is not written by batches, RuntimeError for another outbox."""
        return self._line(partition).take(outbox, _changes(rows), _changes(claims))

    def _line(self, partition: int) -> Line:
        line = self._lines.get(partition)
        if line is None:
            line = Line(partition, self._new_outbox, self._ownership, self._linger, self._on_failure)
            self._lines[partition] = line
        return line

    def _new_outbox(self, generation: int) -> BatchOutbox:
        return BatchOutbox(self._producer(), self._limit, generation)


def _changes(rows: Sequence[tuple[Table, Rows]]) -> Changes:
    return {_batch_table(table).name: (cast(BatchTable, table), dict(changed)) for table, changed in rows if changed}


def _batch_table(table: Table) -> Table:
    if not hasattr(table, "stage"):
        raise TypeError(f"table {table.name} cannot be written a batch at a time")
    return table
