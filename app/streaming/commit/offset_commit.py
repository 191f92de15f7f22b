"""Tracks acknowledgements: the committable offset of a partition is that of its first unacknowledged batch."""

from collections import deque
from collections.abc import Hashable, Iterable, Sized
from typing import Generic, NamedTuple, Protocol, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


class TrackedBatch(Protocol):
    """A batch in flight: its records, the offset of the last one, and whether the agent has acknowledged it."""

    value: Sized
    offset: int
    acked: bool


class UnackedCounts(NamedTuple):
    """What is unacknowledged in a partition; `uncommitted_records`: offsets from the first unacknowledged record to the last tracked one.

    After a crash all of the uncommitted records are redelivered.
    """

    batches: int
    records: int
    uncommitted_records: int = 0


NONE_UNACKED = UnackedCounts(0, 0)


class OffsetTracker(Generic[Partition]):
    """Batches in flight of each partition, oldest first; agents may acknowledge them in any order."""

    def __init__(self) -> None:
        self._tracked: dict[Partition, deque[TrackedBatch]] = {}
        self._committable_offsets: dict[Partition, int] = {}
        self._last_offsets: dict[Partition, int] = {}

    def track(self, partition: Partition, batch: TrackedBatch) -> None:
        """Add a batch that goes to an agent; batches of a partition are added in offset order."""
        self._tracked.setdefault(partition, deque()).append(batch)
        self._last_offsets[partition] = batch.offset

    def get_last_offset(self, partition: Partition) -> int | None:
        """The last offset tracked since the partition was cleared; records up to it are not delivered again."""
        return self._last_offsets.get(partition)

    def count_unacked(self, partition: Partition) -> UnackedCounts:
        """How many batches and records of the partition are unacknowledged."""
        batches = self._pop_acked_prefix(partition)
        if not batches:
            return NONE_UNACKED
        sizes = [len(batch.value) for batch in batches if not batch.acked]
        return UnackedCounts(len(sizes), sum(sizes), self._last_offsets[partition] - batches[0].offset + sizes[0])

    def get_committable_offset(self, partition: Partition) -> int | None:
        """The offset to commit: the one after the acknowledged prefix; None if nothing is acknowledged yet."""
        self._pop_acked_prefix(partition)
        return self._committable_offsets.get(partition)

    def get_partitions(self) -> list[Partition]:
        """The partitions with tracked batches."""
        return list(self._tracked)

    def clear_partitions(self, partitions: Iterable[Partition]) -> None:
        """Clear these partitions: they were revoked, or their position was reset."""
        for partition in partitions:
            self._tracked.pop(partition, None)
            self._committable_offsets.pop(partition, None)
            self._last_offsets.pop(partition, None)

    def clear_all(self) -> None:
        """Clear all partitions: all positions are reset to the committed offsets."""
        self.clear_partitions(self.get_partitions())

    def _pop_acked_prefix(self, partition: Partition) -> deque[TrackedBatch]:
        batches = self._tracked.get(partition)
        if batches is None:
            return deque()
        while batches and batches[0].acked:
            self._committable_offsets[partition] = batches.popleft().offset + 1
        return batches
