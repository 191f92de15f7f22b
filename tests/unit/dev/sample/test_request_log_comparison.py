"""Ledger and history are compared both ways, doubles are counted, and only deliveries that needed one request are timed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.sample.request_log_comparison import (
    LoggedRequest,
    SampleDelivery,
    compare_request_log,
    compute_percentile,
    find_foreign_deliveries,
)
from schemas.enums import Priority, Status


def build_request(delivery: str, status: int = 202, at: float = 10.0) -> LoggedRequest:
    return LoggedRequest(1, at, delivery, status)


def build_sample_delivery(status: str, priority: Priority = "low", planned: bool = True) -> dict[str, SampleDelivery]:
    return {"d": SampleDelivery(Status(status), priority, 9.0, planned)}


@pytest.mark.parametrize(
    ("status", "entries", "agrees"),
    [
        ("SENT", [build_request("d")], True),
        ("DELIVERED", [build_request("d", 429), build_request("d", 204)], True),
        ("FAILED", [build_request("d", 500), build_request("d", 500)], True),
        ("FAILED", [], True),
        ("BOUNCED", [build_request("d", 404)], True),
        ("BOUNCED", [build_request("d", 202)], True),  # a bounce may come after the acceptance
        ("SENT", [], False),
        ("SENT", [build_request("d", 500)], False),
        ("SENT", [build_request("d", 0)], False),
        ("PENDING", [build_request("d")], False),
        ("FAILED", [build_request("d")], False),
    ],
)
def test_sent_deliveries_were_accepted_and_accepted_ones_are_sent(status: str, entries: list[LoggedRequest], agrees: bool) -> None:
    found = compare_request_log(build_sample_delivery(status), entries)
    assert found.consistent is agrees
    assert (found.missing_requests + found.unrecorded_sends == ["d"]) is not agrees


def test_a_delivery_that_the_router_did_not_plan_is_inconsistent() -> None:
    found = compare_request_log(build_sample_delivery("SENT", planned=False), [build_request("d")])
    assert (found.unplanned_deliveries, found.consistent) == (["d"], False)


def test_foreign_deliveries_count_only_if_history_does_not_know_them() -> None:
    entries = [build_request("d"), build_request("other"), build_request("refused", 400)]
    assert find_foreign_deliveries({"d"}, entries) == {"other"}
    assert compare_request_log(build_sample_delivery("SENT"), entries).consistent
    assert compare_request_log(build_sample_delivery("SENT"), entries).request_count == 1
    assert not compare_request_log(build_sample_delivery("SENT"), entries, {"other"}).consistent


def test_further_acceptances_are_duplicates() -> None:
    found = compare_request_log(
        build_sample_delivery("SENT"), [build_request("d"), build_request("d", 500), build_request("d"), build_request("d")]
    )
    assert (found.request_count, found.accepted_count, found.duplicate_count, found.consistent) == (4, 1, 2, True)


def test_latency_is_by_priority_and_of_deliveries_that_needed_one_request() -> None:
    known = {
        "a": SampleDelivery(Status.SENT, "high", 9.0),
        "b": SampleDelivery(Status.SENT, "high", 9.0),
        "c": SampleDelivery(Status.SENT, "low", 9.0),
    }
    entries = [build_request("a", at=9.5), build_request("b", 429, at=9.1), build_request("b", at=11.0), build_request("c", at=10.0)]
    latency = compare_request_log(known, entries).latency_by_priority
    assert {priority: (found.count, found.p50, found.p99) for priority, found in latency.items()} == {
        "high": (1, 0.5, 0.5),
        "low": (1, 1.0, 1.0),
    }


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (1, 1)])
def test_a_percentile_is_by_nearest_rank(percent: int, expected: float) -> None:
    assert compute_percentile([float(number) for number in range(1, 101)], percent) == expected


@given(st.lists(st.floats(0, 9), min_size=1), st.integers(1, 100))
def test_a_percentile_is_one_of_the_values_and_not_exceeded_by_so_many(values: list[float], percent: int) -> None:
    ordered = sorted(values)
    found = compute_percentile(ordered, percent)
    assert sum(value <= found for value in ordered) * 100 >= percent * len(ordered)
    assert sum(value < found for value in ordered) * 100 < percent * len(ordered)
