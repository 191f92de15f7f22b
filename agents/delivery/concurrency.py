"""Limits the calls in flight, over all priorities and per account, and starts those of the high priority first."""

from collections.abc import Callable
from math import ceil
from typing import NamedTuple, Protocol

from agents.delivery.call_queues import PartitionedQueue, PriorityQueue
from agents.delivery.in_flight import InFlight
from agents.delivery.waiting_room import WaitingRoom
from schemas.delivery_policy import ConcurrencyLimits

MIN_COMPANY = 2


class Waiting(NamedTuple):
    """Calls that deliveries at an account wait for, by priority, and how many may start now but for its rate."""

    high: int
    others: int
    room: int


class AccountRates(Protocol):
    """How many calls of an account its rate permits."""

    def count_free(self, account: str) -> int:
        """How many may be made now."""
        ...

    def use(self, account: str) -> None:
        """A call is made."""
        ...

    def request(self, account: str, *, is_high: bool = False) -> None:
        """Let deliveries that wait at an account be admitted when they may; a high one has come, or any that could not be called before."""
        ...


class AccountConcurrency:
    """The calls in flight of a provider account or webhook origin, their limit, and the deliveries that wait for it, once there are any.

    `is_limited`: its breaker permits fewer calls than `usual_calls`. `company`: how many of those that wait are asked to join a call that
    begins: more if they do, fewer if they do not.
    """

    __slots__ = ("calls_in_flight", "company", "is_limited", "max_calls", "queue", "usual_calls")

    def __init__(self, max_calls: int) -> None:
        self.calls_in_flight, self.max_calls, self.usual_calls, self.is_limited = 0, max_calls, max_calls, False
        self.queue: PriorityQueue | None = None
        self.company = MIN_COMPANY

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
        self.max_per_call, self._max_joined = limits.max_per_call, limits.max_joined
        self.queue = PartitionedQueue()
        self._accounts: dict[str, AccountConcurrency] = {}
        self.rates: AccountRates | None = None  # if calls per second of any account are limited
        self.leave_for_rate: Callable[[InFlight], bool] | None = None
        self.move: Callable[[InFlight], bool] | None = None
        """Moves a delivery of a paused account to another one, if it can; None if there is only one account."""
        self.calls_in_flight = 0
        self._calls_below_high = self._joined = 0
        self._gathering: set[str] = set()  # accounts of which a call for several deliveries begins

    def enqueue(self, in_flight: InFlight) -> None:
        """Add a delivery that needs a call."""
        self.queue.put(in_flight)

    def acquire(self) -> InFlight | None:
        """The next delivery to call for, counted as in flight until `release`; None if none waits or the limits are reached."""
        while self.calls_in_flight < self._max_calls:
            in_flight = self.queue.take(self._calls_below_high >= self._max_calls_below_high or self._joined >= self._max_joined)
            if in_flight is None:
                return None
            account = self._accounts.get(in_flight.account) or self._add_account(in_flight.account)
            is_over_rate = self.rates is not None and not self.rates.count_free(in_flight.account)
            has_place = account.calls_in_flight < account.max_calls and not is_over_rate
            if has_place or (self._gathering and self._may_join(in_flight, account)):
                account.calls_in_flight += 1
                self.calls_in_flight += 1
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
            elif is_over_rate and self._leaves_for_rate(in_flight):
                continue
            account.put(in_flight)
            if self.rates is not None:
                self.rates.request(in_flight.account, is_high=in_flight.batch.priority == "high")
        return None

    def _leaves_for_rate(self, in_flight: InFlight) -> bool:
        """Let a delivery over the rate of its account leave, or wait where it holds up no other account; whether it left."""
        if self.leave_for_rate is not None and self.leave_for_rate(in_flight):
            return True
        if self.move is not None or self.leave_for_rate is not None:
            self._waiting_room.admit(in_flight)
        return False

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
            self._admit(in_flight.account, account, 1)
        elif not account.calls_in_flight:
            self._drop_usual(in_flight.account, account)

    def use_rate(self, name: str) -> None:
        """A call of an account is made, or certain: it counts towards the account's rate."""
        if self.rates is not None:
            self.rates.use(name)

    def gather(self, name: str) -> None:
        """A call for several deliveries of an account begins: until `end_gathering` one more than it may have is acquired at a time."""
        self._gathering.add(name)
        account = self._accounts[name]
        if account.queue:
            self._admit_waiting(account, account.company)

    def end_gathering(self) -> None:
        """The calls for several deliveries are made."""
        self._gathering.clear()

    def _may_join(self, in_flight: InFlight, account: AccountConcurrency) -> bool:
        is_alone = in_flight.batch.priority == "high" or in_flight.delivery.at_most_once
        return in_flight.account in self._gathering and account.calls_in_flight <= account.max_calls and not is_alone

    def join(self, in_flight: InFlight) -> None:
        """Give back the place of a delivery that goes in the call of another one, until `leave_calls`."""
        account = self._accounts[in_flight.account]
        account.company = min(account.company + MIN_COMPANY, MIN_COMPANY * self.max_per_call)
        self._joined += 1
        self.release(in_flight)

    def put_back_surplus(self, in_flight: InFlight) -> bool:
        """Let a delivery that joins no call wait, if it was acquired only to join one; whether it was."""
        account = self._accounts[in_flight.account]
        is_over_rate = self.rates is not None and not self.rates.count_free(in_flight.account)
        if account.calls_in_flight <= account.max_calls and not is_over_rate:
            return False
        account.company = max(account.company // 2, MIN_COMPANY)
        account.calls_in_flight -= 1
        self.calls_in_flight -= 1
        self._calls_below_high -= 1
        account.put(in_flight)
        if self.rates is not None:
            self.rates.request(in_flight.account)
        return True

    def leave_calls(self, count: int) -> None:
        """So many deliveries that went in the calls of others have their results."""
        self._joined -= count

    def has_waiting(self, name: str) -> bool:
        """Whether deliveries wait at an account."""
        account = self._accounts.get(name)
        return account is not None and bool(account.queue)

    def limit_account(self, name: str, max_calls: int | None = None) -> None:
        """Limit the calls of an account; None is the usual limit again. Waiting deliveries that it admits are the next to be acquired."""
        account = self._accounts.get(name) or self._add_account(name)
        account.is_limited = max_calls is not None
        account.max_calls = account.usual_calls if max_calls is None else min(max_calls, account.usual_calls)
        self._admit(name, account, account.max_calls - account.calls_in_flight)
        self._drop_usual(name, account)

    def adapt_account(self, name: str, usual_calls: int) -> None:
        """Change the usual limit of an account, as it has shown how much it can take."""
        account = self._accounts.get(name) or self._add_account(name)
        account.usual_calls = usual_calls
        account.max_calls = min(account.max_calls, usual_calls) if account.is_limited else usual_calls
        self._admit(name, account, account.max_calls - account.calls_in_flight)
        self._drop_usual(name, account)

    def _drop_usual(self, name: str, account: AccountConcurrency) -> None:
        """Forget an account of which nothing is to be known: it has no calls, nothing waits, and its limit is the usual one."""
        if not (account.calls_in_flight or account.queue or account.is_limited) and account.usual_calls == self.max_per_account:
            del self._accounts[name]

    def is_idle(self, name: str) -> bool:
        """Whether an account has no calls in flight, and nothing waits for it."""
        account = self._accounts.get(name)
        return account is None or not (account.calls_in_flight or account.queue)

    def count_waiting(self, name: str) -> Waiting:
        """The calls that wait at an account; of those for several deliveries as many as the last ones of the account were for."""
        account = self._accounts.get(name)
        if account is None or account.queue is None:
            return Waiting(0, 0, 0)
        high = account.queue.count_high()
        others = ceil((len(account.queue) - high) / (account.company // MIN_COMPANY))
        room = min(account.max_calls - account.calls_in_flight, self._max_calls - self.calls_in_flight)
        below_high = max(0, min(room, self._max_calls_below_high - self._calls_below_high))
        return Waiting(high, others, max(below_high, min(room, high)))

    def admit(self, name: str) -> None:
        """Let deliveries of an account be acquired whose calls its rate permits now."""
        account = self._accounts.get(name)
        if account is not None:
            self._admit(name, account, account.max_calls - account.calls_in_flight)

    def _admit(self, name: str, account: AccountConcurrency, calls: int) -> None:
        """Let the next deliveries of an account be acquired: enough for so many calls, and those of held partitions before them."""
        if self.rates is not None and account.queue and (free := self.rates.count_free(name)) < calls:
            self.rates.request(name)
            calls = free
        self._admit_waiting(account, calls)

    def _admit_waiting(self, account: AccountConcurrency, calls: int) -> None:
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
