"""Limits the calls in flight, over all priorities and per account, and starts those of the high priority first."""

from collections import deque
from collections.abc import Callable

from agents.delivery.in_flight import InFlight
from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import PRIORITIES, Priority


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

    def put_first(self, in_flight: InFlight) -> None:
        """Prepend a delivery to the queue of its priority."""
        self._queues[in_flight.batch.priority].appendleft(in_flight)

    def take(self, high_only: bool = False) -> InFlight | None:
        """Remove and return the next delivery, or None."""
        if self._high:
            return self._high.popleft()
        if high_only:
            return None
        first, second = self._turns
        if first:
            self._turns = second, first
            return first.popleft()
        return second.popleft() if second else None

    def take_all(self, other: "PriorityQueue") -> None:
        """Append all deliveries of another queue, each to the queue of its priority."""
        for priority, queue in other._queues.items():
            self._queues[priority].extend(queue)
            queue.clear()

    def remove(self, is_removed: Callable[[InFlight], bool]) -> list[InFlight]:
        """Remove and return the deliveries for which this is true; the others keep their order."""
        removed = [in_flight for queue in self._queues.values() for in_flight in queue if is_removed(in_flight)]
        if removed:
            for queue in self._queues.values():
                kept = [in_flight for in_flight in queue if not is_removed(in_flight)]
                queue.clear()
                queue.extend(kept)
        return removed


class AccountConcurrency:
    """The calls in flight of a provider account or webhook origin, their limit, and the deliveries that wait for it, once there are any."""

    __slots__ = ("calls_in_flight", "max_calls", "queue")

    def __init__(self, max_calls: int) -> None:
        self.calls_in_flight, self.max_calls = 0, max_calls
        self.queue: PriorityQueue | None = None

    def put(self, in_flight: InFlight) -> None:
        """Let a delivery wait."""
        if self.queue is None:
            self.queue = PriorityQueue()
        self.queue.put(in_flight)


class ConcurrencyLimiter:
    """Admits deliveries up to the limits. A delivery whose account is at its limit waits at the account and blocks no other account."""

    def __init__(self, limits: ConcurrencyLimits) -> None:
        self._limits = limits
        self._max_calls, self._max_calls_below_high = limits.max_in_flight, limits.max_in_flight - limits.reserved_for_high
        self._queue = PriorityQueue()
        self._accounts: dict[str, AccountConcurrency] = {}
        self.calls_in_flight = 0
        self._calls_below_high = 0

    def enqueue(self, in_flight: InFlight) -> None:
        """Add a delivery that needs a call."""
        self._queue.put(in_flight)

    def enqueue_all(self, deliveries: PriorityQueue) -> None:
        """Add deliveries that need a call, and empty their queue."""
        self._queue.take_all(deliveries)

    def acquire(self) -> InFlight | None:
        """The next delivery to call for, counted as in flight until `release`; None if none waits or the limits are reached."""
        while self.calls_in_flight < self._max_calls:
            in_flight = self._queue.take(self._calls_below_high >= self._max_calls_below_high)
            if in_flight is None:
                return None
            account = self._accounts.get(in_flight.account) or self._add_account(in_flight.account)
            if account.calls_in_flight < account.max_calls:
                account.calls_in_flight += 1
                self.calls_in_flight += 1
                if in_flight.batch.priority != "high":
                    self._calls_below_high += 1
                return in_flight
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
        queued = None if account.queue is None else account.queue.take()
        if queued is not None:
            self._queue.put_first(queued)
        elif not account.calls_in_flight and account.max_calls == self._limits.max_per_account:
            del self._accounts[in_flight.account]

    def limit_account(self, name: str, max_calls: int | None = None) -> None:
        """Limit the calls of an account; None is the usual limit again. Waiting deliveries that it admits are the next to be acquired."""
        account = self._accounts.get(name) or self._add_account(name)
        account.max_calls = self._limits.max_per_account if max_calls is None else max_calls
        if account.queue is None:
            return
        admitted = [account.queue.take() for _ in range(min(len(account.queue), account.max_calls - account.calls_in_flight))]
        for in_flight in reversed(admitted):
            assert in_flight is not None
            self._queue.put_first(in_flight)

    def remove_waiting(self, name: str, is_removed: Callable[[InFlight], bool]) -> list[InFlight]:
        """Remove and return deliveries that wait at an account."""
        account = self._accounts.get(name)
        return [] if account is None or account.queue is None else account.queue.remove(is_removed)

    def _add_account(self, name: str) -> AccountConcurrency:
        account = self._accounts[name] = AccountConcurrency(self._limits.max_per_account)
        return account
