"""What counts as a call of an endpoint, and what its health is after one commit."""

from typing import Any

from schemas.enums import Outcome, Status
from schemas.history import LoggedAttempt
from tables.postgres.endpoint_counts import _build_health, count_calls
from tests.event_builders import NOW, build_status_event

WHE = "whe_0199c82cc00070008000000000000007"
HOUR = int(NOW // 3600)


def build_attempt(at: float, code: int, **changes: Any) -> LoggedAttempt:
    outcome = Outcome.ACCEPTED if 200 <= code < 300 else Outcome.UNKNOWN
    fields = {"occurred_at": at, "provider_code": code, "outcome": outcome, "endpoint_id": WHE, **changes}
    return LoggedAttempt("0" * 32, build_status_event(1, "webhook", Status.PENDING, **fields))


def test_calls_are_counted_by_hour_and_the_row_of_failures_begins_after_the_last_success() -> None:
    attempts = [build_attempt(NOW + 3, 500), build_attempt(NOW + 1, 503), build_attempt(NOW + 2, 204), build_attempt(NOW + 3600, 502)]
    calls = count_calls(attempts)[WHE]
    assert (calls.succeeded, calls.failed) == ({HOUR: 1}, {HOUR: 2, HOUR + 1: 1})
    assert _build_health(WHE, calls) == (WHE[4:], NOW + 2, NOW + 3600, NOW + 3, 2, 502)


def test_only_failures_have_no_last_success() -> None:
    calls = count_calls([build_attempt(NOW + 1, 0), build_attempt(NOW, 410)])[WHE]
    assert _build_health(WHE, calls) == (WHE[4:], None, NOW + 1, NOW, 2, 0)


def test_what_is_no_call_of_a_registered_endpoint_does_not_count() -> None:
    no_call = {"outcome": Outcome.REJECTED_RECIPIENT, "duration_ms": 0.0}
    attempts = [
        build_attempt(NOW, 0, **no_call),
        build_attempt(NOW, 200, endpoint_id=""),
        build_attempt(NOW, 200, endpoint_id="x"),
        build_attempt(NOW, 0, outcome=None),
    ]
    assert count_calls(attempts) == {}
