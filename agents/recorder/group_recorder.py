"""The common part of the recorders: batches are decoded, gathered in groups and written with retries."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from agents.recorder.group_commit import GroupWriter
from agents.recorder.retrying_writer import RetryingWriter, WriteObserver
from schemas.ports import Batch, Batches, Clock, Sleep
from schemas.store_ports import HistoryWriter

T = TypeVar("T")


class GroupRecorder(ABC, Generic[T]):
    """Shared by all actors of a worker, so that their batches share commits.

    A group is written `linger` seconds after its first item, or as soon as it has `max_items`.
    """

    def __init__(self, store: HistoryWriter, sleep: Sleep, clock: Clock, observer: WriteObserver, linger: float, max_items: int) -> None:
        self._writer = RetryingWriter(store, sleep, clock, observer)
        self._group_writer: GroupWriter[T] = GroupWriter(self._write, sleep, linger, max_items)

    async def run(self, batches: Batches) -> None:
        """Record the batches, one after the other."""
        async for batch in batches:
            await self.record(batch)

    async def record(self, batch: Batch) -> None:
        """Record a batch; returns after its commit."""
        await self._group_writer.add(self._decode(batch))

    async def stop(self) -> None:
        """Discard what is not committed; its records are consumed again after the next start."""
        await self._group_writer.stop()

    @abstractmethod
    def _decode(self, batch: Batch) -> Sequence[T]:
        """The items of a batch."""

    @abstractmethod
    async def _write(self, items: Sequence[T]) -> None:
        """Write the items in one commit."""
