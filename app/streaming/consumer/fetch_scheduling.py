"""Schedules the fetches: which priority is next, and when.

The highest priority with data and room is next, with a turn for a lower one that was skipped too often. Fetches are few at rest, immediate
under light load, and never delayed for a backlog.
"""

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


@dataclass(frozen=True)
class FetchPacingSettings:
    """`max_wait` and `max_wait_partial`: seconds that a fetch may wait at the broker if it includes all partitions, or not all.

    `small_fetch_delay`: seconds until the next fetch after one that returned fewer than `small_fetch_records` records.
    """

    max_wait: float
    max_wait_partial: float
    small_fetch_delay: float
    small_fetch_records: int


class FetchPacer:
    """Decides for each fetch how long it may wait at the broker, and whether it is sent now.

    A fetch of all partitions returns as soon as any of them has data, so it may wait long and costs nothing at rest. A fetch that omits
    partitions, because their buffered records are not taken yet, must return soon so that the next one can include them.
    """

    def __init__(self, settings: FetchPacingSettings) -> None:
        self._settings = settings
        self._next_fetch_at = 0.0

    def compute_max_wait_ms(self, *, partial: bool) -> int:
        """Milliseconds that the next fetch may wait at the broker for data."""
        return int((self._settings.max_wait_partial if partial else self._settings.max_wait) * 1000)

    def record_fetch(self, records: int, *, more_buffered: bool, now: float) -> None:
        """Record how many records were taken. After a small fetch the next one is delayed, so that its records share a batch."""
        is_small = 0 < records < self._settings.small_fetch_records and not more_buffered
        self._next_fetch_at = now + self._settings.small_fetch_delay if is_small else 0.0

    def compute_delay(self, now: float) -> float:
        """Seconds until the next fetch may be sent; 0.0 if it may be sent now."""
        return max(0.0, self._next_fetch_at - now)
