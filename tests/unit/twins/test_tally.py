from schemas.ids import DELIVERY, new_id
from tests.unit.twins.requests import ID, NOW
from twins.tally import Tally
from twins.values import Entry


def entry(delivery: str = ID, status: int = 202, provider: str = "sendgrid", at: float = NOW) -> Entry:
    return Entry(1, at, provider, delivery, "a@example.org", status, "")


def test_only_acceptances_of_one_delivery_are_duplicates() -> None:
    tally = Tally()
    for status in (429, 500, 202, 400, 202, 202):
        tally.add(entry(status=status))
    tally.add(entry("", 201, "twilio"))
    report = tally.report()
    assert (report["requests"], report["accepted"], report["duplicates"], report["unidentified"]) == (7, 1, 2, 1)
    assert report["by_status"] == {"201": 1, "202": 3, "400": 1, "429": 1, "500": 1}
    assert report["by_provider"] == {"sendgrid": 6, "twilio": 1}


def test_latency_is_that_of_first_acceptances() -> None:
    tally = Tally()
    tally.add(entry(status=500, at=NOW - 0.02))
    tally.add(entry(at=NOW))
    tally.add(entry(at=NOW + 9))
    assert tally.report()["latency_ms"] == {"p50": 25, "p99": 25, "max": 25}


def test_percentiles() -> None:
    tally = Tally()
    for late in range(1, 101):
        tally.add(entry(new_id(DELIVERY, NOW - late / 1000 + 0.0001, late), at=NOW))
    assert tally.report()["latency_ms"] == {"p50": 50, "p99": 99, "max": 100}


def test_an_id_without_a_time_and_one_from_the_future_harm_nothing() -> None:
    tally = Tally()
    tally.add(entry("order-17"))
    tally.add(entry(at=NOW - 60))
    assert tally.report()["latency_ms"] == {"p50": 0, "p99": 0, "max": 0}
    assert tally.report()["accepted"] == 2


def test_an_empty_tally() -> None:
    assert Tally().report()["latency_ms"]["max"] == 0
