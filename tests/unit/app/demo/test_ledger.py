"""Ledger and history are compared both ways, doubles are counted, and only deliveries that needed one request are timed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo.ledger import Entry, Promised, compare, percentile, strangers
from schemas.words import Lane, StatusName


def entry(delivery: str, status: int = 202, at: float = 10.0) -> Entry:
    return Entry(1, at, delivery, status)


def promised(status: str, lane: Lane = "low", planned: bool = True) -> dict[str, Promised]:
    return {"d": Promised(StatusName(status), lane, 9.0, planned)}


@pytest.mark.parametrize(
    ("status", "entries", "agrees"),
    [
        ("SENT", [entry("d")], True),
        ("DELIVERED", [entry("d", 429), entry("d", 204)], True),
        ("FAILED", [entry("d", 500), entry("d", 500)], True),
        ("FAILED", [], True),
        ("BOUNCED", [entry("d", 404)], True),
        ("BOUNCED", [entry("d", 202)], True),  # a bounce may come after the acceptance
        ("SENT", [], False),
        ("SENT", [entry("d", 500)], False),
        ("SENT", [entry("d", 0)], False),
        ("PENDING", [entry("d")], False),
        ("FAILED", [entry("d")], False),
    ],
)
def test_who_says_sent_must_have_been_accepted_and_the_other_way_round(status: str, entries: list[Entry], agrees: bool) -> None:
    found = compare(promised(status), entries)
    assert found.agrees is agrees
    assert (found.missing + found.unsent == ["d"]) is not agrees


def test_a_delivery_that_the_router_did_not_list_is_no_agreement() -> None:
    found = compare(promised("SENT", planned=False), [entry("d")])
    assert (found.unplanned, found.agrees) == (["d"], False)


def test_strangers_are_left_out_unless_history_never_heard_of_them() -> None:
    entries = [entry("d"), entry("other"), entry("refused", 400)]
    assert strangers({"d"}, entries) == {"other"}
    assert compare(promised("SENT"), entries).agrees
    assert compare(promised("SENT"), entries).requests == 1
    assert not compare(promised("SENT"), entries, {"other"}).agrees


def test_further_acceptances_are_duplicates() -> None:
    found = compare(promised("SENT"), [entry("d"), entry("d", 500), entry("d"), entry("d")])
    assert (found.requests, found.accepted, found.duplicates, found.agrees) == (4, 1, 2, True)


def test_latency_is_by_lane_and_of_deliveries_that_needed_one_request() -> None:
    known = {
        "a": Promised(StatusName.SENT, "high", 9.0),
        "b": Promised(StatusName.SENT, "high", 9.0),
        "c": Promised(StatusName.SENT, "low", 9.0),
    }
    entries = [entry("a", at=9.5), entry("b", 429, at=9.1), entry("b", at=11.0), entry("c", at=10.0)]
    latency = compare(known, entries).latency
    assert {lane: (found.count, found.p50, found.p99) for lane, found in latency.items()} == {"high": (1, 0.5, 0.5), "low": (1, 1.0, 1.0)}


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (1, 1)])
def test_a_percentile_is_by_nearest_rank(percent: int, expected: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], percent) == expected


@given(st.lists(st.floats(0, 9), min_size=1), st.integers(1, 100))
def test_a_percentile_is_one_of_the_values_and_not_exceeded_by_so_many(values: list[float], percent: int) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert sum(value <= found for value in ordered) * 100 >= percent * len(ordered)
    assert sum(value < found for value in ordered) * 100 < percent * len(ordered)
