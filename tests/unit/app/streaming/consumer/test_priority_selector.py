"""The highest priority goes first, a starving one gets its turn, and lower priorities are small while a higher one has traffic."""

from itertools import pairwise

import pytest

from app.streaming.consumer.ack_tracker import UnackedCounts
from app.streaming.consumer.priority_selector import MAX_UNACKED_BATCHES, MAX_UNCOMMITTED_RECORDS, PriorityLimits, PrioritySelector

HIGH, MEDIUM, LOW = 0, 1, 2
LIMITS = (
    PriorityLimits(max_batch_records=500, max_batch_records_busy=500, max_in_flight_batches=2, max_in_flight_batches_busy=2, max_skips=0),
    PriorityLimits(max_batch_records=400, max_batch_records_busy=128, max_in_flight_batches=2, max_in_flight_batches_busy=2, max_skips=2),
    PriorityLimits(max_batch_records=400, max_batch_records_busy=64, max_in_flight_batches=3, max_in_flight_batches_busy=1, max_skips=5),
)


def build_selector() -> PrioritySelector:
    return PrioritySelector(LIMITS, busy_period=1.0)


def run_rounds(round_: PrioritySelector, waiting: set[int], rounds: int) -> list[int]:
    """Which priority each of so many rounds serves if these priorities always have data and room."""
    served = []
    for at in range(rounds):
        priority = next(priority for priority in round_.compute_order() if priority in waiting)
        round_.record_fetch(priority, waiting - {priority}, float(at))
        served.append(priority)
    return served


def test_from_high_to_low_at_first() -> None:
    assert build_selector().compute_order() == [HIGH, MEDIUM, LOW]


def test_an_impatient_priority_gets_its_turn() -> None:
    assert run_rounds(build_selector(), {HIGH, MEDIUM}, 6) == [HIGH, HIGH, MEDIUM, HIGH, HIGH, MEDIUM]


def test_the_lowest_priority_is_served_even_if_both_above_always_wait() -> None:
    served = run_rounds(build_selector(), {HIGH, MEDIUM, LOW}, 60)
    assert served.count(HIGH) > served.count(MEDIUM) > served.count(LOW) >= 60 // (LIMITS[LOW].max_skips + 2)
    assert max(_compute_gaps(served, LOW)) <= LIMITS[LOW].max_skips + 2


def _compute_gaps(served: list[int], priority: int) -> list[int]:
    at = [number for number, what in enumerate(served) if what == priority]
    return [later - earlier for earlier, later in pairwise(at)]


def test_a_priority_without_data_loses_no_patience() -> None:
    round_ = build_selector()
    for at in range(10):
        round_.record_fetch(HIGH, set(), float(at))
    assert round_.compute_order() == [HIGH, MEDIUM, LOW]


def test_a_turn_restores_patience() -> None:
    round_ = build_selector()
    for _ in range(2):
        round_.record_fetch(HIGH, {MEDIUM}, 0.0)
    assert round_.compute_order()[0] == MEDIUM
    round_.record_fetch(MEDIUM, {HIGH}, 0.0)
    assert round_.compute_order() == [HIGH, MEDIUM, LOW]


@pytest.mark.parametrize(
    ("priority", "served", "at", "most"),
    [
        (LOW, None, 10.0, 400),  # nothing was ever served: large batches
        (LOW, HIGH, 10.5, 64),  # a higher priority had traffic half a second ago
        (LOW, MEDIUM, 10.5, 64),
        (MEDIUM, HIGH, 10.5, 128),
        (LOW, HIGH, 11.5, 400),  # quiet again
        (MEDIUM, LOW, 10.5, 400),  # a lower priority makes none above it small
        (HIGH, MEDIUM, 10.5, 500),
    ],
)
def test_batches_are_small_while_a_higher_priority_has_traffic(priority: int, served: int | None, at: float, most: int) -> None:
    round_ = build_selector()
    if served is not None:
        round_.record_fetch(served, set(), 10.0)
    assert round_.get_max_records(priority, at) == most


@pytest.mark.parametrize(
    ("priority", "batches", "records", "room"),
    [
        (HIGH, 1, 500, True),
        (HIGH, 2, 501, False),
        (HIGH, 2, 1000, False),
        (LOW, 2, 800, True),
        (LOW, 3, 801, False),
        (HIGH, MAX_UNACKED_BATCHES - 1, 63, True),
        (HIGH, MAX_UNACKED_BATCHES, 64, False),
    ],
)
def test_a_partition_has_room_as_long_as_one_more_batch_keeps_to_the_depth(priority: int, batches: int, records: int, room: bool) -> None:
    assert build_selector().has_room(priority, UnackedCounts(batches, records), 0.0) is room


@pytest.mark.parametrize(("span", "room"), [(MAX_UNCOMMITTED_RECORDS - 1, True), (MAX_UNCOMMITTED_RECORDS, False)])
def test_behind_an_unfinished_batch_only_so_many_others_may_end(span: int, room: bool) -> None:
    assert build_selector().has_room(HIGH, UnackedCounts(1, 1, span), 0.0) is room


@pytest.mark.parametrize(("unfinished", "room_when_busy"), [((1, 64), False), ((1, 1), False), ((0, 0), True)])
def test_a_lower_priority_has_less_room_while_a_higher_one_has_traffic(unfinished: tuple[int, int], room_when_busy: bool) -> None:
    round_ = build_selector()
    round_.record_fetch(HIGH, {LOW}, 0.0)
    assert round_.has_room(LOW, UnackedCounts(*unfinished), 0.5) is room_when_busy
    assert round_.has_room(LOW, UnackedCounts(*unfinished), 1.5)
