"""A batch settled: every case decided in order, its outputs in the outbox, its rows staged, and all of it counted."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from agents.brake import Brake
from agents.router import fanout, rate_limit, repeats
from agents.router.case import Case, Desk, Ending, Forward, Seen, Stop
from agents.router.gates import decided
from schemas.ports import Outbox
from schemas.words import Channel, Reason, State


class RoutedBatch(Struct, frozen=True):
    """What became of a batch, for a log line and counters: notifications by (state, reason), deliveries by channel, seconds it took.

    `waiting` are those that are tried again, because what they need (profiles, policies) does not answer; `cause` says what.
    """

    topic: str
    partition: int
    records: int
    states: dict[tuple[str, str], int]
    deliveries: dict[Channel, int]
    forwarded: int
    replays: int
    waiting: int
    seconds: float
    cause: str = ""


class Tally:
    """The counts of a batch as they grow."""

    def __init__(self) -> None:
        self.routed = 0
        self.stopped: Counter[tuple[str, str]] = Counter()
        self.deliveries: Counter[Channel] = Counter()
        self.forwarded = 0
        self.replays = 0

    @property
    def says_something(self) -> bool:
        """Whether there is anything to produce; a batch of replays has nothing to say, and nothing to write."""
        return bool(self.routed or self.stopped or self.forwarded)

    def total(self, topic: str, partition: int, waiting: int, seconds: float, cause: str) -> RoutedBatch:
        """The counts of a batch of these records, and of those still waiting for this cause."""
        states = dict(self.stopped) | ({(State.ROUTED, ""): self.routed} if self.routed else {})
        records = sum(states.values()) + self.forwarded + self.replays
        deliveries = dict(self.deliveries)
        return RoutedBatch(topic, partition, records, states, deliveries, self.forwarded, self.replays, waiting, seconds, cause)


def settle(cases: Iterable[Case], desk: Desk, outbox: Outbox, now: float, brake: Brake) -> Tally:
    """Decide each case at `now`; later ones see the rows that earlier ones staged. Raises what the brake does."""
    tally = Tally()
    for case in cases:
        case.now = now
        ending = case.ending or decided(case, desk, brake)
        if ending is None:
            _go_out(case, desk, outbox, tally)
        else:
            _end(case, ending, desk, outbox, tally)
    return tally


def _go_out(case: Case, desk: Desk, outbox: Outbox, tally: Tally) -> None:
    fanout.deliver(case, outbox)
    tally.routed += 1
    for channel in case.chosen:
        tally.deliveries[channel] += len(case.addresses[channel])
    rate_limit.admit(case, desk)
    repeats.stage(case, desk)


def _end(case: Case, ending: Ending, desk: Desk, outbox: Outbox, tally: Tally) -> None:
    match ending:
        case Seen():
            tally.replays += 1
        case Forward():
            fanout.forward(case, ending, outbox)
            tally.forwarded += 1
        case Stop():
            fanout.refuse(case, ending, outbox)
            tally.stopped[ending.state, ending.reason] += 1
            if case.first_key and ending.reason is not Reason.DUPLICATE:
                repeats.stage(case, desk)
