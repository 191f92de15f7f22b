"""Quiet hours against a model that asks zoneinfo minute by minute: all zones, both clock changes, any window."""

from datetime import UTC, datetime, timedelta
from functools import cache
from math import floor
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.router.quiet_hours import find_quiet_end, is_known_zone
from schemas.profile import QuietHours

ZONES = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
DAY = 86_400
YEAR = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())


def is_quiet(window: QuietHours, zone: ZoneInfo, at: float) -> bool:
    """The definition: the time of day that the clocks show."""
    shown = f"{datetime.fromtimestamp(floor(at), zone):%H:%M}"  # fromtimestamp rounds to microseconds, and no clock shows 00:00 before
    return window.start <= shown < window.end if window.start <= window.end else shown >= window.start or shown < window.end


def find_end_by_minutes(window: QuietHours, zone: ZoneInfo, at: float) -> float | None:
    """The model: the next minute that is not quiet."""
    if not is_quiet(window, zone, at):
        return None
    minute = at // 60 * 60
    while is_quiet(window, zone, minute):
        minute += 60
    return minute


@cache
def list_changes(name: str) -> list[int]:
    """The days of two years in which the clocks of the zone are changed."""
    zone, days = ZoneInfo(name), range(YEAR, YEAR + 2 * 366 * DAY, DAY)
    offsets = [datetime.fromtimestamp(day, zone).utcoffset() for day in days]
    return [day for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after]


times_of_day = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
windows = st.builds(QuietHours, times_of_day, times_of_day)


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, float]:
    """A zone and a time, mostly within a day of a change of its clocks."""
    name = draw(st.sampled_from(ZONES))
    changes = list_changes(name)
    near = draw(st.sampled_from(changes or [YEAR]))
    return name, near + draw(st.floats(-DAY, 2 * DAY, allow_nan=False))


@settings(max_examples=400)
@given(moments(), windows)
@example(("Africa/Abidjan", 1767225599.9999998), QuietHours("00:00", "00:01"))
def test_any_window_ends_when_the_clocks_say_so(moment: tuple[str, float], window: QuietHours) -> None:
    name, at = moment
    assert find_quiet_end(window, name, at) == find_end_by_minutes(window, ZoneInfo(name), at)


def test_every_zone_has_its_night_around_each_change_of_its_clocks() -> None:
    window = QuietHours("22:10", "02:20")
    for name in ZONES:
        zone = ZoneInfo(name)
        for day in list_changes(name) or [YEAR]:
            for at in range(day - 10_000, day + DAY + 10_000, 10_000):
                end = find_quiet_end(window, name, at)
                assert (end is not None) == is_quiet(window, zone, at), (name, at)
                if end is not None:
                    assert not is_quiet(window, zone, end), (name, at)
                    assert is_quiet(window, zone, end - 1), (name, at)
                    assert end - at < DAY


@pytest.mark.parametrize(
    ("name", "window", "local", "expected"),
    [
        ("Europe/Vienna", ("22:00", "07:00"), "2026-06-01 23:30+02:00", "2026-06-02 07:00+02:00"),
        ("Europe/Vienna", ("22:00", "07:00"), "2026-06-01 07:00+02:00", None),
        ("Europe/Vienna", ("22:00", "07:00"), "2026-03-28 23:00+01:00", "2026-03-29 07:00+02:00"),  # the night of 8 h
        ("Europe/Vienna", ("22:00", "02:30"), "2026-03-29 01:59+01:00", "2026-03-29 03:00+02:00"),  # it ends in the hour left out
        ("Europe/Vienna", ("02:15", "02:45"), "2026-03-29 03:00+02:00", None),  # it lies in the hour left out
        ("Europe/Vienna", ("02:30", "07:00"), "2026-03-29 03:00+02:00", "2026-03-29 07:00+02:00"),  # it begins there
        ("Europe/Vienna", ("22:00", "02:30"), "2026-10-25 02:10+02:00", "2026-10-25 02:30+02:00"),
        ("Europe/Vienna", ("22:00", "02:30"), "2026-10-25 02:10+01:00", "2026-10-25 02:30+01:00"),  # the hour comes twice
        ("Asia/Kolkata", ("22:00", "07:00"), "2026-01-01 22:00+05:30", "2026-01-02 07:00+05:30"),
        ("Australia/Lord_Howe", ("22:00", "07:00"), "2026-10-04 00:00+10:30", "2026-10-04 07:00+11:00"),  # by half an hour
        ("Nowhere/Here", ("22:00", "07:00"), "2026-01-01 23:00+00:00", "2026-01-02 07:00+00:00"),
        ("", ("22:00", "07:00"), "2026-01-01 23:00+00:00", "2026-01-02 07:00+00:00"),
        ("Europe/Vienna", ("07:00", "07:00"), "2026-01-01 07:00+01:00", None),
    ],
)
def test_the_end_of_a_window(name: str, window: tuple[str, str], local: str, expected: str | None) -> None:
    end = find_quiet_end(QuietHours(*window), name, datetime.fromisoformat(local).timestamp())
    assert end == (None if expected is None else datetime.fromisoformat(expected).timestamp())


@pytest.mark.parametrize("name", ["Nowhere/Here", "Europe", "../etc/passwd", "/etc/localtime", "a\0b", "\ud800", "x" * 5000])
def test_a_name_that_is_no_zone_is_not_known_and_counts_as_utc(name: str) -> None:
    assert not is_known_zone(name)
    assert find_quiet_end(QuietHours("00:00", "00:01"), name, YEAR) == YEAR + 60


def test_a_time_within_a_minute_counts_as_its_minute() -> None:
    at = datetime(2026, 1, 1, 6, 59, 59, 999_000, tzinfo=UTC)
    assert find_quiet_end(QuietHours("22:00", "07:00"), "UTC", at.timestamp()) == (at + timedelta(milliseconds=1)).timestamp()
