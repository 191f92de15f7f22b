"""Selects the priority to fetch next: the highest one with data and room, with a turn for a lower one that was skipped too often."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.streaming.commit.offset_commit import UnackedCounts

# From the first unacknowledged record on. Later batches may be acknowledged, but all of these records are redelivered after a crash.
MAX_UNCOMMITTED_RECORDS = 100_000
MAX_UNACKED_BATCHES = 1024  # each may take a slot of its agent's queue


@dataclass(frozen=True)
class PriorityLimits:
    """How one priority is fetched.

    `max_batch_records`: records of a batch. `max_in_flight_batches`: unacknowledged batches of that size in a partition; a batch counts by
    its unfinished records. The `_busy` limits apply while a higher priority has traffic, so that its batches wait neither for the processor
    nor for many round trips of lower ones. `max_skips`: how often the priority may be skipped although it has data, before it is fetched
    first.
    """

    max_batch_records: int
    max_batch_records_busy: int
    max_in_flight_batches: int
    max_in_flight_batches_busy: int
    max_skips: int


class PrioritySelector:
    """The order of the priorities for each fetch; priority 0 is the highest."""

    def __init__(self, limits: Sequence[PriorityLimits], *, busy_period: float) -> None:
        """`busy_period`: seconds after a fetch of a priority during which the lower priorities have their busy limits."""
        self._limits = limits
        self._busy_period = busy_period
        self._skips = [0] * len(limits)
        self._fetched_at = [float("-inf")] * len(limits)

    def compute_order(self) -> list[int]:
        """The priorities in the order in which to look for data: those skipped too often, then all others from high to low."""
        priorities = range(len(self._limits))
        starving = [priority for priority in priorities if priority and self._skips[priority] >= self._limits[priority].max_skips]
        return starving + [priority for priority in priorities if priority not in starving]

    def record_fetch(self, priority: int, skipped: Collection[int], now: float) -> None:
        """Record that a priority was fetched while others, with data and room, were skipped; `now` in seconds."""
        for other in skipped:
            self._skips[other] += 1
        self._skips[priority] = 0
        self._fetched_at[priority] = now

    def get_max_records(self, priority: int, now: float) -> int:
        """The most records of the priority's next batch."""
        limits = self._limits[priority]
        return limits.max_batch_records_busy if self._is_higher_busy(priority, now) else limits.max_batch_records

    def has_room(self, priority: int, unacked: UnackedCounts, max_bytes: float, now: float) -> bool:
        """Whether one more batch of the partition may be in flight; under light load yes, so that no record waits for earlier ones.

        `max_bytes`: with so many unfinished bytes the partition has no room.
        """
        limits = self._limits[priority]
        max_records, max_batches = (
            (limits.max_batch_records_busy, limits.max_in_flight_batches_busy)
            if self._is_higher_busy(priority, now)
            else (limits.max_batch_records, limits.max_in_flight_batches)
        )
        is_below_limits = unacked.records <= (max_batches - 1) * max_records and unacked.batches < MAX_UNACKED_BATCHES
        return is_below_limits and unacked.size < max_bytes and unacked.uncommitted_records < MAX_UNCOMMITTED_RECORDS

    def _is_higher_busy(self, priority: int, now: float) -> bool:
        return any(now - fetched_at < self._busy_period for fetched_at in self._fetched_at[:priority])
