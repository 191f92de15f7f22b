"""Schedules the fetches: which priority is next, and when.

The highest priority with data and room is next, with a turn for a lower one that was skipped too often. Fetches are few at rest, immediate
under light load and for records that come in groups, gathered for the time that a priority allows if they come one by one, and never
delayed for a backlog.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from app.arrival_rate import ArrivalRate
from app.streaming.commit.offset_commit import UnackedCounts

# From the first unacknowledged record on. Later batches may be acknowledged, but all of these records are redelivered after a crash.
MAX_UNCOMMITTED_RECORDS = 100_000
MAX_UNACKED_BATCHES = 1024  # each may take a slot of its agent's queue
MIN_GATHERED_ARRIVALS = 2.0  # a fetch waits only if so many are expected, because fewer would be late and share nothing
ARRIVAL_SHARE = 1 / 8  # of the gathering time; records that were appended within it are one arrival: they were produced together
FULL_FETCH_RECORDS = 128  # records that make the costs of a fetch and its batches small; a fetch does not wait for more
MAX_CLOCK_DIFFERENCE = 1.0  # seconds between the brokers, their clocks and fetches; an older record comes from a clock that was set back
MIN_PARTIAL_WAIT = 0.01  # seconds that a fetch without some partitions waits at the broker at least
MAX_BUFFER_TIME_AGE = 2.0  # seconds for which it counts how long the last buffered records of a priority lasted
PARTIAL_WAIT_SHARE = 1 / 8  # of the time that buffered records last; a partition whose records are taken waits half of it on average


@dataclass(frozen=True)
class PriorityLimits:
    """How one priority is fetched.

    `max_batch_records`: records of a batch. `max_in_flight_batches`: unacknowledged batches of that size in a partition; a batch counts by
    its unfinished records. The `_busy` limits apply while a higher priority has traffic, so that its batches wait neither for the processor
    nor for many round trips of lower ones. `max_skips`: how often the priority may be skipped although it has data, before it is fetched
    first. `gathering_time`: seconds that its records may wait at the broker, so that a fetch brings more of them.
    """

    max_batch_records: int
    max_batch_records_busy: int
    max_in_flight_batches: int
    max_in_flight_batches_busy: int
    max_skips: int
    gathering_time: float = 0.0


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


class FetchPlan(NamedTuple):
    """The priorities that the next fetch includes, and how many seconds it may wait at the broker; none: how long until the next plan."""

    priorities: Collection[int]
    seconds: float


class FetchPacer:
    """Decides for each fetch which priorities it includes, and how long it may wait at the broker.

    A fetch returns as soon as one of its partitions has data. So it costs nothing at rest, and a priority that gathers is left out of it
    until its time is over; then the broker has gathered. Records that the gateway or the role before has gathered come in groups, which
    would only be late if they were gathered again: what counts is how many groups come.
    """

    def __init__(self, limits: Sequence[PriorityLimits], *, max_wait: float) -> None:
        """`max_wait`: seconds that a fetch of all partitions may wait."""
        self._limits, self._max_wait = limits, max_wait
        self._record_rates = [ArrivalRate() for _ in limits]
        self._arrival_rates = [ArrivalRate() for _ in limits]
        self._last_arrivals = [-inf] * len(limits)
        self._next_fetch_at = [0.0] * len(limits)
        self._is_gathering = [False] * len(limits)
        self._buffer_times = [0.0] * len(limits)
        self._taken_at = [0.0] * len(limits)

    def record_fetch(self, priority: int, append_times: Collection[float], *, more_buffered: bool, now: float) -> None:
        """Record which records of a priority were taken: `append_times` are their times in the log in seconds, of any clock.

        `more_buffered`: whether others can be taken already.
        """
        gathering_time, rate = self._limits[priority].gathering_time, self._record_rates[priority].record(len(append_times), now)
        # Of a full fetch too: else the rate would fall while each time that records gather fills a fetch.
        arrival_rate = self._arrival_rates[priority].record(self._count_arrivals(priority, append_times), now)
        is_full = more_buffered or len(append_times) >= FULL_FETCH_RECORDS
        self._is_gathering[priority] = not is_full and arrival_rate * gathering_time >= MIN_GATHERED_ARRIVALS
        self._next_fetch_at[priority] = now + min(gathering_time, FULL_FETCH_RECORDS / rate) if self._is_gathering[priority] else 0.0

    def _count_arrivals(self, priority: int, append_times: Collection[float]) -> int:
        """How many groups of records have arrived since the last one that was counted; one may come in several fetches."""
        arrivals, last, duration = 0, self._last_arrivals[priority], self._limits[priority].gathering_time * ARRIVAL_SHARE
        for append_time in sorted(append_times):
            if append_time > last + duration or append_time < last - MAX_CLOCK_DIFFERENCE:
                arrivals, last = arrivals + 1, append_time
        self._last_arrivals[priority] = last
        return arrivals

    def record_taken(self, priority: int, seconds: float, now: float) -> None:
        """Record that all buffered records of a partition of this priority were taken, so many seconds after they were fetched."""
        self._buffer_times[priority], self._taken_at[priority] = seconds, now

    def plan_fetch(self, now: float, buffered: Collection[tuple[int, float]] = ()) -> FetchPlan:
        """The plan of the next fetch. `buffered`: the priority of each partition whose records are not all taken, and their age in seconds.

        A fetch omits these partitions. It must return when they are needed, but not much earlier: during a backlog it brings nothing. If
        their priority gathers, its other partitions wait a moment, too: until these records are taken, when its gathering time begins.
        """
        gathering = {priority for priority, age in buffered if self._is_gathering[priority] and age < MIN_PARTIAL_WAIT}
        due = [priority for priority, fetch_at in enumerate(self._next_fetch_at) if fetch_at <= now and priority not in gathering]
        times = [max(self._get_buffer_time(priority, now), age) for priority, age in buffered]
        max_wait = min([self._max_wait, *(max(MIN_PARTIAL_WAIT, time * PARTIAL_WAIT_SHARE) for time in times)])
        return FetchPlan(due, min([max_wait, *(fetch_at - now for fetch_at in self._next_fetch_at if fetch_at > now)]))

    def _get_buffer_time(self, priority: int, now: float) -> float:
        return self._buffer_times[priority] if now - self._taken_at[priority] < MAX_BUFFER_TIME_AGE else 0.0
