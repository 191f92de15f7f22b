"""Which priority is fetched next: the highest one with data and room, with a turn for a lower one that was passed over too often."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.streaming.consumer.ack_tracker import UnackedCounts

# From the first unfinished record on: behind a slow one others end, and all of them come again after a crash.
MAX_UNCOMMITTED_RECORDS = 100_000
MAX_UNACKED_BATCHES = 64  # batches; each takes a place in its agent's queue, and is looked at before each fetch


@dataclass(frozen=True)
class PriorityLimits:
    """How one priority is fetched.

    `records`: most records of a batch; `depth`: how many of that size may be unfinished in a partition; many small ones count by their
    records. `records_busy`, `depth_busy`: the same while a priority above has traffic, so that its batches wait long neither for the
    processor nor for a round trip of others.
    `patience`: rounds in which the priority may be passed over although it has data, before it goes first.
    """

    max_batch_records: int
    max_batch_records_busy: int
    max_in_flight_batches: int
    max_in_flight_batches_busy: int
    max_skips: int


class PrioritySelector:
    """The order of the priorities for each fetch; priority 0 is the highest."""

    def __init__(self, limits: Sequence[PriorityLimits], *, busy_period: float) -> None:
        """`quiet`: seconds without records after which the priorities below are fetched in large batches."""
        self._limits = limits
        self._busy_period = busy_period
        self._skips = [0] * len(limits)
        self._fetched_at = [float("-inf")] * len(limits)

    def compute_order(self) -> list[int]:
        """The priorities in the order in which to look for data: those out of patience first, then from high to low."""
        priorities = range(len(self._limits))
        starving = [priority for priority in priorities if priority and self._skips[priority] >= self._limits[priority].max_skips]
        return starving + [priority for priority in priorities if priority not in starving]

    def record_fetch(self, priority: int, skipped: Collection[int], now: float) -> None:
        """Note that a priority had its turn while others waited with data and room; `now` in seconds."""
        for other in skipped:
            self._skips[other] += 1
        self._skips[priority] = 0
        self._fetched_at[priority] = now

    def get_max_records(self, priority: int, now: float) -> int:
        """How many records the next batch of the priority may hold."""
        rule = self._limits[priority]
        return rule.max_batch_records_busy if self._is_higher_busy(priority, now) else rule.max_batch_records

    def has_room(self, priority: int, unacked: UnackedCounts, now: float) -> bool:
        """Whether a partition of the priority may be fetched: without traffic to speak of, a record must not wait for those before it."""
        rule = self._limits[priority]
        records, depth = (
            (rule.max_batch_records_busy, rule.max_in_flight_batches_busy)
            if self._is_higher_busy(priority, now)
            else (rule.max_batch_records, rule.max_in_flight_batches)
        )
        few = unacked.records <= (depth - 1) * records and unacked.batches < MAX_UNACKED_BATCHES
        return few and unacked.uncommitted_records < MAX_UNCOMMITTED_RECORDS

    def _is_higher_busy(self, priority: int, now: float) -> bool:
        return any(now - at < self._busy_period for at in self._fetched_at[:priority])
