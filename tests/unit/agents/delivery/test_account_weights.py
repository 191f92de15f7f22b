"""The weights of accounts: what moves them away, and how they come back."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.account_weights import (
    MIN_FACTOR,
    Health,
    add_result,
    choose,
    compare_receipts,
    compute_weight,
    fade,
    is_failure,
)
from schemas.enums import Outcome
from schemas.outcome import AttemptResult
from tests.delivery_builders import NOW

HALF_LIFE = 30.0


def fail(times: int, health: Health = Health(), seconds: float = 0.0) -> Health:  # noqa: B008  # immutable
    """The health after so many failures, each so many seconds after the one before."""
    for number in range(times):
        health = add_result(health, NOW + number * seconds, HALF_LIFE, failed=True)
    return health


@pytest.mark.parametrize(("random", "index"), [(0.0, 0), (0.79, 0), (0.81, 1), (0.999_999, 1)])
def test_each_is_chosen_as_often_as_its_weight_says(random: float, index: int) -> None:
    assert choose([80.0, 20.0], random) == index


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=5).filter(any), st.floats(0, 1, exclude_max=True))
def test_what_has_no_weight_is_never_chosen(weights: list[float], random: float) -> None:
    assert weights[choose(weights, random)] > 0


def test_the_shares_are_those_of_the_weights() -> None:
    random = Random(17)
    counts = [0, 0, 0]
    for _ in range(10_000):
        counts[choose([70.0, 20.0, 10.0], random.random())] += 1
    assert [round(count / 1000) for count in counts] == [7, 2, 1]


def test_without_any_weight_there_is_no_choice() -> None:
    with pytest.raises(ValueError, match="empty"):
        choose([0.0, 0.0], 0.5)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (AttemptResult(Outcome.ACCEPTED), False),
        (AttemptResult(Outcome.UNKNOWN), True),
        (AttemptResult(Outcome.NOT_SENT), True),
        (AttemptResult(Outcome.THROTTLED), False),
        (AttemptResult(Outcome.REJECTED_RECIPIENT), False),
        (AttemptResult(Outcome.REJECTED_PERMANENT), False),
        (AttemptResult(Outcome.REJECTED_PERMANENT, is_account_fault=True), True),
    ],
)
def test_only_what_speaks_against_the_account_is_a_failure(result: AttemptResult, expected: bool) -> None:
    assert is_failure(result) is expected


def test_failures_move_the_weight_away_and_time_brings_it_back() -> None:
    down = fail(10)
    weights = [compute_weight(80.0, down, NOW + seconds, HALF_LIFE) for seconds in (0, 30, 60, 90, 150, 600)]
    assert weights[0] == 80.0 * MIN_FACTOR
    assert weights == sorted(weights)
    assert weights[2] < 40.0 < weights[4]
    assert weights[-1] > 79.9


def test_rare_failures_cost_little() -> None:
    health = Health()
    for number in range(1000):
        health = add_result(health, NOW + number / 100, HALF_LIFE, failed=number % 100 == 0)
    assert compute_weight(1.0, health, NOW + 10, HALF_LIFE) > 0.9


def test_an_account_that_goes_on_failing_stays_without_weight_although_it_is_tried_every_second() -> None:
    health = fail(10)
    health = fail(100, health, seconds=1.0)
    assert compute_weight(1.0, health, NOW + 99, HALF_LIFE) == MIN_FACTOR


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=50))
def test_the_share_of_failures_stays_a_share(results: list[tuple[float, bool]]) -> None:
    health, now = Health(), NOW
    for seconds, failed in results:
        now += seconds
        health = add_result(health, now, HALF_LIFE, failed=failed)
        assert 0 <= fade(health, now, HALF_LIFE) <= 1
        assert MIN_FACTOR <= compute_weight(1.0, health, now, HALF_LIFE) <= 1
    assert fade(health, now - 5, HALF_LIFE) <= 1, "a clock that was set back"


@pytest.mark.parametrize(
    ("shares", "factors"),
    [
        ([0.9, 0.88], [1.0, 1.0]),
        ([0.8, 0.4], [1.0, 0.25]),
        ([0.0, 0.9], [0.0, 1.0]),
        ([None, 0.5], [1.0, 1.0]),
        ([0.0, 0.0], [1.0, 1.0]),
        ([None, None], [1.0, 1.0]),
    ],
)
def test_receipts_are_compared_with_those_of_the_best_account(shares: list[float | None], factors: list[float]) -> None:
    assert compare_receipts(shares) == factors


def test_missing_receipts_leave_an_account_a_little_weight() -> None:
    assert compute_weight(50.0, Health(receipts=0.0), NOW, HALF_LIFE) == 50.0 * MIN_FACTOR
    assert compute_weight(50.0, Health(receipts=0.25), NOW, HALF_LIFE) == 12.5
