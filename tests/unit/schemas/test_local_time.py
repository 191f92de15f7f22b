"""Times as people read them."""

from datetime import UTC, datetime

import pytest

from schemas.local_time import format_local_time

AT = datetime(2026, 11, 28, 23, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Europe/Vienna", "2026-11-29 00:30:00 Vienna time (2026-11-28 23:30:00 UTC)"),
        ("Asia/Kolkata", "2026-11-29 05:00:00 Kolkata time (2026-11-28 23:30:00 UTC)"),
        ("America/New_York", "2026-11-28 18:30:00 New York time (23:30:00 UTC)"),
        ("Etc/GMT+5", "2026-11-28 18:30:00 Etc/GMT+5 (23:30:00 UTC)"),
        *[(zone, "2026-11-28 23:30:00 UTC") for zone in ("", "UTC", "Mars/Base", "Europe", "../etc/passwd", "a\0b", "x" * 3000)],
    ],
)
def test_a_time_is_shown_in_the_zone_with_utc(zone: str, text: str) -> None:
    assert format_local_time(AT, zone) == text


def test_an_impossible_time_is_shown_as_a_number() -> None:
    assert format_local_time(1e300, "Europe/Vienna") == "1e+300 s since 1970"
