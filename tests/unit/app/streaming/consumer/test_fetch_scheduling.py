"""The highest priority is first, a starving one gets its turn, and lower ones have busy limits while a higher one has traffic.

A fetch waits long at the broker only if it includes all partitions. It omits a priority for its gathering time if that brings more records.
"""

from itertools import pairwise

import pytest

from app.streaming.commit.offset_commit import UnackedCounts
from app.streaming.consumer.fetch_scheduling import (
    MAX_UNCOMMITTED_RECORDS,
    MAX_UNFINISHED_BATCHES,
    FetchPacer,
    PriorityLimits,
    PrioritySelector,
)

HIGH, MEDIUM, LOW = 0, 1, 2
NO_LIMIT = float("inf")
LIMITS = (
    PriorityLimits(max_batch_records=500, max_batch_records_busy=500, max_in_flight_batches=2, max_in_flight_batches_busy=2, max_skips=0),
    PriorityLimits(max_batch_records=400, max_batch_records_busy=128, max_in_flight_batches=2, max_in_flight_batches_busy=2, max_skips=2),
    PriorityLimits(max_batch_records=400, max_batch_records_busy=64, max_in_flight_batches=3, max_in_flight_batches_busy=1, max_skips=5),
)


def build_selector() -> PrioritySelector:
    return PrioritySelector(LIMITS, busy_period=1.0)


def run_rounds(selector: PrioritySelector, ready: set[int], rounds: int) -> list[int]:
    """The priority that each round fetches if the ready priorities always have data and room."""
    fetched = []
    for now in range(rounds):
        priority = next(priority for priority in selector.compute_order() if priority in ready)
        selector.record_fetch(priority, ready - {priority}, float(now))
        fetched.append(priority)
    return fetched


def test_the_first_order_is_from_high_to_low() -> None:
    assert build_selector().compute_order() == [HIGH, MEDIUM, LOW]


def test_a_starving_priority_gets_its_turn() -> None:
    assert run_rounds(build_selector(), {HIGH, MEDIUM}, 6) == [HIGH, HIGH, MEDIUM, HIGH, HIGH, MEDIUM]


def test_the_lowest_priority_is_fetched_although_both_above_always_have_data() -> None:
    fetched = run_rounds(build_selector(), {HIGH, MEDIUM, LOW}, 60)
    assert fetched.count(HIGH) > fetched.count(MEDIUM) > fetched.count(LOW) >= 60 // (LIMITS[LOW].max_skips + 2)
    assert max(_compute_gaps(fetched, LOW)) <= LIMITS[LOW].max_skips + 2


def _compute_gaps(fetched: list[int], priority: int) -> list[int]:
    rounds = [number for number, fetched_priority in enumerate(fetched) if fetched_priority == priority]
    return [later - earlier for earlier, later in pairwise(rounds)]


def test_a_priority_without_data_is_not_counted_as_skipped() -> None:
    selector = build_selector()
    for now in range(10):
        selector.record_fetch(HIGH, set(), float(now))
    assert selector.compute_order() == [HIGH, MEDIUM, LOW]


def test_a_fetch_resets_the_skips() -> None:
    selector = build_selector()
    for _ in range(2):
        selector.record_fetch(HIGH, {MEDIUM}, 0.0)
    assert selector.compute_order()[0] == MEDIUM
    selector.record_fetch(MEDIUM, {HIGH}, 0.0)
    assert selector.compute_order() == [HIGH, MEDIUM, LOW]


@pytest.mark.parametrize(
    ("priority", "fetched", "now", "max_records"),
    [
        (LOW, None, 10.0, 400),  # no priority was fetched: large batches
        (LOW, HIGH, 10.5, 64),  # a higher priority had traffic half a second ago
        (LOW, MEDIUM, 10.5, 64),
        (MEDIUM, HIGH, 10.5, 128),
        (LOW, HIGH, 11.5, 400),  # the busy period is over
        (MEDIUM, LOW, 10.5, 400),  # traffic of a lower priority does not count
        (HIGH, MEDIUM, 10.5, 500),
    ],
)
def test_batches_are_small_while_a_higher_priority_has_traffic(priority: int, fetched: int | None, now: float, max_records: int) -> None:
    selector = build_selector()
    if fetched is not None:
        selector.record_fetch(fetched, set(), 10.0)
    assert selector.get_max_records(priority, now) == max_records


@pytest.mark.parametrize(
    ("priority", "batches", "records", "has_room"),
    [
        (HIGH, 1, 500, True),
        (HIGH, 2, 501, False),
        (HIGH, 2, 1000, False),
        (LOW, 2, 800, True),
        (LOW, 3, 801, False),
        (HIGH, MAX_UNFINISHED_BATCHES - 1, 63, True),
        (HIGH, MAX_UNFINISHED_BATCHES, 64, False),
    ],
)
def test_a_partition_has_room_if_one_more_batch_keeps_the_limits(priority: int, batches: int, records: int, has_room: bool) -> None:
    assert build_selector().has_room(priority, UnackedCounts(batches, records), NO_LIMIT, 0.0) is has_room


@pytest.mark.parametrize(("size", "has_room"), [(0, True), (999_999, True), (1_000_000, False)])
def test_unfinished_bytes_of_a_partition_are_bounded(size: int, has_room: bool) -> None:
    assert build_selector().has_room(HIGH, UnackedCounts(1, 1, size), 1_000_000, 0.0) is has_room


@pytest.mark.parametrize(("uncommitted_records", "has_room"), [(MAX_UNCOMMITTED_RECORDS - 1, True), (MAX_UNCOMMITTED_RECORDS, False)])
def test_uncommitted_records_of_a_partition_are_bounded(uncommitted_records: int, has_room: bool) -> None:
    assert build_selector().has_room(HIGH, UnackedCounts(1, 1, 0, uncommitted_records), NO_LIMIT, 0.0) is has_room


@pytest.mark.parametrize(("unacked", "has_room_when_busy"), [((1, 64), False), ((1, 1), False), ((0, 0), True)])
def test_a_lower_priority_has_less_room_while_a_higher_one_has_traffic(unacked: tuple[int, int], has_room_when_busy: bool) -> None:
    selector = build_selector()
    selector.record_fetch(HIGH, {LOW}, 0.0)
    assert selector.has_room(LOW, UnackedCounts(*unacked), NO_LIMIT, 0.5) is has_room_when_busy
    assert selector.has_room(LOW, UnackedCounts(*unacked), NO_LIMIT, 1.5)


GATHERING = (
    PriorityLimits(1, 1, 1, 1, 0, gathering_time=0.005),
    PriorityLimits(1, 1, 1, 1, 0, gathering_time=0.04),
    PriorityLimits(1, 1, 1, 1, 0, gathering_time=0.25),
)
ALL = [HIGH, MEDIUM, LOW]


def build_pacer(now: float = 100.0, **records: int) -> FetchPacer:
    """A pacer that has just taken so many records of these priorities."""
    pacer = FetchPacer(GATHERING, max_wait=0.5)
    for name, count in records.items():
        record_fetch(pacer, ("high", "medium", "low").index(name), single_records(count), now=now)
    return pacer


def record_fetch(pacer: FetchPacer, priority: int, append_times: list[float], *, now: float, more_buffered: bool = False) -> None:
    pacer.record_fetch(priority, len(append_times), append_times, more_buffered=more_buffered, now=now)


def single_records(count: int, start: float = 0.0) -> list[float]:
    """The times of so many records, each appended by itself."""
    return [start + number for number in range(count)]


@pytest.mark.parametrize(
    ("taken_after", "buffered", "max_wait"),
    [
        (0.0, [], 0.5),
        (0.0, [(LOW, 0.001)], 0.01),
        (0.8, [], 0.5),
        (0.8, [(LOW, 0.001)], 0.1),  # a backlog: the buffered records will last as long as the last ones
        (0.8, [(LOW, 1.6)], 0.2),  # they have lasted longer than the last ones
        (0.8, [(LOW, 0.001), (HIGH, 0.001)], 0.01),  # those of the high priority will be taken at once
        (8.0, [(LOW, 0.001)], 0.5),
    ],
)
def test_a_fetch_that_omits_partitions_returns_when_their_records_may_be_taken(
    taken_after: float, buffered: list[tuple[int, float]], max_wait: float
) -> None:
    pacer = build_pacer()
    pacer.record_taken(LOW, taken_after, 99.0)
    assert pacer.plan_fetch(100.0, buffered) == (ALL, pytest.approx(max_wait))


def test_how_long_records_lasted_in_an_earlier_backlog_does_not_count() -> None:
    pacer = build_pacer()
    pacer.record_taken(HIGH, 60.0, 97.9)
    assert pacer.plan_fetch(100.0, [(HIGH, 0.001)]) == (ALL, 0.01)


@pytest.mark.parametrize(
    ("records", "priorities"),
    [
        ({"medium": 49}, ALL),  # 49/s bring less than two records in 40 ms
        ({"medium": 51}, [HIGH, LOW]),
        ({"low": 7}, ALL),
        ({"low": 9}, [HIGH, MEDIUM]),
        ({"high": 127}, ALL),  # in 5 ms that is less than one
        ({"low": 128}, ALL),  # enough for a batch
        ({"medium": 60, "low": 60}, [HIGH]),
    ],
)
def test_a_priority_gathers_if_it_will_have_more_records(records: dict[str, int], priorities: list[int]) -> None:
    assert build_pacer(**records).plan_fetch(100.0).priorities == priorities


def test_a_fetch_without_a_priority_that_gathers_returns_when_that_one_can_be_fetched() -> None:
    pacer = build_pacer(medium=60, low=60)
    assert pacer.plan_fetch(100.0).seconds == pytest.approx(0.04)
    assert pacer.plan_fetch(100.01).seconds == pytest.approx(0.03)
    assert pacer.plan_fetch(100.041) == ([HIGH, MEDIUM], pytest.approx(0.209))
    assert pacer.plan_fetch(100.251) == (ALL, 0.5)


@pytest.mark.parametrize(
    ("gathers", "age", "priorities"),
    [
        (True, 0.001, [HIGH, LOW]),  # they will be taken soon, and then the gathering time begins
        (True, 0.011, ALL),  # their partition has no room: the others do not wait for it
        (False, 0.001, ALL),
    ],
)
def test_the_other_partitions_of_a_gathering_priority_are_not_fetched_until_what_came_is_taken(
    gathers: bool, age: float, priorities: list[int]
) -> None:
    plan = build_pacer(medium=60 if gathers else 1).plan_fetch(100.05, [(MEDIUM, age)])
    assert plan == (priorities, 0.01)


def test_at_a_high_rate_the_time_ends_when_the_batches_are_full() -> None:
    pacer = build_pacer(low=0)
    for number in range(100):
        record_fetch(pacer, LOW, single_records(127, number * 127.0), now=100.0 + number / 100)
    assert pacer.plan_fetch(100.99).seconds == pytest.approx(0.012, abs=0.008)  # 128 records at 12,700/s take 10 ms


@pytest.mark.parametrize(("now", "seconds"), [(100.0, 0.5), (104.9, 0.5), (105.0, 1.0), (3600.0, 1.0)])
def test_a_fetch_waits_longer_at_rest(now: float, seconds: float) -> None:
    for pacer in (build_pacer(low=1), build_pacer()):  # after the last records, or after the start
        assert pacer.plan_fetch(100.0) == (ALL, 0.5)
        assert pacer.plan_fetch(now) == (ALL, seconds)


def test_records_end_the_rest() -> None:
    pacer = build_pacer(low=1)
    assert pacer.plan_fetch(200.0).seconds == 1.0
    record_fetch(pacer, HIGH, [200.5], now=200.5)
    assert pacer.plan_fetch(201.0).seconds == 0.5


def test_a_backlog_is_not_delayed() -> None:
    pacer = build_pacer(low=60)
    record_fetch(pacer, LOW, single_records(60, 60.0), more_buffered=True, now=100.1)
    assert pacer.plan_fetch(100.1) == (ALL, 0.5)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    pacer = build_pacer(medium=100)
    record_fetch(pacer, MEDIUM, [110.0], now=110.0)
    assert pacer.plan_fetch(110.0).priorities == ALL


@pytest.mark.parametrize(
    ("gap", "records_of_group", "priorities"),
    [
        (0.08, 8, ALL),  # the gateway has gathered them: a second time would only be late
        (0.03, 3, ALL),
        (0.01, 1, [HIGH, LOW]),
        (0.01, 3, [HIGH, LOW]),
        (0.001, 1, [HIGH, LOW]),  # no gaps between groups, but too much for one
    ],
)
def test_records_that_come_in_groups_are_not_gathered_again(gap: float, records_of_group: int, priorities: list[int]) -> None:
    pacer = build_pacer()
    for number in range(int(2 / gap)):
        append_time = number * gap
        record_fetch(pacer, MEDIUM, [append_time + 0.0001 * n for n in range(records_of_group)], now=100 + append_time)
    assert pacer.plan_fetch(100 + append_time).priorities == priorities


def test_a_group_that_comes_in_several_fetches_counts_once() -> None:
    pacer = build_pacer()
    for number in range(100):
        append_time = number // 4 * 0.04
        record_fetch(pacer, MEDIUM, [append_time], now=100 + append_time)
    assert pacer.plan_fetch(101.0).priorities == ALL


def test_groups_that_fill_a_fetch_count_too() -> None:
    pacer = build_pacer()
    for quarter in range(20):
        now = 100 + quarter / 4
        groups = [now - 0.06 * group + 0.0001 * n for group in range(4) for n in range(40)]
        record_fetch(pacer, LOW, groups, now=now)
        record_fetch(pacer, LOW, [now + 0.01], now=now + 0.01)  # the rest of the last group
    assert pacer.plan_fetch(now + 0.01).priorities == [HIGH, MEDIUM]


def test_arrivals_count_after_a_clock_was_set_back() -> None:
    pacer = build_pacer()
    record_fetch(pacer, MEDIUM, [5000.0], now=100.0)
    for number in range(100):
        record_fetch(pacer, MEDIUM, [number / 100], now=100 + number / 100)
    assert pacer.plan_fetch(101.0).priorities == [HIGH, LOW]
