"""Each line has one fate, and the counts add up: submitted = final + in flight + lost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.sample.reconciliation import LineResult, compute_result, find_mismatches, reconcile
from dev.sample.sample_file import SampleLine
from dev.sample.submissions import SubmittedLine
from schemas.enums import CHANNELS, Channel, State, Status
from schemas.events import DeliveryRef
from tables.postgres.notification_results import DeliveryResult, NotificationResult, NotificationResults

NOW = 1000.0
NO_RECEIPT_TIMEOUTS: dict[Channel, int] = dict.fromkeys(CHANNELS, 0)
LINE = SampleLine("kafka", ["routed"], "low", {})


def compute_test_result(
    decided: NotificationResult | None, *current: DeliveryResult, receipt_timeouts: dict[Channel, int] = NO_RECEIPT_TIMEOUTS, **fields: Any
) -> LineResult:
    submitted = SubmittedLine(**{"line": LINE, "submitted_at": 1.0, "notification_id": "n", "priority": "low", **fields})
    fates = NotificationResults({"n": decided} if decided else {}, {f"d{number}": each for number, each in enumerate(current)})
    return compute_result(submitted, fates, receipt_timeouts, NOW, all_read=fields.get("line", LINE) is not LINE)


def build_routed(deliveries: int) -> NotificationResult:
    return NotificationResult(State.ROUTED, "", [DeliveryRef(f"d{number}", "email") for number in range(deliveries)])


def build_current(status: str, reason: str = "", at: float = NOW) -> DeliveryResult:
    return DeliveryResult("n", "email", Status(status), reason, at)


@pytest.mark.parametrize(
    ("decided", "deliveries", "expected"),
    [
        (None, [], LineResult()),
        (NotificationResult(State.REJECTED, "expired", []), [], LineResult("rejected expired", (), True)),
        (NotificationResult(State.DEAD, "invalid", []), [], LineResult("dead invalid", (), True)),
        (NotificationResult(State.MERGED, "", []), [], LineResult("merged", (), True)),
        (NotificationResult(State.HELD, "", []), [], LineResult("held", (), False)),
        (build_routed(1), [], LineResult("routed", ("PENDING",), False)),
        (build_routed(1), [build_current("PENDING")], LineResult("routed", ("PENDING",), False)),
        (build_routed(1), [build_current("SENT")], LineResult("routed", ("SENT",), True)),
        (build_routed(2), [build_current("SENT")], LineResult("routed", ("SENT", "PENDING"), False)),
        (
            build_routed(2),
            [build_current("SENT"), build_current("FAILED", "retries_exhausted")],
            LineResult("routed", ("SENT", "FAILED retries_exhausted"), True),
        ),
        (build_routed(1), [build_current("BOUNCED", "unregistered_token")], LineResult("routed", ("BOUNCED unregistered_token",), True)),
    ],
)
def test_the_result_of_a_line(decided: NotificationResult | None, deliveries: list[DeliveryResult], expected: LineResult) -> None:
    assert compute_test_result(decided, *deliveries) == expected


@pytest.mark.parametrize(("status", "final"), [("SENT", False), ("DELIVERED", True), ("FAILED", True)])
def test_what_is_sent_is_not_final_while_its_receipt_may_come(status: str, final: bool) -> None:
    receipts: dict[Channel, int] = {**NO_RECEIPT_TIMEOUTS, "email": 60}
    assert compute_test_result(build_routed(1), build_current(status, at=NOW - 59), receipt_timeouts=receipts).final is final
    assert compute_test_result(build_routed(1), build_current(status, at=NOW - 60), receipt_timeouts=receipts).final


def test_an_unprocessable_line_is_final_at_once() -> None:
    assert compute_test_result(None, unprocessable_reason="invalid", notification_id="") == LineResult("unprocessable invalid", (), True)


@pytest.mark.parametrize("all_read", [True, False])
def test_a_replayed_line_is_final_when_the_router_has_read_it(all_read: bool) -> None:
    again = SubmittedLine(SampleLine("kafka", ["replayed"], replay_of=1), 1.0, "n", "low")
    assert compute_result(again, NotificationResults({"n": build_routed(1)}, {}), NO_RECEIPT_TIMEOUTS, NOW, all_read) == LineResult(
        "replayed", (), all_read
    )


result_states = st.sampled_from(["routed", "rejected expired", "rejected duplicate", "dead invalid", "replayed"])
result_lists = st.lists(
    st.builds(
        LineResult, result_states, st.lists(st.sampled_from(["SENT", "FAILED retries_exhausted"]), max_size=2).map(tuple), st.booleans()
    )
)


@given(result_lists, st.integers(0, 5))
def test_the_counts_add_up(lines: list[LineResult], lost: int) -> None:
    lost = min(lost, sum(not line.final for line in lines))
    found = reconcile(lines, lost)
    assert found.result_counts.total() + found.in_flight_count + found.lost_count == found.submitted_count == len(lines)
    assert sum(found.build_final_counts()["state"].values()) == found.result_counts.total()
    assert sum(found.build_final_counts()["status"].values()) == found.status_counts.total()
    assert found.complete == all(line.final for line in lines)


def test_what_is_final_is_counted_by_status_state_and_reason() -> None:
    lines = [
        LineResult("routed", ("SENT", "FAILED retries_exhausted"), True),
        LineResult("rejected expired", (), True),
        LineResult("routed", ("PENDING",), False),
    ]
    assert reconcile(lines).build_final_counts() == {
        "status": {"FAILED": 1, "SENT": 1},
        "state": {"rejected": 1, "routed": 1},
        "reason": {"retries_exhausted": 1, "expired": 1},
    }


def test_a_mismatch_is_a_count_that_differs() -> None:
    found = reconcile([LineResult("routed", ("SENT",), True), LineResult("dead invalid", (), True)])
    assert find_mismatches(found, [["routed", "SENT"], ["dead invalid"]]) == {}
    assert find_mismatches(found, [["routed", "SENT"], ["routed", "SENT"]]) == {"SENT": (2, 1), "dead invalid": (0, 1), "routed": (2, 1)}
