"""Each line has one result, and the counts add up: submitted = final + in flight + lost."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.sample.notification_results import DeliveryResult, NotificationResult, NotificationResults
from dev.sample.reconciliation import LineMismatch, LineResult, compute_result, find_mismatches, reconcile
from dev.sample.sample_file import SampleLine
from dev.sample.submissions import SubmittedLine
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.enums import State, Status
from schemas.events import DeliveryRef

NOW = 1000.0
NO_RECEIPT_TIMEOUTS: dict[ChannelName, int] = dict.fromkeys(CHANNEL_NAMES, 0)
LINE = SampleLine("kafka", ["routed"], "low", {})


def compute_test_result(
    decided: NotificationResult | None,
    *deliveries: DeliveryResult,
    receipt_timeouts: dict[ChannelName, int] = NO_RECEIPT_TIMEOUTS,
    **fields: Any,
) -> LineResult:
    submitted = SubmittedLine(**{"line": LINE, "submitted_at": 1.0, "notification_id": "n", "priority": "low", **fields})
    history = NotificationResults({"n": decided} if decided else {}, {f"d{number}": delivery for number, delivery in enumerate(deliveries)})
    return compute_result(submitted, history, receipt_timeouts, NOW, all_read=fields.get("line", LINE) is not LINE)


def build_routed(delivery_count: int) -> NotificationResult:
    return NotificationResult(State.ROUTED, "", [DeliveryRef(f"d{number}", "email") for number in range(delivery_count)])


def build_delivery_result(status: str, reason: str = "", at: float = NOW) -> DeliveryResult:
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
        (build_routed(1), [build_delivery_result("PENDING")], LineResult("routed", ("PENDING",), False)),
        (build_routed(1), [build_delivery_result("SENT")], LineResult("routed", ("SENT",), True)),
        (build_routed(2), [build_delivery_result("SENT")], LineResult("routed", ("SENT", "PENDING"), False)),
        (
            build_routed(2),
            [build_delivery_result("SENT"), build_delivery_result("FAILED", "retries_exhausted")],
            LineResult("routed", ("SENT", "FAILED retries_exhausted"), True),
        ),
        (
            build_routed(1),
            [build_delivery_result("BOUNCED", "unregistered_token")],
            LineResult("routed", ("BOUNCED unregistered_token",), True),
        ),
    ],
)
def test_the_result_of_a_line(decided: NotificationResult | None, deliveries: list[DeliveryResult], expected: LineResult) -> None:
    assert compute_test_result(decided, *deliveries) == expected


@pytest.mark.parametrize(("status", "final"), [("SENT", False), ("DELIVERED", True), ("FAILED", True)])
def test_sent_is_not_final_before_the_receipt_timeout(status: str, final: bool) -> None:
    receipt_timeouts: dict[ChannelName, int] = {**NO_RECEIPT_TIMEOUTS, "email": 60}
    assert (
        compute_test_result(build_routed(1), build_delivery_result(status, at=NOW - 59), receipt_timeouts=receipt_timeouts).final is final
    )
    assert compute_test_result(build_routed(1), build_delivery_result(status, at=NOW - 60), receipt_timeouts=receipt_timeouts).final


def test_an_unprocessable_line_is_final_at_once() -> None:
    assert compute_test_result(None, unprocessable_reason="invalid", notification_id="") == LineResult("unprocessable invalid", (), True)


@pytest.mark.parametrize("all_read", [True, False])
def test_a_replay_is_final_when_the_router_has_read_it(all_read: bool) -> None:
    replay = SubmittedLine(SampleLine("kafka", ["replayed"], replay_of=1), 1.0, "n", "low")
    history = NotificationResults({"n": build_routed(1)}, {})
    assert compute_result(replay, history, NO_RECEIPT_TIMEOUTS, NOW, all_read) == LineResult("replayed", (), all_read)


@pytest.mark.parametrize("all_read", [True, False])
def test_what_is_expected_to_be_held_is_final_when_the_router_has_read_all(all_read: bool) -> None:
    submitted = SubmittedLine(SampleLine("kafka", ["held quiet_hours"], "low", {}), 1.0, "n", "low")
    held = NotificationResults({"n": NotificationResult(State.HELD, "quiet_hours", [])}, {})
    assert compute_result(submitted, held, NO_RECEIPT_TIMEOUTS, NOW, all_read) == LineResult("held quiet_hours", (), all_read)
    unexpected = msgspec.structs.replace(submitted, line=LINE)
    assert not compute_result(unexpected, held, NO_RECEIPT_TIMEOUTS, NOW, all_read).final
    assert not compute_result(submitted, NotificationResults({}, {}), NO_RECEIPT_TIMEOUTS, NOW, all_read).final, "it is not recorded yet"


def test_what_escalates_is_final_with_its_last_delivery() -> None:
    line = SampleLine("kafka", ["routed", "SENT", "SENT"], "low", {}, escalates=True)
    sent = [build_delivery_result("SENT")] * 2
    assert not compute_test_result(build_routed(1), *sent[:1], line=line).final
    assert compute_test_result(build_routed(2), *sent, line=line) == LineResult("routed", ("SENT", "SENT"), True)
    assert compute_test_result(build_routed(1), *sent[:1], line=msgspec.structs.replace(line, escalates=False)).final


result_states = st.sampled_from(["routed", "rejected expired", "rejected duplicate", "dead invalid", "replayed"])
result_lists = st.lists(
    st.builds(
        LineResult, result_states, st.lists(st.sampled_from(["SENT", "FAILED retries_exhausted"]), max_size=2).map(tuple), st.booleans()
    )
)


@given(result_lists, st.integers(0, 5))
def test_the_counts_add_up(results: list[LineResult], lost_count: int) -> None:
    lost_count = min(lost_count, sum(not result.final for result in results))
    reconciliation = reconcile(results, lost_count)
    assert (
        reconciliation.result_counts.total() + reconciliation.in_flight_count + reconciliation.lost_count
        == reconciliation.submitted_count
        == len(results)
    )
    assert sum(reconciliation.build_final_counts()["state"].values()) == reconciliation.result_counts.total()
    assert sum(reconciliation.build_final_counts()["status"].values()) == reconciliation.status_counts.total()
    assert reconciliation.complete == all(result.final for result in results)


def test_final_lines_are_counted_by_status_state_and_reason() -> None:
    results = [
        LineResult("routed", ("SENT", "FAILED retries_exhausted"), True),
        LineResult("rejected expired", (), True),
        LineResult("routed", ("PENDING",), False),
    ]
    assert reconcile(results).build_final_counts() == {
        "status": {"FAILED": 1, "SENT": 1},
        "state": {"rejected": 1, "routed": 1},
        "reason": {"retries_exhausted": 1, "expired": 1},
    }


@pytest.mark.parametrize(
    ("expected", "result", "found"),
    [
        (["routed", "SENT"], LineResult("routed", ("SENT",), True), None),
        (["routed", "SENT", "SENT"], LineResult("routed", ("SENT", "DELIVERED"), True), None),
        (["routed", "DELIVERED"], LineResult("routed", ("SENT",), True), "routed, SENT"),
        (["dead invalid"], LineResult("dead invalid", (), True), None),
        (["dead invalid"], LineResult("dead undecodable", (), True), "dead undecodable"),
        (["routed", "SENT"], LineResult("routed", ("FAILED misconfigured",), True), "routed, FAILED misconfigured"),
        (["routed", "FAILED misconfigured"], LineResult("routed", ("FAILED retries_exhausted",), True), "routed, FAILED retries_exhausted"),
        (["routed", "SENT", "SENT"], LineResult("routed", ("SENT",), True), "routed, SENT"),
        (["routed", "SENT"], LineResult("routed", ("SENT", "SENT"), True), "routed, SENT, SENT"),
        (["routed", "SENT"], LineResult("routed", ("SENT",), False), "routed, SENT (not final)"),
        (["routed", "SENT"], LineResult(), "nothing recorded (not final)"),
    ],
)
def test_a_mismatch_names_the_line_the_expected_and_the_found_result(expected: list[str], result: LineResult, found: str | None) -> None:
    fitting = SubmittedLine(LINE, 1.0, "other"), LineResult("routed", (), True)
    submitted = SubmittedLine(SampleLine("kafka", expected, "low", {}), 1.0, "n")
    mismatches = find_mismatches([fitting[0], submitted], [fitting[1], result])
    assert mismatches == ([] if found is None else [LineMismatch(2, "n", ", ".join(expected), found)])


def test_two_lines_with_exchanged_results_are_two_mismatches() -> None:
    submitted = [
        SubmittedLine(SampleLine("kafka", [expected], "low", {}), 1.0, expected) for expected in ("dead invalid", "dead null_value")
    ]
    results = [LineResult("dead null_value", (), True), LineResult("dead invalid", (), True)]
    assert [mismatch.number for mismatch in find_mismatches(submitted, results)] == [1, 2], "the counts alone are equal"
