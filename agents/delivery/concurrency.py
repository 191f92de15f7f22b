"""Limits the calls in flight, over all priorities and per account, and starts those of the high priority first."""

from collections import defaultdict, deque
from collections.abc import Callable

from agents.delivery.in_flight import InFlight
from agents.delivery.waiting_room import WaitingRoom
from schemas.delivery_policy import ConcurrencyLimits
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


class AccountConcurrency:
    """The calls in flight of a provider account or webhook origin, their limit, and the deliveries that wait for it, once there are any.

    `is_limited`: its breaker permits fewer calls than `usual_calls`.
    """

    __slots__ = ("calls_in_flight", "is_limited", "max_calls", "queue", "usual_calls")

    def __init__(self, max_calls: int) -> None:
        self.calls_in_flight, self.max_calls, self.usual_calls, self.is_limited = 0, max_calls, max_calls, False
        self.queue: PriorityQueue | None = None

    def put(self, in_flight: InFlight) -> None:
        """Let a delivery wait."""
        if self.queue is None:
            self.queue = PriorityQueue()
        self.queue.put(in_flight)


class ConcurrencyLimiter:
    """Admits deliveries up to the limits. A delivery whose account is at its limit waits at the account and blocks no other account.

    If the breaker of the account limits it, the delivery waits in the waiting room, unless `leave` lets it leave the worker.
    """

    def __init__(self, limits: ConcurrencyLimits, waiting_room: WaitingRoom) -> None:
        self._waiting_room = waiting_room
        self.leave: Callable[[InFlight], bool] | None = None
        self.max_per_account, self.min_per_account = limits.max_per_account, limits.min_per_account
        self._max_calls, self._max_calls_below_high = limits.max_in_flight, limits.max_in_flight - limits.reserved_for_high
        self.queue = PartitionedQueue()
        self._accounts: dict[str, AccountConcurrency] = {}
        self.move: Callable[[InFlight], bool] | None = None
        """Moves a delivery of a paused account to another one, if it can; None if there is only one account."""
        self.calls_in_flight = self.admitted_calls = 0
        self._calls_below_high = 0

    def enqueue(self, in_flight: InFlight) -> None:
        """Add a delivery that needs a call."""
        self.queue.put(in_flight)

    def acquire(self) -> InFlight | None:
        """The next delivery to call for, counted as in flight until `release`; None if none waits or the limits are reached."""
        while self.calls_in_flight < self._max_calls:
            in_flight = self.queue.take(self._calls_below_high >= self._max_calls_below_high)
            if in_flight is None:
                return None
            account = self._accounts.get(in_flight.account) or self._add_account(in_flight.account)
            if account.calls_in_flight < account.max_calls:
                account.calls_in_flight += 1
                self.calls_in_flight += 1
                self.admitted_calls += 1
                if in_flight.batch.priority != "high":
                    self._calls_below_high += 1
                return in_flight
            if account.is_limited:
                if self.move is not None and self.move(in_flight):
                    self.queue.put_first(in_flight)
                    continue
                if self.leave is not None and self.leave(in_flight):
                    continue
                self._waiting_room.admit(in_flight)
            account.put(in_flight)
        return None

    def release(self, in_flight: InFlight) -> None:
        """End the call of this delivery; a delivery that waits at its account becomes the first of its priority."""
        account = self._accounts[in_flight.account]
        account.calls_in_flight -= 1
        self.calls_in_flight -= 1
        if in_flight.batch.priority != "high":
            self._calls_below_high -= 1
        if account.calls_in_flight >= account.max_calls:
            return
        if account.queue:
            self._admit(account, 1)
        elif not account.calls_in_flight and not account.is_limited and account.usual_calls == self.max_per_account:
            del self._accounts[in_flight.account]

    def has_waiting(self, name: str) -> bool:
        """Whether deliveries wait at an account."""
        account = self._accounts.get(name)
        return account is not None and bool(account.queue)

    def limit_account(self, name: str, max_calls: int | None = None) -> None:
        """Limit the calls of an account; None is the usual limit again. Waiting deliveries that it admits are the next to be acquired."""
        account = self._accounts.get(name) or self._add_account(name)
        account.is_limited = max_calls is not None
        account.max_calls = account.usual_calls if max_calls is None else min(max_calls, account.usual_calls)
        self._admit(account, account.max_calls - account.calls_in_flight)

    def adapt_account(self, name: str, usual_calls: int) -> None:
        """Change the usual limit of an account, as it has shown how much it can take."""
        account = self._accounts.get(name) or self._add_account(name)
        account.usual_calls = usual_calls
        account.max_calls = min(account.max_calls, usual_calls) if account.is_limited else usual_calls
        self._admit(account, account.max_calls - account.calls_in_flight)

    def _admit(self, account: AccountConcurrency, calls: int) -> None:
        """Let the next deliveries of an account be acquired: enough for so many calls, and those of held partitions before them."""
        admitted: list[InFlight] = []
        while calls > 0 and account.queue and (in_flight := account.queue.take()) is not None:
            in_flight.end_wait()
            admitted.append(in_flight)
            calls -= not self.queue.is_held(in_flight.batch.priority, in_flight.batch.partition)
        for in_flight in reversed(admitted):
            self.queue.put_first(in_flight)

    def remove_waiting(self, name: str, is_removed: Callable[[InFlight], bool]) -> list[InFlight]:
        """Remove and return deliveries that wait at an account."""
        account = self._accounts.get(name)
        removed = [] if account is None or account.queue is None else account.queue.remove(is_removed)
        for in_flight in removed:
            in_flight.end_wait()
        return removed

    def _add_account(self, name: str) -> AccountConcurrency:
        account = self._accounts[name] = AccountConcurrency(self.max_per_account)
        return account
