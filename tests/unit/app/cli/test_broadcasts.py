"""What `herold broadcasts` says of counts and of a cancel."""

from typing import Any

import pytest

from app.cli import broadcasts
from app.cli.broadcasts import format_counts, is_being_cancelled

COUNTS = {
    "counted_at": 0.0,
    "notifications": {"routed": 40_000, "held": 1_000},
    "notification_reasons": {"held": {"quiet_hours": 900, "rate_limited": 100}},
    "deliveries": {"SENT": 3},
    "delivery_reasons": {},
}
CANCELLATION = {"is_done": False, "checked_count": 1_000, "waiting_count": None, "cancelled_count": 0}


def test_counts_are_named_with_their_reasons() -> None:
    assert format_counts(None) == {}
    lines = format_counts(COUNTS)
    assert lines["notifications"] == "40,000 routed, 1,000 held (quiet_hours 900, rate_limited 100)"
    assert lines["deliveries"] == "3 sent"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, "0 that waited; 1,000 checked"),
        ({"waiting_count": 7}, "0 that waited; 1,000 checked, 7 were waiting at the last look"),
        ({"is_done": True, "waiting_count": 0, "cancelled_count": 1_200}, "1,200 that waited; nothing waits any more"),
    ],
)
def test_a_cancel_says_how_far_it_is(change: dict[str, Any], text: str) -> None:
    assert broadcasts._format_cancellation({**CANCELLATION, **change}) == text


@pytest.mark.parametrize(
    ("one", "is_expected"),
    [
        ({"state": "running", "cancellation": None}, False),
        ({"state": "cancelled", "cancellation": CANCELLATION}, True),
        ({"state": "cancelled", "cancellation": {**CANCELLATION, "is_done": True}}, False),
    ],
)
def test_watching_ends_when_nothing_of_a_cancelled_one_waits(one: dict[str, Any], is_expected: bool) -> None:
    assert is_being_cancelled(one) is is_expected
    assert broadcasts._find_progress({**one, "expanded_count": 5, "total_count": 9})["total"] == (5 if is_expected else 9)
