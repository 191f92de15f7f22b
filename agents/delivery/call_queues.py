"""The queues of deliveries that wait for a call."""

from collections import defaultdict, deque
from collections.abc import Callable

from agents.delivery.in_flight import InFlight
from schemas.enums import PRIORITIES, Priority

HELD_PRIORITIES: tuple[Priority, ...] = ("medium", "low")  # a commit may take longer than high has time


class PriorityQueue:
    """Deliveries that wait for a call: first high, then medium and low in turns."""

    __slots__ = ("_high", "_queues", "_turns")

    def __init__(self) -> None:
        queues: dict[Priority, deque[InFlight]] = {priority: deque() for priority in PRIORITIES}
        self._queues, self._high, self._turns = queues, queues["high"], (queues["medium"], queues["low"])

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def count_high(self) -> int:
        """How many have the high priority."""
        return len(self._high)

    def put(self, in_flight: InFlight) -> None:
        """Append a delivery to the queue of its priority."""
        self._queues[in_flight.batch.priority].append(in_flight)

    def take(self) -> InFlight | None:
        """Remove and return the next delivery, or None."""
        if self._high:
            return self._high.popleft()
        first, second = self._turns
        if first:
            self._turns = second, first
            return first.popleft()
        return second.popleft() if second else None

    def remove(self, is_removed: Callable[[InFlight], bool]) -> list[InFlight]:
        """Remove and return the deliveries for which this is true; the others keep their order."""
        removed = [in_flight for queue in self._queues.values() for in_flight in queue if is_removed(in_flight)]
        if removed:
            for queue in self._queues.values():
                kept = [in_flight for in_flight in queue if not is_removed(in_flight)]
                queue.clear()
                queue.extend(kept)
        return removed


class PartitionedQueue:
    """Deliveries that wait for a call: first high, then medium and low in turns; within a priority the partitions take turns.

    Medium and low of a held partition keep their places until it is resumed; none of them is touched for that. High is never held.
    """

    __slots__ = ("_high", "_queues", "_ready", "_turns", "held")

    def __init__(self) -> None:
        self._queues: dict[Priority, defaultdict[int, deque[InFlight]]] = {priority: defaultdict(deque) for priority in PRIORITIES}
        # the queues that have deliveries and are not held, the next one first
        ready: dict[Priority, deque[deque[InFlight]]] = {priority: deque() for priority in PRIORITIES}
        self._ready, self._high, self._turns = ready, ready["high"], (ready["medium"], ready["low"])
        self.held: set[int] = set()  # partitions

    def is_held(self, priority: Priority, partition: int) -> bool:
        """Whether deliveries of this priority and partition wait until the partition is resumed."""
        return partition in self.held and priority in HELD_PRIORITIES

    def put(self, in_flight: InFlight) -> None:
        """Append a delivery to those of its priority and partition."""
        priority, partition = in_flight.batch.priority, in_flight.batch.partition
        queue = self._queues[priority][partition]
        if not queue and not self.is_held(priority, partition):
            self._ready[priority].append(queue)
        queue.append(in_flight)

    def put_first(self, in_flight: InFlight) -> None:
        """Make a delivery the next one of its priority, or of its held partition."""
        priority, partition = in_flight.batch.priority, in_flight.batch.partition
        queue, ready = self._queues[priority][partition], self._ready[priority]
        if not self.is_held(priority, partition):
            if queue:
                ready.remove(queue)
            ready.appendleft(queue)
        queue.appendleft(in_flight)

    def take(self, high_only: bool) -> InFlight | None:
        """Remove and return the next delivery, or None."""
        ready = self._high
        if not ready:
            if high_only:
                return None
            first, second = self._turns
            if first:
                ready, self._turns = first, (second, first)
            elif second:
                ready = second
            else:
                return None
        queue = ready[0]
        in_flight = queue.popleft()
        if queue:
            ready.rotate(-1)
        else:
            ready.popleft()
        return in_flight

    def hold(self, partition: int) -> None:
        """Let medium and low of a partition wait until `resume`."""
        for priority in HELD_PRIORITIES:
            if self._queues[priority][partition]:
                self._ready[priority].remove(self._queues[priority][partition])
        self.held.add(partition)

    def resume(self, partition: int) -> None:
        """Let the deliveries of a held partition take turns again."""
        if partition in self.held:
            self.held.remove(partition)
            for priority in HELD_PRIORITIES:
                if self._queues[priority][partition]:
                    self._ready[priority].append(self._queues[priority][partition])

    def drop(self, partition: int) -> None:
        """Remove the deliveries of a partition, held or not."""
        for priority, queues in self._queues.items():
            queue = queues.pop(partition, None)
            if queue and not self.is_held(priority, partition):
                self._ready[priority].remove(queue)
        self.held.discard(partition)
