"""The limit of dead letters in a minute: a sliding window of seconds, a count and a share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.dead_letter_limit import WINDOW_SECONDS, DeadLetterLimit, count_dead_letters
from schemas.errors import TooManyDeadLettersError


class LimitHarness:
    """A limit with its clock and its alerts."""

    def __init__(self, max_count: int = 10, max_share: float = 0.05) -> None:
        self.now, self.alerts = 0.0, list[tuple[int, int]]()
        self.limit = DeadLetterLimit(max_count, max_share, lambda: self.now, lambda *counts: self.alerts.append(counts))

    def is_reached(self, records: int, dead_letters: int) -> bool:
        try:
            self.limit.record(records, dead_letters)
        except TooManyDeadLettersError:
            return True
        return False


def test_a_count_and_a_share_must_both_be_exceeded() -> None:
    assert not LimitHarness().is_reached(10, 10), "too few, although all of them are dead"
    assert LimitHarness().is_reached(11, 11)
    assert not LimitHarness().is_reached(1000, 50), "many, but few of all"
    assert LimitHarness().is_reached(1000, 51)


def test_the_window_slides_and_the_alert_comes_once() -> None:
    harness = LimitHarness()
    assert not harness.is_reached(10, 10)
    harness.now = WINDOW_SECONDS - 1
    assert harness.is_reached(1, 1)
    assert harness.is_reached(1, 1)
    assert harness.alerts == [(11, 11)]
    other = LimitHarness()
    assert not other.is_reached(10, 10)
    other.now = WINDOW_SECONDS
    assert not other.is_reached(10, 10)


def test_the_error_says_what_to_do() -> None:
    with pytest.raises(TooManyDeadLettersError, match=r"11 of 20 records of the last 60 s .* raise worker\.max_dead_letters"):
        LimitHarness().limit.record(20, 11)


def test_only_what_may_be_our_own_fault_counts() -> None:
    counts = {"undecodable": 1, "invalid": 2, "null_value": 4, "unexpected_error": 8, "retries_exhausted": 16, "unknown_type": 32}
    assert count_dead_letters(counts) == 15


@given(st.lists(st.tuples(st.floats(0, 40), st.integers(0, 50), st.integers(0, 50)), max_size=40))
def test_it_agrees_with_a_list_of_all_that_was_recorded(steps: list[tuple[float, int, int]]) -> None:
    harness, recorded = LimitHarness(20, 0.3), list[tuple[int, int, int]]()
    for seconds, good, dead in steps:
        harness.now += seconds
        second = int(harness.now)
        recorded.append((second, good + dead, dead))
        recent = [one for one in recorded if one[0] > second - WINDOW_SECONDS]
        all_records, all_dead = sum(one[1] for one in recent), sum(one[2] for one in recent)
        assert harness.is_reached(good + dead, dead) is bool(dead and all_dead > 20 and all_dead > 0.3 * all_records)
