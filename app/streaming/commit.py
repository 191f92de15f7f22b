"""The router's commit: claims, outputs, rows, in this order; so a row proves that its outputs are out, and a claim comes before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from app.streaming.outbox import BatchOutbox, Limit, Slot, Written
from app.streaming.ownership import Ownership
from schemas.ports import Outbox, Rows, Table


class BatchTable(Table, Protocol):
    """A table that is written a batch at a time."""

    @property
    def changelog(self) -> str: ...
    def stage(self, outbox: Outbox, partition: int, rows: Rows) -> None: ...
    def apply(self, partition: int, rows: Rows, written: Written) -> None: ...


class BatchCommit:
    """Implements schemas.ports.Commit. Each outbox remembers the generation it was made in; a later one loses the partition."""

    def __init__(self, producer: Callable[[], Any], limit: Limit, ownership: Ownership) -> None:
        self._producer = producer
        self._limit = limit
        self._ownership = ownership

    def outbox(self) -> BatchOutbox:
        """A new outbox for one batch."""
        return BatchOutbox(self._producer(), self._limit, self._ownership.generation())

    async def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, Rows]], claims: Sequence[tuple[Table, Rows]] = ()
    ) -> None:
        """Finish a batch. Raises PartitionLost if another worker has taken over: nothing more is written then."""
        if not isinstance(outbox, BatchOutbox):
            raise TypeError(f"commit takes an outbox that it made itself, not {type(outbox).__name__}")
        await self._remember(partition, outbox.generation, claims)
        await self._ownership.check(outbox.generation)
        await outbox.flush()
        await self._remember(partition, outbox.generation, rows)

    async def _remember(self, partition: int, generation: int, rows: Sequence[tuple[Table, Rows]]) -> None:
        changed = [(_batch_table(table), rows_of) for table, rows_of in rows if rows_of]
        if not changed:
            return
        outbox = BatchOutbox(self._producer(), self._limit, generation)
        for table, rows_of in changed:
            table.stage(outbox, partition, rows_of)
        await self._ownership.check(outbox.generation)
        written: Mapping[Slot, Written] = await outbox.flush()
        await self._ownership.check(outbox.generation)
        for table, rows_of in changed:
            table.apply(partition, rows_of, written[table.changelog, partition])


def _batch_table(table: Table) -> BatchTable:
    if not hasattr(table, "stage"):
        raise TypeError(f"table {table.name} cannot be written a batch at a time")
    return table  # type: ignore[return-value]
