"""The counters of a user over HTTP: a range of days, the last 30 without one."""

from datetime import date, timedelta

import pytest

from schemas.user_counts import DailyCount
from tests.unit.app.api.harness import GatewayHarness
from tests.unit.app.api.resources.test_notifications import assert_problem

URL = "/v1/users/u-42/counts"
TODAY = date(2025, 10, 9)  # of the harness


def build_harness() -> GatewayHarness:
    harness = GatewayHarness()
    harness.history.user_counts["u-42"] = [DailyCount(TODAY - timedelta(days=days), "email", days + 1) for days in (0, 29, 30)]
    return harness


def test_without_a_range_the_last_30_days_are_counted() -> None:
    with build_harness().build_client() as client:
        body = client.get(URL).json()
    assert body == {
        "user_id": "u-42",
        "first": "2025-09-10",
        "last": "2025-10-09",
        "counts": [{"day": "2025-10-09", "channel": "email", "sent": 1}, {"day": "2025-09-10", "channel": "email", "sent": 30}],
    }


def test_a_range_has_its_first_and_last_day() -> None:
    with build_harness().build_client() as client:
        assert [count["sent"] for count in client.get(f"{URL}?first=2025-09-09&last=2025-09-10").json()["counts"]] == [30, 31]
        assert client.get(f"{URL}?last=2025-09-09").json()["first"] == "2025-08-11"
        assert client.get(f"{URL}?first=2024-10-09&last=2025-10-09").json()["first"] == "2024-10-09"
        assert client.get(f"{URL}?last=0001-01-02").json()["first"] == "0001-01-01"
        assert client.get("/v1/users/nobody/counts").json()["counts"] == []


@pytest.mark.parametrize(
    ("query", "path", "detail"),
    [
        ("first=2025-10-10", "$.first", "at most 365 days before the last day, 2025-10-09"),
        ("first=2024-10-08", "$.first", "at most 365 days before the last day, 2025-10-09"),
        ("first=yesterday", "$.first", "must be a date such as 2026-01-31"),
        ("last=2025-02-30", "$.last", "must be a date such as 2026-01-31"),
    ],
)
def test_a_range_that_is_wrong_is_invalid(query: str, path: str, detail: str) -> None:
    with build_harness().build_client() as client:
        problem = assert_problem(client.get(f"{URL}?{query}"), 422)
    assert [(error["path"], detail in error["detail"]) for error in problem["errors"]] == [(path, True)]


def test_without_postgresql_the_counts_are_unavailable() -> None:
    harness = build_harness()
    harness.history.is_unavailable = True
    with harness.build_client() as client:
        assert_problem(client.get(URL), 503)
