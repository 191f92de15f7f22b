from dev.simulators.protocol import RequestLogEntry
from dev.simulators.request_counts import RequestCounts
from schemas.ids import DELIVERY_PREFIX, make_id
from tests.unit.dev.simulators.request_builders import DELIVERY_ID, NOW


def build_entry(delivery_id: str = DELIVERY_ID, status: int = 202, provider: str = "sendgrid", at: float = NOW) -> RequestLogEntry:
    return RequestLogEntry(1, at, provider, delivery_id, "a@example.org", status, "")


def test_a_duplicate_is_a_further_acceptance_of_a_delivery() -> None:
    counts = RequestCounts()
    for status in (429, 500, 202, 400, 202, 202):
        counts.add_entry(build_entry(status=status))
    counts.add_entry(build_entry("", 201, "twilio"))
    report = counts.build_report()
    assert (report["requests"], report["accepted"], report["duplicates"], report["unidentified"]) == (7, 1, 2, 1)
    assert report["by_status"] == {"201": 1, "202": 3, "400": 1, "429": 1, "500": 1}
    assert report["by_provider"] == {"sendgrid": 6, "twilio": 1}


def test_the_latency_is_that_of_first_acceptances() -> None:
    counts = RequestCounts()
    counts.add_entry(build_entry(status=500, at=NOW - 0.02))
    counts.add_entry(build_entry(at=NOW))
    counts.add_entry(build_entry(at=NOW + 9))
    assert counts.build_report()["latency_ms"] == {"p50": 25, "p99": 25, "max": 25}


def test_percentiles() -> None:
    counts = RequestCounts()
    for latency in range(1, 101):
        counts.add_entry(build_entry(make_id(DELIVERY_PREFIX, NOW - latency / 1000 + 0.0001, latency), at=NOW))
    assert counts.build_report()["latency_ms"] == {"p50": 50, "p99": 99, "max": 100}


def test_an_id_without_a_time_or_with_a_future_time_is_counted() -> None:
    counts = RequestCounts()
    counts.add_entry(build_entry("order-17"))
    counts.add_entry(build_entry(at=NOW - 60))
    assert counts.build_report()["latency_ms"] == {"p50": 0, "p99": 0, "max": 0}
    assert counts.build_report()["accepted"] == 2


def test_no_entries() -> None:
    assert RequestCounts().build_report()["latency_ms"]["max"] == 0
