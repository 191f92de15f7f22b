"""Cron expressions against the package croniter, and what clock changes make of them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from schemas import cron

VIENNA = "Europe/Vienna"


def parse(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def list_times(expression: str, zone: str, after: str, count: int) -> list[str]:
    """The next times as the zone's clocks show them."""
    times, at = [], parse(after)
    for _ in range(count):
        found = cron.find_next(expression, zone, at)
        assert found is not None
        assert found > at
        times.append(datetime.fromtimestamp(found, ZoneInfo(zone)).isoformat(timespec="minutes"))
        at = found
    return times


def build_field(low: int, high: int, every: str = "*") -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    # croniter takes 5-5 for a step through the whole range
    span = st.tuples(number, number).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: f"{pair[0]}-{pair[1]}")
    step = st.integers(1, high).map(lambda size: f"{every}/{size}")
    listed = st.lists(number, min_size=1, max_size=4).map(lambda numbers: ",".join(map(str, numbers)))
    return st.one_of(st.just("*"), number.map(str), span, step, listed)


# days up to 28, so that each expression comes true, and because croniter leaves out the 1st of March after a step to the 31st of February;
# one of the two days is free, because cron implementations join them differently
DAYS = st.one_of(st.tuples(build_field(1, 28, "1-28"), st.just("*")), st.tuples(st.just("*"), build_field(0, 6)))
EXPRESSIONS = st.builds(
    lambda minute, hour, days, month: f"{minute} {hour} {days[0]} {month} {days[1]}",
    build_field(0, 59),
    build_field(0, 23),
    DAYS,
    build_field(1, 12),
)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


@given(expression=EXPRESSIONS, after=TIMES)
def test_the_next_times_are_those_of_another_library(expression: str, after: datetime) -> None:
    at, expected = after.timestamp(), croniter(expression, after)
    for _ in range(5):
        found = cron.find_next(expression, "UTC", at)
        assert found == expected.get_next(datetime).timestamp()
        at = found


@given(expression=EXPRESSIONS, after=TIMES, zone=st.sampled_from([VIENNA, "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata"]))
def test_each_next_time_is_later_in_any_zone(expression: str, after: datetime, zone: str) -> None:
    times = [after.timestamp()]
    for _ in range(5):
        found = cron.find_next(expression, zone, times[-1])
        assert found is not None
        times.append(found)
    assert all(earlier < later for earlier, later in pairwise(times))


def test_a_step_begins_anew_in_each_month() -> None:
    times = list_times("0 0 */15 * *", "UTC", "2020-01-30T00:00+00:00", 5)
    assert [time[5:10] for time in times] == ["01-31", "02-01", "02-16", "03-01", "03-16"]


def test_a_time_is_one_of_the_zone() -> None:
    assert list_times("0 8 * * 1-5", VIENNA, "2026-11-27T08:00+01:00", 2) == ["2026-11-30T08:00+01:00", "2026-12-01T08:00+01:00"]


def test_a_time_that_a_clock_change_leaves_out_runs_after_the_gap() -> None:
    times = list_times("30 2 * * *", VIENNA, "2026-03-28T12:00+01:00", 2)
    assert times == ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]


def test_two_times_in_the_gap_are_one() -> None:
    assert list_times("0,30 2 * * *", VIENNA, "2026-03-29T01:00+01:00", 2) == ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]


def test_a_time_that_exists_twice_runs_the_first_time() -> None:
    times = list_times("30 2 * * *", VIENNA, "2026-10-24T12:00+02:00", 2)
    assert times == ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]


def test_after_the_first_of_two_it_does_not_run_again() -> None:
    assert list_times("30 2 * * *", VIENNA, "2026-10-25T02:15+01:00", 1) == ["2026-10-26T02:30+01:00"]


def test_what_runs_every_hour_runs_in_both_hours() -> None:
    times = [parse(time) for time in list_times("0 * * * *", VIENNA, "2026-10-25T01:30+02:00", 4)]
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(hours=1).total_seconds()}


def test_an_unknown_zone_counts_as_utc() -> None:
    after = parse("2026-11-28T07:00+00:00")
    assert cron.find_next("0 8 * * *", "Europe/Atlantis", after) == after + 3600


@pytest.mark.parametrize("expression", ["0 8 * * *", "*/5 0-6 1,15 * *", "0 0 * * mon#1", "0 0 L * *", "0 0 29 2 *"])
def test_a_valid_expression_has_no_problem(expression: str) -> None:
    assert cron.find_problem(expression) == ""


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "has five fields"),
        ("0 8 * *", "this has 4"),
        ("0 0 8 * * *", "this has 6"),
        ("@daily", "such as `0 8 * * 1-5`"),
        ("61 8 * * *", "the minute of the cron expression '61 8 * * *' is not valid"),
        ("0 24 * * *", "the hour"),
        ("0 8 32 * *", "the day of the month"),
        ("0 8 * 13 *", "the month"),
        ("0 8 * * 8", "the day of the week"),
        ("0 8 * * */0", "the day of the week"),
        ("0 8 30 2 *", "the day of the month"),
        ("0 8 \u0663 * *", "the day of the month"),
        ("1," * 60 + "1 * * * *", "at most 100 characters"),
    ],
)
def test_the_problem_names_the_field(expression: str, words: str) -> None:
    assert words in cron.find_problem(expression)


def test_an_invalid_expression_has_no_next_time() -> None:
    with pytest.raises(ValueError, match="not a cron expression"):
        cron.find_next("61 8 * * *", "UTC", 0.0)


def test_after_the_end_of_the_calendar_there_is_none() -> None:
    assert cron.find_next("0 8 29 2 *", "UTC", datetime(9999, 12, 31, tzinfo=UTC).timestamp()) is None
