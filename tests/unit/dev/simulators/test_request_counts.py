from dev.simulators.protocol import RequestLogEntry
from dev.simulators.request_counts import RequestCounts
from schemas.ids import DELIVERY_PREFIX, make_id
from tests.unit.dev.simulators.request_builders import DELIVERY_ID, NOW


def build_entry(delivery: str = DELIVERY_ID, status: int = 202, provider: str = "sendgrid", at: float = NOW) -> RequestLogEntry:
    return RequestLogEntry(1, at, provider, delivery, "a@example.org", status, "")


def test_only_acceptances_of_one_delivery_are_duplicates() -> None:
    tally = RequestCounts()
    for status in (429, 500, 202, 400, 202, 202):
        tally.add_entry(build_entry(status=status))
    tally.add_entry(build_entry("", 201, "twilio"))
    report = tally.build_report()
    assert (report["requests"], report["accepted"], report["duplicates"], report["unidentified"]) == (7, 1, 2, 1)
    assert report["by_status"] == {"201": 1, "202": 3, "400": 1, "429": 1, "500": 1}
    assert report["by_provider"] == {"sendgrid": 6, "twilio": 1}


def test_latency_is_that_of_first_acceptances() -> None:
    tally = RequestCounts()
    tally.add_entry(build_entry(status=500, at=NOW - 0.02))
    tally.add_entry(build_entry(at=NOW))
    tally.add_entry(build_entry(at=NOW + 9))
    assert tally.build_report()["latency_ms"] == {"p50": 25, "p99": 25, "max": 25}


def test_percentiles() -> None:
    tally = RequestCounts()
    for late in range(1, 101):
        tally.add_entry(build_entry(make_id(DELIVERY_PREFIX, NOW - late / 1000 + 0.0001, late), at=NOW))
    assert tally.build_report()["latency_ms"] == {"p50": 50, "p99": 99, "max": 100}


def test_an_id_without_a_time_and_one_from_the_future_harm_nothing() -> None:
    tally = RequestCounts()
    tally.add_entry(build_entry("order-17"))
    tally.add_entry(build_entry(at=NOW - 60))
    assert tally.build_report()["latency_ms"] == {"p50": 0, "p99": 0, "max": 0}
    assert tally.build_report()["accepted"] == 2


def test_an_empty_tally() -> None:
    assert RequestCounts().build_report()["latency_ms"]["max"] == 0
