"""Which lane is fetched next: the highest one with data and room, with a turn for a lower one that was passed over too often."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.streaming.acks import Unfinished

MOST_SPAN = 100_000  # records from the first unfinished one on: behind a slow one others end, and all of them come again after a crash
MOST_SMALL = 64  # batches; each takes a place in its agent's queue, and is looked at before each fetch


@dataclass(frozen=True)
class LaneRule:
    """How one lane is fetched.

    `records`: most records of a batch; `depth`: how many of that size may be unfinished in a partition; many small ones count by their
    records. `records_busy`, `depth_busy`: the same while a lane above has traffic, so that its batches wait long neither for the processor
    nor for a round trip of others.
    `patience`: rounds in which the lane may be passed over although it has data, before it goes first.
    """

    records: int
    records_busy: int
    depth: int
    depth_busy: int
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
        rule = self._rules[lane]
        return rule.records_busy if self._busy_above(lane, now) else rule.records

    def room(self, lane: int, unfinished: Unfinished, now: float) -> bool:
        """Whether a partition of the lane may be fetched: without traffic to speak of, a record must not wait for those before it."""
        rule = self._rules[lane]
        records, depth = (rule.records_busy, rule.depth_busy) if self._busy_above(lane, now) else (rule.records, rule.depth)
        few = unfinished.records <= (depth - 1) * records and unfinished.batches < MOST_SMALL
        return few and unfinished.span < MOST_SPAN

    def _busy_above(self, lane: int, now: float) -> bool:
        return any(now - at < self._quiet for at in self._served_at[:lane])
