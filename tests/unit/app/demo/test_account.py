"""Each line has one fate, and the counts add up: submitted = final + in flight + lost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo.account import Fate, account, fate_of, surprises
from app.demo.sample import Line
from app.demo.submitted import Submitted
from schemas.status import Planned
from schemas.words import CHANNELS, Channel, State, StatusName
from tables.postgres.fates import Current, Decided, Fates

NOW = 1000.0
NO_RECEIPTS: dict[Channel, int] = dict.fromkeys(CHANNELS, 0)
LINE = Line("kafka", ["routed"], "low", {})


def fate(decided: Decided | None, *current: Current, receipts: dict[Channel, int] = NO_RECEIPTS, **fields: Any) -> Fate:
    submitted = Submitted(**{"line": LINE, "at": 1.0, "id": "n", "lane": "low", **fields})
    fates = Fates({"n": decided} if decided else {}, {f"d{number}": each for number, each in enumerate(current)})
    return fate_of(submitted, fates, receipts, NOW, all_read=fields.get("line", LINE) is not LINE)


def routed(deliveries: int) -> Decided:
    return Decided(State.ROUTED, "", [Planned(f"d{number}", "email") for number in range(deliveries)])


def current(status: str, reason: str = "", at: float = NOW) -> Current:
    return Current("n", "email", StatusName(status), reason, at)


@pytest.mark.parametrize(
    ("decided", "deliveries", "expected"),
    [
        (None, [], Fate()),
        (Decided(State.REFUSED, "expired", []), [], Fate("refused expired", (), True)),
        (Decided(State.DEAD, "invalid", []), [], Fate("dead invalid", (), True)),
        (Decided(State.MERGED, "", []), [], Fate("merged", (), True)),
        (Decided(State.HELD, "", []), [], Fate("held", (), False)),
        (routed(1), [], Fate("routed", ("PENDING",), False)),
        (routed(1), [current("PENDING")], Fate("routed", ("PENDING",), False)),
        (routed(1), [current("SENT")], Fate("routed", ("SENT",), True)),
        (routed(2), [current("SENT")], Fate("routed", ("SENT", "PENDING"), False)),
        (routed(2), [current("SENT"), current("FAILED", "exhausted")], Fate("routed", ("SENT", "FAILED exhausted"), True)),
        (routed(1), [current("BOUNCED", "token_dead")], Fate("routed", ("BOUNCED token_dead",), True)),
    ],
)
def test_the_fate_of_a_line(decided: Decided | None, deliveries: list[Current], expected: Fate) -> None:
    assert fate(decided, *deliveries) == expected


@pytest.mark.parametrize(("status", "final"), [("SENT", False), ("DELIVERED", True), ("FAILED", True)])
def test_what_is_sent_is_not_final_while_its_receipt_may_come(status: str, final: bool) -> None:
    receipts: dict[Channel, int] = {**NO_RECEIPTS, "email": 60}
    assert fate(routed(1), current(status, at=NOW - 59), receipts=receipts).final is final
    assert fate(routed(1), current(status, at=NOW - 60), receipts=receipts).final


def test_what_the_gateway_rejected_is_final_at_once() -> None:
    assert fate(None, rejected="invalid", id="") == Fate("rejected invalid", (), True)


@pytest.mark.parametrize("all_read", [True, False])
def test_a_repeated_line_is_final_when_the_router_has_read_it(all_read: bool) -> None:
    again = Submitted(Line("kafka", ["repeated"], again=1), 1.0, "n", "low")
    assert fate_of(again, Fates({"n": routed(1)}, {}), NO_RECEIPTS, NOW, all_read) == Fate("repeated", (), all_read)


words = st.sampled_from(["routed", "refused expired", "refused duplicate", "dead invalid", "repeated"])
fates = st.lists(st.builds(Fate, words, st.lists(st.sampled_from(["SENT", "FAILED exhausted"]), max_size=2).map(tuple), st.booleans()))


@given(fates, st.integers(0, 5))
def test_the_counts_add_up(lines: list[Fate], lost: int) -> None:
    lost = min(lost, sum(not line.final for line in lines))
    found = account(lines, lost)
    assert found.fates.total() + found.in_flight + found.lost == found.submitted == len(lines)
    assert sum(found.final()["state"].values()) == found.fates.total()
    assert sum(found.final()["status"].values()) == found.statuses.total()
    assert found.whole == all(line.final for line in lines)


def test_what_is_final_is_counted_by_status_state_and_reason() -> None:
    lines = [Fate("routed", ("SENT", "FAILED exhausted"), True), Fate("refused expired", (), True), Fate("routed", ("PENDING",), False)]
    assert account(lines).final() == {
        "status": {"FAILED": 1, "SENT": 1},
        "state": {"refused": 1, "routed": 1},
        "reason": {"exhausted": 1, "expired": 1},
    }


def test_a_surprise_is_a_count_that_differs() -> None:
    found = account([Fate("routed", ("SENT",), True), Fate("dead invalid", (), True)])
    assert surprises(found, [["routed", "SENT"], ["dead invalid"]]) == {}
    assert surprises(found, [["routed", "SENT"], ["routed", "SENT"]]) == {"SENT": (2, 1), "dead invalid": (0, 1), "routed": (2, 1)}
