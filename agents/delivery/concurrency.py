"""Which delivery may call next: calls in flight are bounded over the priorities and per account, and the high priority goes first."""

from collections import deque

from agents.delivery.in_flight import InFlight
from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import PRIORITIES, Priority


class PriorityQueue:
    """Deliveries that wait, by priority: high first, medium and low in turns."""

    __slots__ = ("_queues", "_turn_order")

    def __init__(self) -> None:
        self._queues: dict[Priority, deque[InFlight]] = {priority: deque() for priority in PRIORITIES}
        self._turn_order: tuple[Priority, Priority] = ("medium", "low")

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def put(self, in_flight: InFlight) -> None:
        """To the end of its priority."""
        self._queues[in_flight.batch.priority].append(in_flight)

    def put_first(self, in_flight: InFlight) -> None:
        """To the head of its priority."""
        self._queues[in_flight.batch.priority].appendleft(in_flight)

    def take(self, high_only: bool = False) -> InFlight | None:
        """The next one, or none."""
        priorities = self._queues
        if priorities["high"]:
            return priorities["high"].popleft()
        if high_only:
            return None
        first, second = self._turn_order
        if not priorities[first]:
            first, second = second, first
        if not priorities[first]:
            return None
        self._turn_order = (second, first)
        return priorities[first].popleft()


class AccountConcurrency:
    """A provider's account or a webhook's origin: its calls in flight, and what waits for one of them to end."""

    __slots__ = ("calls_in_flight", "queue")

    def __init__(self) -> None:
        self.calls_in_flight = 0
        self.queue = PriorityQueue()


class ConcurrencyLimiter:
    """The bounded set of calls in flight. What an account has no room for is parked there and holds up no other account."""

    def __init__(self, limits: ConcurrencyLimits) -> None:
        self._limits = limits
        self._queue = PriorityQueue()
        self._accounts: dict[str, AccountConcurrency] = {}
        self.calls_in_flight = 0
        self._calls_below_high = 0

    def enqueue(self, in_flight: InFlight) -> None:
        """Let a delivery wait for its turn."""
        self._queue.put(in_flight)

    def acquire(self) -> InFlight | None:
        """The next delivery that may call, counted as a call until `free`; none if nothing waits or nothing has room."""
        limits = self._limits
        while self.calls_in_flight < limits.max_in_flight:
            sending = self._queue.take(high_only=self._calls_below_high >= limits.max_in_flight - limits.reserved_for_high)
            if sending is None:
                return None
            account = self._accounts.get(sending.account)
            if account is None:
                account = self._accounts[sending.account] = AccountConcurrency()
            if account.calls_in_flight < limits.max_per_account:
                self._adjust_counts(account, sending, 1)
                return sending
            account.queue.put(sending)
        return None

    def release(self, in_flight: InFlight) -> None:
        """The call of this delivery is over: one that its account had parked is next in its priority."""
        account = self._accounts[in_flight.account]
        self._adjust_counts(account, in_flight, -1)
        parked = account.queue.take()
        if parked is not None:
            self._queue.put_first(parked)
        elif not account.calls_in_flight:
            del self._accounts[in_flight.account]

    def _adjust_counts(self, account: AccountConcurrency, in_flight: InFlight, delta: int) -> None:
        account.calls_in_flight += delta
        self.calls_in_flight += delta
        if in_flight.batch.priority != "high":
            self._calls_below_high += delta
