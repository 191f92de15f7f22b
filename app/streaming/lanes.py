"""Which lane is fetched next: the highest one with data and room, with a turn for a lower one that was passed over too often."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.streaming.acks import Unfinished

MOST_SMALL = 64  # batches; each takes a place in its agent's queue, and is looked at before each fetch


@dataclass(frozen=True)
class LaneRule:
    """How one lane is fetched.

    `records`: most records of a batch while the lanes above are quiet; `records_busy`: the same while one of them has traffic, so that a
    high batch never waits long for the processor. `depth`: unfinished batches of a partition before it is no longer fetched; small ones do
    not count as long as all of them together are smaller than a batch may be.
    `patience`: rounds in which the lane may be passed over although it has data, before it goes first.
    """

    records: int
    records_busy: int
    depth: int
    patience: int


class FairRound:
    """The order of the lanes for each fetch; lane 0 is the highest."""

    def __init__(self, rules: Sequence[LaneRule], *, quiet: float) -> None:
        """`quiet`: seconds without records after which the lanes below are fetched in large batches."""
        self._rules = rules
        self._quiet = quiet
        self._passed_over = [0] * len(rules)
        self._served_at = [float("-inf")] * len(rules)

    def order(self) -> list[int]:
        """The lanes in the order in which to look for data: those out of patience first, then from high to low."""
        lanes = range(len(self._rules))
        starving = [lane for lane in lanes if lane and self._passed_over[lane] >= self._rules[lane].patience]
        return starving + [lane for lane in lanes if lane not in starving]

    def served(self, lane: int, waiting: Collection[int], now: float) -> None:
        """Note that a lane had its turn while others waited with data and room; `now` in seconds."""
        for other in waiting:
            self._passed_over[other] += 1
        self._passed_over[lane] = 0
        self._served_at[lane] = now

    def most(self, lane: int, now: float) -> int:
        """How many records the next batch of the lane may hold."""
        busy = any(now - at < self._quiet for at in self._served_at[:lane])
        return self._rules[lane].records_busy if busy else self._rules[lane].records

    def room(self, lane: int, unfinished: Unfinished, now: float) -> bool:
        """Whether a partition of the lane may be fetched: without traffic to speak of, a record must not wait for those before it."""
        small = unfinished.batches < MOST_SMALL and unfinished.records < self.most(lane, now)
        return small or unfinished.batches < self._rules[lane].depth
