"""The highest lane goes first, a starving one gets its turn, and lower lanes are small while a higher one has traffic."""

from itertools import pairwise

import pytest

from app.streaming.acks import Unfinished
from app.streaming.lanes import MOST_SMALL, MOST_SPAN, FairRound, LaneRule

HIGH, MEDIUM, LOW = 0, 1, 2
RULES = (
    LaneRule(records=500, records_busy=500, depth=2, depth_busy=2, patience=0),
    LaneRule(records=400, records_busy=128, depth=2, depth_busy=2, patience=2),
    LaneRule(records=400, records_busy=64, depth=3, depth_busy=1, patience=5),
)


def fair() -> FairRound:
    return FairRound(RULES, quiet=1.0)


def serve(round_: FairRound, waiting: set[int], rounds: int) -> list[int]:
    """Which lane each of so many rounds serves if these lanes always have data and room."""
    served = []
    for at in range(rounds):
        lane = next(lane for lane in round_.order() if lane in waiting)
        round_.served(lane, waiting - {lane}, float(at))
        served.append(lane)
    return served


def test_from_high_to_low_at_first() -> None:
    assert fair().order() == [HIGH, MEDIUM, LOW]


def test_an_impatient_lane_gets_its_turn() -> None:
    assert serve(fair(), {HIGH, MEDIUM}, 6) == [HIGH, HIGH, MEDIUM, HIGH, HIGH, MEDIUM]


def test_the_lowest_lane_is_served_even_if_both_above_always_wait() -> None:
    served = serve(fair(), {HIGH, MEDIUM, LOW}, 60)
    assert served.count(HIGH) > served.count(MEDIUM) > served.count(LOW) >= 60 // (RULES[LOW].patience + 2)
    assert max(_gaps(served, LOW)) <= RULES[LOW].patience + 2


def _gaps(served: list[int], lane: int) -> list[int]:
    at = [number for number, what in enumerate(served) if what == lane]
    return [later - earlier for earlier, later in pairwise(at)]


def test_a_lane_without_data_loses_no_patience() -> None:
    round_ = fair()
    for at in range(10):
        round_.served(HIGH, set(), float(at))
    assert round_.order() == [HIGH, MEDIUM, LOW]


def test_a_turn_restores_patience() -> None:
    round_ = fair()
    for _ in range(2):
        round_.served(HIGH, {MEDIUM}, 0.0)
    assert round_.order()[0] == MEDIUM
    round_.served(MEDIUM, {HIGH}, 0.0)
    assert round_.order() == [HIGH, MEDIUM, LOW]


@pytest.mark.parametrize(
    ("lane", "served", "at", "most"),
    [
        (LOW, None, 10.0, 400),  # nothing was ever served: large batches
        (LOW, HIGH, 10.5, 64),  # a higher lane had traffic half a second ago
        (LOW, MEDIUM, 10.5, 64),
        (MEDIUM, HIGH, 10.5, 128),
        (LOW, HIGH, 11.5, 400),  # quiet again
        (MEDIUM, LOW, 10.5, 400),  # a lower lane makes none above it small
        (HIGH, MEDIUM, 10.5, 500),
    ],
)
def test_batches_are_small_while_a_higher_lane_has_traffic(lane: int, served: int | None, at: float, most: int) -> None:
    round_ = fair()
    if served is not None:
        round_.served(served, set(), 10.0)
    assert round_.most(lane, at) == most


@pytest.mark.parametrize(
    ("lane", "batches", "records", "room"),
    [
        (HIGH, 1, 500, True),
        (HIGH, 2, 501, False),
        (HIGH, 2, 1000, False),
        (LOW, 2, 800, True),
        (LOW, 3, 801, False),
        (HIGH, MOST_SMALL - 1, 63, True),
        (HIGH, MOST_SMALL, 64, False),
    ],
)
def test_a_partition_has_room_as_long_as_one_more_batch_keeps_to_the_depth(lane: int, batches: int, records: int, room: bool) -> None:
    assert fair().room(lane, Unfinished(batches, records), 0.0) is room


@pytest.mark.parametrize(("span", "room"), [(MOST_SPAN - 1, True), (MOST_SPAN, False)])
def test_behind_an_unfinished_batch_only_so_many_others_may_end(span: int, room: bool) -> None:
    assert fair().room(HIGH, Unfinished(1, 1, span), 0.0) is room


@pytest.mark.parametrize(("unfinished", "room_when_busy"), [((1, 64), False), ((1, 1), False), ((0, 0), True)])
def test_a_lower_lane_has_less_room_while_a_higher_one_has_traffic(unfinished: tuple[int, int], room_when_busy: bool) -> None:
    round_ = fair()
    round_.served(HIGH, {LOW}, 0.0)
    assert round_.room(LOW, Unfinished(*unfinished), 0.5) is room_when_busy
    assert round_.room(LOW, Unfinished(*unfinished), 1.5)
