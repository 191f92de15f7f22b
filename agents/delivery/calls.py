"""Which delivery may call next: calls in flight are bounded over the lanes and per account, and the high lane goes first."""

from collections import deque

from agents.delivery.sending import Sending
from schemas.policies import CallLimits
from schemas.words import LANES, Lane


class Queue:
    """Deliveries that wait, by lane: high first, medium and low in turns."""

    __slots__ = ("_lanes", "_next")

    def __init__(self) -> None:
        self._lanes: dict[Lane, deque[Sending]] = {lane: deque() for lane in LANES}
        self._next: tuple[Lane, Lane] = ("medium", "low")

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def put(self, sending: Sending) -> None:
        """To the end of its lane."""
        self._lanes[sending.of.lane].append(sending)

    def put_first(self, sending: Sending) -> None:
        """To the head of its lane."""
        self._lanes[sending.of.lane].appendleft(sending)

    def take(self, only_high: bool = False) -> Sending | None:
        """The next one, or none."""
        lanes = self._lanes
        if lanes["high"]:
            return lanes["high"].popleft()
        if only_high:
            return None
        first, second = self._next
        if not lanes[first]:
            first, second = second, first
        if not lanes[first]:
            return None
        self._next = (second, first)
        return lanes[first].popleft()


class Account:
    """A provider's account or a webhook's origin: its calls in flight, and what waits for one of them to end."""

    __slots__ = ("busy", "parked")

    def __init__(self) -> None:
        self.busy = 0
        self.parked = Queue()


class Calls:
    """The bounded set of calls in flight. What an account has no room for is parked there and holds up no other account."""

    def __init__(self, limits: CallLimits) -> None:
        self._limits = limits
        self._waiting = Queue()
        self._accounts: dict[str, Account] = {}
        self.busy = 0
        self._busy_below_high = 0

    def wait(self, sending: Sending) -> None:
        """Let a delivery wait for its turn."""
        self._waiting.put(sending)

    def take(self) -> Sending | None:
        """The next delivery that may call, counted as a call until `free`; none if nothing waits or nothing has room."""
        limits = self._limits
        while self.busy < limits.calls:
            sending = self._waiting.take(only_high=self._busy_below_high >= limits.calls - limits.for_high)
            if sending is None:
                return None
            account = self._accounts.get(sending.account)
            if account is None:
                account = self._accounts[sending.account] = Account()
            if account.busy < limits.per_account:
                self._count(account, sending, 1)
                return sending
            account.parked.put(sending)
        return None

    def free(self, sending: Sending) -> None:
        """The call of this delivery is over: one that its account had parked is next in its lane."""
        account = self._accounts[sending.account]
        self._count(account, sending, -1)
        parked = account.parked.take()
        if parked is not None:
            self._waiting.put_first(parked)
        elif not account.busy:
            del self._accounts[sending.account]

    def _count(self, account: Account, sending: Sending, change: int) -> None:
        account.busy += change
        self.busy += change
        if sending.of.lane != "high":
            self._busy_below_high += change
