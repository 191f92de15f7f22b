"""The request log and the history are compared both ways, duplicates are counted, and latencies are of single requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.sample.request_log_comparison import SampleDelivery, compare_request_log, compute_percentile, find_foreign_deliveries
from dev.simulators.protocol import RequestLogEntry
from schemas.enums import Priority, Status


def build_entry(delivery_id: str, status: int = 202, at: float = 10.0) -> RequestLogEntry:
    return RequestLogEntry(1, at, "sendgrid", delivery_id, "a@example.org", status, "")


def build_sample_delivery(status: str, priority: Priority = "low", planned: bool = True) -> dict[str, SampleDelivery]:
    return {"d": SampleDelivery(Status(status), priority, 9.0, planned)}


@pytest.mark.parametrize(
    ("status", "entries", "consistent"),
    [
        ("SENT", [build_entry("d")], True),
        ("DELIVERED", [build_entry("d", 429), build_entry("d", 204)], True),
        ("FAILED", [build_entry("d", 500), build_entry("d", 500)], True),
        ("FAILED", [], True),
        ("BOUNCED", [build_entry("d", 404)], True),
        ("BOUNCED", [build_entry("d", 202)], True),  # a bounce may come after the acceptance
        ("SENT", [], False),
        ("SENT", [build_entry("d", 500)], False),
        ("SENT", [build_entry("d", 0)], False),
        ("PENDING", [build_entry("d")], False),
        ("FAILED", [build_entry("d")], False),
    ],
)
def test_sent_deliveries_were_accepted_and_accepted_ones_are_sent(status: str, entries: list[RequestLogEntry], consistent: bool) -> None:
    comparison = compare_request_log(build_sample_delivery(status), entries)
    assert comparison.consistent is consistent
    assert (comparison.missing_requests + comparison.unrecorded_sends == ["d"]) is not consistent


def test_a_delivery_that_the_router_did_not_plan_is_inconsistent() -> None:
    comparison = compare_request_log(build_sample_delivery("SENT", planned=False), [build_entry("d")])
    assert (comparison.unplanned_deliveries, comparison.consistent) == (["d"], False)


def test_requests_with_rejected_credentials_are_counted_by_provider() -> None:
    entries = [build_entry("", 401), build_entry("", 403), build_entry("d")]
    assert compare_request_log(build_sample_delivery("SENT"), entries).unauthorized_counts == {"sendgrid": 2}


def test_a_foreign_delivery_is_inconsistent_only_if_it_is_not_recorded() -> None:
    entries = [build_entry("d"), build_entry("other"), build_entry("rejected", 400)]
    assert find_foreign_deliveries({"d"}, entries) == {"other"}
    assert compare_request_log(build_sample_delivery("SENT"), entries).consistent
    assert compare_request_log(build_sample_delivery("SENT"), entries).request_count == 1
    assert not compare_request_log(build_sample_delivery("SENT"), entries, {"other"}).consistent


def test_further_acceptances_are_duplicates() -> None:
    comparison = compare_request_log(
        build_sample_delivery("SENT"), [build_entry("d"), build_entry("d", 500), build_entry("d"), build_entry("d")]
    )
    assert (comparison.request_count, comparison.accepted_count, comparison.duplicate_count, comparison.consistent) == (4, 1, 2, True)


@pytest.mark.parametrize(("at", "early"), [(8.9, ["d"]), (9.0, [])])
def test_what_is_accepted_before_it_is_due_is_inconsistent(at: float, early: list[str]) -> None:
    comparison = compare_request_log(build_sample_delivery("SENT"), [build_entry("d", at=at), build_entry("d", at=11.0)])
    assert (comparison.early_sends, comparison.consistent) == (early, not early)


def test_the_latency_is_by_priority_and_of_deliveries_with_one_request() -> None:
    deliveries = {
        "a": SampleDelivery(Status.SENT, "high", 9.0),
        "b": SampleDelivery(Status.SENT, "high", 9.0),
        "c": SampleDelivery(Status.SENT, "low", 9.0),
    }
    entries = [build_entry("a", at=9.5), build_entry("b", 429, at=9.1), build_entry("b", at=11.0), build_entry("c", at=10.0)]
    latency = compare_request_log(deliveries, entries).latency_by_priority
    assert {priority: (percentiles.count, percentiles.p50, percentiles.p99) for priority, percentiles in latency.items()} == {
        "high": (1, 0.5, 0.5),
        "low": (1, 1.0, 1.0),
    }


def test_a_delivery_that_waited_for_another_one_has_no_latency() -> None:
    deliveries = {"a": SampleDelivery(Status.SENT, "high", 9.0), "b": SampleDelivery(Status.SENT, "high", 9.0, timed=False)}
    comparison = compare_request_log(deliveries, [build_entry("a", at=9.5), build_entry("b", at=12.0)])
    assert (comparison.accepted_count, comparison.latency_by_priority["high"].count) == (2, 1)


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (1, 1)])
def test_a_percentile_is_by_nearest_rank(percent: int, expected: float) -> None:
    assert compute_percentile([float(number) for number in range(1, 101)], percent) == expected


@given(st.lists(st.floats(0, 9), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], percent: int) -> None:
    ordered = sorted(values)
    percentile = compute_percentile(ordered, percent)
    assert sum(value <= percentile for value in ordered) * 100 >= percent * len(ordered)
    assert sum(value < percentile for value in ordered) * 100 < percent * len(ordered)
