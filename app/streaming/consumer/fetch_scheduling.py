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
MAX_UNFINISHED_BATCHES = 1024  # each may take a slot of its agent's queue, unless nothing of it counts as unfinished: the agent has it then
MIN_GATHERED_ARRIVALS = 2.0  # a fetch waits only if so many are expected, because fewer would be late and share nothing
ARRIVAL_SHARE = 1 / 8  # of the gathering time; records that were appended within it are one arrival: they were produced together
FULL_FETCH_RECORDS = 128  # records that make the costs of a fetch and its batches small; a fetch does not wait for more
MAX_CLOCK_DIFFERENCE = 1.0  # seconds between the clocks of two brokers; a record that is older by more shows that a clock was set back
MIN_PARTIAL_WAIT = 0.01  # seconds that a fetch without some partitions waits at the broker at least
MAX_BUFFER_TIME_AGE = 2.0  # seconds for which it counts how long the last buffered records of a priority lasted
REST_AFTER = 5.0  # seconds without records after which a fetch of all partitions waits longer, because it will bring nothing either
REST_WAIT_RATIO = 2.0  # to the usual wait; a rebalance may wait for the fetch that is under way
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
        is_below_limits = unacked.records <= (max_batches - 1) * max_records and unacked.batches < MAX_UNFINISHED_BATCHES
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
    until its time is over; then the broker has gathered.
    """

    def __init__(self, limits: Sequence[PriorityLimits], *, max_wait: float) -> None:
        """`max_wait`: seconds that a fetch of all partitions may wait; at rest REST_WAIT_RATIO as long."""
        self._max_wait = max_wait
        self._busy_at: float | None = None  # when records were taken last; before that, of the first plan
        self._schedules = [PrioritySchedule(priority_limits.gathering_time) for priority_limits in limits]

    def record_fetch(self, priority: int, records: int, append_times: Collection[float], *, more_buffered: bool, now: float) -> None:
        """Record how many records of a priority were taken, and when they were appended to the log, in seconds of the brokers' clocks.

        `more_buffered`: whether others can be taken already.
        """
        self._busy_at = now
        self._schedules[priority].record_fetch(records, append_times, more_buffered or records >= FULL_FETCH_RECORDS, now)

    def record_taken(self, priority: int, seconds: float, now: float) -> None:
        """Record that all buffered records of a partition of this priority were taken, so many seconds after they were fetched."""
        self._schedules[priority].record_taken(seconds, now)

    def plan_fetch(self, now: float, buffered: Collection[tuple[int, float]] = ()) -> FetchPlan:
        """The plan of the next fetch. `buffered`: the priority of each partition whose records are not all taken, and their age in seconds.

        A fetch omits these partitions. It must return when they are needed, but not much earlier: during a backlog it brings nothing. If
        their priority gathers, its other partitions wait a moment, too: until these records are taken, when its gathering time begins.
        """
        schedules = self._schedules
        gathering = {priority for priority, age in buffered if schedules[priority].is_gathering and age < MIN_PARTIAL_WAIT}
        due = [priority for priority, schedule in enumerate(schedules) if schedule.next_fetch_at <= now and priority not in gathering]
        lasting = [max(schedules[priority].get_buffer_time(now), age) for priority, age in buffered]
        waits = [max(MIN_PARTIAL_WAIT, seconds * PARTIAL_WAIT_SHARE) for seconds in lasting]
        waits += [schedule.next_fetch_at - now for schedule in schedules if schedule.next_fetch_at > now]
        return FetchPlan(due, min(self._max_wait, *waits) if waits else self._get_full_wait(now))

    def _get_full_wait(self, now: float) -> float:
        """How long a fetch of all partitions may wait."""
        if self._busy_at is None:
            self._busy_at = now
        return self._max_wait * REST_WAIT_RATIO if now - self._busy_at >= REST_AFTER else self._max_wait


class PrioritySchedule:
    """When one priority is fetched next, by how its records arrive, and how long its buffered records last. Times in seconds.

    Records that the gateway or the role before has gathered come in groups, and would only be late if they were gathered again. So what
    counts is how many groups come.
    """

    def __init__(self, gathering_time: float) -> None:
        self._gathering_time = gathering_time
        self._record_rate, self._arrival_rate = ArrivalRate(), ArrivalRate()
        self._last_arrival = -inf
        self._buffer_time = self._taken_at = 0.0
        self.is_gathering = False
        self.next_fetch_at = 0.0

    def record_fetch(self, records: int, append_times: Collection[float], is_full: bool, now: float) -> None:
        """Record a fetch; `is_full`: whether it had enough, or left others that can be taken already."""
        rate = self._record_rate.record(records, now)
        # Of a full fetch too: else the rate would fall while each time that records gather fills a fetch.
        arrival_rate = self._arrival_rate.record(self._count_arrivals(append_times), now)
        self.is_gathering = not is_full and arrival_rate * self._gathering_time >= MIN_GATHERED_ARRIVALS
        self.next_fetch_at = now + min(self._gathering_time, FULL_FETCH_RECORDS / rate) if self.is_gathering else 0.0

    def _count_arrivals(self, append_times: Collection[float]) -> int:
        """How many groups of records have arrived since the last one that was counted; one may come in several fetches."""
        arrivals, last, duration = 0, self._last_arrival, self._gathering_time * ARRIVAL_SHARE
        for append_time in sorted(append_times):
            if append_time > last + duration or append_time < last - MAX_CLOCK_DIFFERENCE:
                arrivals, last = arrivals + 1, append_time
        self._last_arrival = last
        return arrivals

    def record_taken(self, seconds: float, now: float) -> None:
        """Record that all buffered records of a partition were taken, so many seconds after they were fetched."""
        self._buffer_time, self._taken_at = seconds, now

    def get_buffer_time(self, now: float) -> float:
        """How long the last buffered records have lasted; 0 if that was long ago."""
        return self._buffer_time if now - self._taken_at < MAX_BUFFER_TIME_AGE else 0.0
