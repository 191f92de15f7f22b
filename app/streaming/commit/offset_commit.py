"""Tracks acknowledgements: the committable offset of a partition is that of its first unacknowledged batch."""

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


class TrackedBatch(Protocol):
    """A batch in flight: its first and last offset, whether the agent has acknowledged it, and its unfinished records and bytes."""

    first_offset: int
    offset: int
    acked: bool
    unfinished_records: int
    unfinished_bytes: int
    is_tracked: bool


class UnackedCounts(NamedTuple):
    """What is in flight in a partition: batches with unfinished records, and these records and their bytes.

    `uncommitted_records`: offsets from the first unacknowledged batch to the last tracked one. After a crash all of them are redelivered.
    """

    batches: int
    records: int
    size: int = 0
    uncommitted_records: int = 0


NONE_UNACKED = UnackedCounts(0, 0)


@dataclass(slots=True)
class PartitionProgress:
    """The tracked batches of one partition, oldest first, and the sums over those with unfinished records."""

    last_offset: int = -1
    committable_offset: int | None = None
    batches: deque[TrackedBatch] = field(default_factory=deque)
    unfinished_batches: int = 0
    unfinished_records: int = 0
    unfinished_bytes: int = 0


class OffsetTracker(Generic[Partition]):
    """Batches in flight of each partition; agents may acknowledge them in any order.

    `acknowledged_records`: offsets of all batches that were ever acknowledged.
    """

    def __init__(self) -> None:
        self.acknowledged_records = 0
        self._partitions: dict[Partition, PartitionProgress] = {}

    def track(self, partition: Partition, batch: TrackedBatch) -> None:
        """Add a batch that goes to an agent; batches of a partition are added in offset order."""
        progress = self._partitions.get(partition)
        if progress is None:
            progress = self._partitions[partition] = PartitionProgress()
        progress.batches.append(batch)
        progress.last_offset = batch.offset
        progress.unfinished_batches += batch.unfinished_records > 0
        progress.unfinished_records += batch.unfinished_records
        progress.unfinished_bytes += batch.unfinished_bytes
        batch.is_tracked = True

    def set_unfinished(self, partition: Partition, batch: TrackedBatch, records: int, size: int) -> None:
        """Set how many records and bytes of a batch are unfinished; no effect on a batch that is no longer tracked."""
        if batch.is_tracked:
            progress = self._partitions[partition]
            progress.unfinished_batches += (records > 0) - (batch.unfinished_records > 0)
            progress.unfinished_records += records - batch.unfinished_records
            progress.unfinished_bytes += size - batch.unfinished_bytes
            batch.unfinished_records, batch.unfinished_bytes = records, size

    def acknowledge(self, partition: Partition, batch: TrackedBatch) -> None:
        """Mark a batch as acknowledged; none of its records are unfinished any more."""
        batch.acked = True
        self.acknowledged_records += batch.offset - batch.first_offset + 1
        self.set_unfinished(partition, batch, 0, 0)
        batch.is_tracked = False

    def skip(self, partition: Partition, last_offset: int) -> None:
        """Count the offsets up to `last_offset` as those of the batch before them: they hold no records for an agent."""
        progress = self._partitions.setdefault(partition, PartitionProgress())
        if progress.batches:  # committed with the batch before them
            progress.batches[-1].offset = last_offset
        else:
            progress.committable_offset = last_offset + 1
        progress.last_offset = last_offset

    def count_unacked(self, partition: Partition) -> UnackedCounts:
        """What is in flight in the partition."""
        progress = self._partitions.get(partition)
        if progress is None:
            return NONE_UNACKED
        _pop_acked_prefix(progress)
        if not progress.batches:
            return NONE_UNACKED
        uncommitted = progress.last_offset - progress.batches[0].first_offset + 1
        return UnackedCounts(progress.unfinished_batches, progress.unfinished_records, progress.unfinished_bytes, uncommitted)

    def get_committable_offset(self, partition: Partition) -> int | None:
        """The offset to commit: the one after the acknowledged prefix; None if nothing is acknowledged yet."""
        progress = self._partitions.get(partition)
        if progress is None:
            return None
        _pop_acked_prefix(progress)
        return progress.committable_offset

    def get_partitions(self) -> list[Partition]:
        """The partitions with tracked batches."""
        return list(self._partitions)

    def clear_partitions(self, partitions: Iterable[Partition]) -> None:
        """Clear these partitions: they were revoked, or their position was reset."""
        for partition in partitions:
            progress = self._partitions.pop(partition, None)
            for batch in progress.batches if progress else ():
                batch.is_tracked = False

    def clear_all(self) -> None:
        """Clear all partitions: all positions are reset to the committed offsets."""
        self.clear_partitions(self.get_partitions())


def _pop_acked_prefix(progress: PartitionProgress) -> None:
    batches = progress.batches
    while batches and batches[0].acked:
        progress.committable_offset = batches.popleft().offset + 1
