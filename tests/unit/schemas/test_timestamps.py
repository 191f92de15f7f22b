"""Which times are plausible, and what is said about the others."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from schemas.timestamps import explain_implausible, is_plausible, to_epoch_seconds

NOW = 1_760_000_000.0


@pytest.mark.parametrize(
    "timestamp", [946_684_800, NOW, 253_402_300_799, datetime(2000, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
def test_times_from_2000_to_9999_are_plausible(timestamp: float | datetime) -> None:
    assert is_plausible(timestamp)


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        (NOW * 1e3, "1760000000000 looks like milliseconds"),
        (NOW * 1e6, "1760000000000000 looks like microseconds"),
        (NOW * 1e9, "looks like nanoseconds"),
        (60, "60 is before 2000 as epoch seconds and looks like a duration"),
        (0, "0 is before 2000 as epoch seconds: use epoch seconds, or RFC 3339 text such as"),
        (-1e300, "before 2000"),
        (946_684_799.9, "before 2000"),
        (1e300, "after 9999"),
        (datetime.min.replace(tzinfo=UTC), "before 2000"),
    ],
)
def test_an_implausible_time_is_explained_with_its_likely_unit(timestamp: float | datetime, text: str) -> None:
    assert not is_plausible(timestamp)
    assert text in explain_implausible(timestamp)


def test_the_time_zone_counts() -> None:
    assert to_epoch_seconds(datetime(2025, 10, 9, 10, 53, 20, tzinfo=timezone(timedelta(hours=2)))) == NOW
