"""Acknowledgements by prefix: of the batches given out, what may be committed is everything before the first unfinished one."""

from collections import deque
from collections.abc import Hashable, Iterable, Sized
from typing import Generic, NamedTuple, Protocol, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


class TrackedBatch(Protocol):
    """A batch in an agent's hands: its records, the offset of the last one, and whether the agent has acknowledged it."""

    value: Sized
    offset: int
    acked: bool


class UnackedCounts(NamedTuple):
    """What agents have not acknowledged of a partition; `span`: how many records, finished or not, come again after a crash."""

    batches: int
    records: int
    uncommitted_records: int = 0


NONE_UNACKED = UnackedCounts(0, 0)


class AckTracker(Generic[Partition]):
    """Batches in flight, oldest first, for each partition; agents may finish them in any order."""

    def __init__(self) -> None:
        self._tracked: dict[Partition, deque[TrackedBatch]] = {}
        self._committable_offsets: dict[Partition, int] = {}
        self._last_offsets: dict[Partition, int] = {}

    def track(self, partition: Partition, batch: TrackedBatch) -> None:
        """Note that a batch went to an agent; batches of a partition are given in offset order."""
        self._tracked.setdefault(partition, deque()).append(batch)
        self._last_offsets[partition] = batch.offset

    def get_last_offset(self, partition: Partition) -> int | None:
        """The last offset given out since the partition was last forgotten: records up to it are not given again."""
        return self._last_offsets.get(partition)

    def count_unacked(self, partition: Partition) -> UnackedCounts:
        """How much of the partition is not acknowledged."""
        waiting = self._pop_acked_prefix(partition)
        if not waiting:
            return NONE_UNACKED
        sizes = [len(given.value) for given in waiting if not given.acked]
        return UnackedCounts(len(sizes), sum(sizes), self._last_offsets[partition] - waiting[0].offset + sizes[0])

    def get_committable_offset(self, partition: Partition) -> int | None:
        """The next offset wanted after a restart: behind the acknowledged prefix; None as long as nothing is finished."""
        self._pop_acked_prefix(partition)
        return self._committable_offsets.get(partition)

    def get_partitions(self) -> list[Partition]:
        """The partitions of which batches were given out since they were last forgotten."""
        return list(self._tracked)

    def clear_partitions(self, partitions: Iterable[Partition]) -> None:
        """Drop what is known of these partitions: they were revoked, or their position was set back."""
        for partition in partitions:
            self._tracked.pop(partition, None)
            self._committable_offsets.pop(partition, None)
            self._last_offsets.pop(partition, None)

    def clear_all(self) -> None:
        """Drop everything: all positions go back to what was committed."""
        self.clear_partitions(self.get_partitions())

    def _pop_acked_prefix(self, partition: Partition) -> deque[TrackedBatch]:
        waiting = self._tracked.get(partition)
        if waiting is None:
            return deque()
        while waiting and waiting[0].acked:
            self._committable_offsets[partition] = waiting.popleft().offset + 1
        return waiting
