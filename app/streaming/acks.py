"""Acknowledgements by prefix: of the batches given out, what may be committed is everything before the first unfinished one."""

from collections import deque
from collections.abc import Hashable, Iterable, Sized
from typing import Generic, NamedTuple, Protocol, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


class Given(Protocol):
    """A batch in an agent's hands: its records, the offset of the last one, and whether the agent has acknowledged it."""

    value: Sized
    offset: int
    acked: bool


class Unfinished(NamedTuple):
    """What agents have not acknowledged of a partition; `span`: how many records, finished or not, come again after a crash."""

    batches: int
    records: int
    span: int = 0


NOTHING = Unfinished(0, 0)


class Acks(Generic[Partition]):
    """Batches in flight, oldest first, for each partition; agents may finish them in any order."""

    def __init__(self) -> None:
        self._waiting: dict[Partition, deque[Given]] = {}
        self._committable: dict[Partition, int] = {}
        self._last: dict[Partition, int] = {}

    def give(self, partition: Partition, given: Given) -> None:
        """Note that a batch went to an agent; batches of a partition are given in offset order."""
        self._waiting.setdefault(partition, deque()).append(given)
        self._last[partition] = given.offset

    def last(self, partition: Partition) -> int | None:
        """The last offset given out since the partition was last forgotten: records up to it are not given again."""
        return self._last.get(partition)

    def unfinished(self, partition: Partition) -> Unfinished:
        """How much of the partition is not acknowledged."""
        waiting = self._finished_prefix(partition)
        if not waiting:
            return NOTHING
        sizes = [len(given.value) for given in waiting if not given.acked]
        return Unfinished(len(sizes), sum(sizes), self._last[partition] - waiting[0].offset + sizes[0])

    def committable(self, partition: Partition) -> int | None:
        """The next offset wanted after a restart: behind the acknowledged prefix; None as long as nothing is finished."""
        self._finished_prefix(partition)
        return self._committable.get(partition)

    def partitions(self) -> list[Partition]:
        """The partitions of which batches were given out since they were last forgotten."""
        return list(self._waiting)

    def forget(self, partitions: Iterable[Partition]) -> None:
        """Drop what is known of these partitions: they were revoked, or their position was set back."""
        for partition in partitions:
            self._waiting.pop(partition, None)
            self._committable.pop(partition, None)
            self._last.pop(partition, None)

    def forget_all(self) -> None:
        """Drop everything: all positions go back to what was committed."""
        self.forget(self.partitions())

    def _finished_prefix(self, partition: Partition) -> deque[Given]:
        waiting = self._waiting.get(partition)
        if waiting is None:
            return deque()
        while waiting and waiting[0].acked:
            self._committable[partition] = waiting.popleft().offset + 1
        return waiting
