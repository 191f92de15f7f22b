"""The deliveries and examples of a run, its result, and the settings."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from app.settings import load_settings
from dev.sample.broadcast import BroadcastProgress
from dev.sample.expected_result import plan_deliveries
from dev.sample.notification_results import DeliveryResult, NotificationResult, NotificationResults
from dev.sample.reconciliation import LineResult, compute_result, find_mismatches, reconcile
from dev.sample.request_log_comparison import RequestLogComparison
from dev.sample.result import SampleResult
from dev.sample.runner import collect_deliveries, pick_examples
from dev.sample.sample_file import SampleLine, load_sample
from dev.sample.settings import build_sample_settings
from dev.sample.submissions import SubmittedLine
from schemas.broadcasts import BroadcastState
from schemas.channels import CHANNEL_NAMES
from schemas.enums import Reason, State, Status
from schemas.events import DeliveryRef
from tables.postgres.seed import load_seed_policy, load_seed_profiles

LINE, REPLAY_LINE = SampleLine("kafka", ["routed"], "low", {}), SampleLine("kafka", ["replayed"], replay_of=1)
SENT = LineResult("routed", ("SENT",), True)
POLICY, PROFILES = load_seed_policy(), load_seed_profiles()
CONSISTENT = RequestLogComparison([], [], [], [], 0, 1, 1, {})


def build_result(results: list[LineResult], lost_count: int = 0, comparison: RequestLogComparison = CONSISTENT) -> SampleResult:
    return SampleResult(reconcile(results, lost_count), comparison, [], {}, 1.234)


def test_planned_and_unplanned_deliveries_are_collected() -> None:
    submitted = [
        SubmittedLine(LINE, 5.0, "n", "high"),
        SubmittedLine(REPLAY_LINE, 6.0, "n", "high"),
        SubmittedLine(LINE, 7.0, unprocessable_reason="invalid"),
    ]
    history = NotificationResults(
        {"n": NotificationResult(State.ROUTED, "", [DeliveryRef("d1", "email"), DeliveryRef("d2", "sms")])},
        {"d1": DeliveryResult("n", "email", Status.SENT, "", 8.0), "d3": DeliveryResult("n", "push", Status.SENT, "", 8.0)},
    )
    deliveries = {
        delivery_id: (delivery.status, delivery.priority, delivery.due_at, delivery.planned)
        for delivery_id, delivery in collect_deliveries(submitted, history).items()
    }
    assert deliveries == {"d1": ("SENT", "high", 5.0, True), "d2": ("PENDING", "high", 5.0, True), "d3": ("SENT", "high", 5.0, False)}


def test_the_next_channel_of_what_escalates_is_not_timed() -> None:
    refs = [DeliveryRef("d1", "push"), DeliveryRef("d2", "sms")]
    history = NotificationResults({"n": NotificationResult(State.ROUTED, "", refs)}, {})
    for escalates in (True, False):
        line = SubmittedLine(msgspec.structs.replace(LINE, escalates=escalates), 5.0, "n", "high")
        assert [one.timed for one in collect_deliveries([line], history).values()] == [True, not escalates]


def test_examples_are_the_first_of_each_result() -> None:
    submitted = [SubmittedLine(LINE, 0.0, notification_id, "low") for notification_id in ("a", "b", "c")]
    results = [
        LineResult("routed", ("SENT", "FAILED retries_exhausted"), True),
        LineResult("routed", ("SENT",), True),
        LineResult("dead invalid", (), True),
    ]
    assert pick_examples(submitted, results) == {"SENT": "a", "FAILED retries_exhausted": "a", "routed": "b", "dead invalid": "c"}


def test_an_example_of_a_type_and_of_what_was_held_until_its_time() -> None:
    limited = SubmittedLine(SampleLine("kafka", ["rejected rate_limited"], "low", {"type": "t"}), 0.0, "a", "low")
    released = SubmittedLine(SampleLine("kafka", ["routed"], "low", {"type": "t"}, send_after=2.0), 5.0, "b", "low")
    examples = pick_examples([limited, released], [LineResult("rejected rate_limited", (), True), SENT])
    assert (examples["rejected rate_limited t"], examples["released"]) == ("a", "b")
    escalated = SubmittedLine(SampleLine("kafka", ["routed"], "low", {"type": "t"}, escalates=True), 5.0, "c", "low")
    assert pick_examples([escalated], [LineResult("routed", ("FAILED rejected_recipient", "SENT"), True)])["escalated"] == "c"
    assert released.due_at == 7.0


@pytest.mark.parametrize(
    ("results", "lost_count", "comparison", "ok"),
    [
        ([SENT], 0, CONSISTENT, True),
        ([SENT, LineResult()], 0, CONSISTENT, False),
        ([SENT, LineResult()], 1, CONSISTENT, False),
        ([SENT], 0, msgspec.structs.replace(CONSISTENT, missing_requests=["d"]), False),
        ([SENT], 0, msgspec.structs.replace(CONSISTENT, duplicate_count=1), False),
    ],
)
def test_a_run_is_ok_if_all_is_final_without_duplicates_and_the_request_log_agrees(
    results: list[LineResult], lost_count: int, comparison: RequestLogComparison, ok: bool
) -> None:
    assert build_result(results, lost_count, comparison).ok is ok


@pytest.mark.parametrize(("state", "count", "ok"), [("done", 2, True), ("done", 1, False), ("failed", 2, False)])
def test_a_run_is_ok_only_if_its_broadcast_has_reached_all(state: BroadcastState, count: int, ok: bool) -> None:
    broadcast = BroadcastProgress("brd_1", state, 2, count)
    assert msgspec.structs.replace(build_result([SENT]), broadcast=broadcast).ok is ok


def record_expected_results(lines: Sequence[SampleLine]) -> NotificationResults:
    """The history after a run in which each line ended as expected; the id of a notification is its number."""
    notifications, deliveries = {}, {}
    for number, line in enumerate(lines, 1):
        state, _, reason = line.expected[0].partition(" ")
        if state in ("unprocessable", "replayed"):
            continue
        planned = plan_deliveries(line.expanded_notification or {}, POLICY, PROFILES) if state == "routed" else []
        refs = [DeliveryRef(f"{number}-{index}", channel) for index, (channel, _) in enumerate(planned)]
        notifications[str(number)] = NotificationResult(State(state), reason, refs)
        for ref, text in zip(refs, line.expected[1:], strict=True):
            status, _, reason = text.partition(" ")
            deliveries[ref.id] = DeliveryResult(str(number), ref.channel, Status(status), reason, 1.0)
    return NotificationResults(notifications, deliveries)


def run_shop(change: Callable[[str, DeliveryResult], DeliveryResult]) -> SampleResult:
    """The result of a complete and consistent run of shop.jsonl after a change of its deliveries."""
    lines = load_sample("r", "http://simulators", "u-ruth")
    history = record_expected_results(load_sample("{run}", "{simulators}", "u-ruth"))
    history.deliveries.update({id_: change(id_, delivery) for id_, delivery in history.deliveries.items()})
    submitted = []
    for number, line in enumerate(lines, 1):
        state, _, reason = line.expected[0].partition(" ")
        submitted.append(SubmittedLine(line, 1.0, str(number), "low", reason if state == "unprocessable" else ""))
    results = [compute_result(line, history, dict.fromkeys(CHANNEL_NAMES, 0), 9.0, all_read=True) for line in submitted]
    return SampleResult(reconcile(results), CONSISTENT, find_mismatches(submitted, results), {}, 1.0)


def test_a_run_is_ok_if_each_line_of_the_shop_ended_as_expected() -> None:
    result = run_shop(lambda _, delivery: delivery)
    assert (result.ok, result.mismatches, result.reconciliation.submitted_count) == (True, [], 1000)


def test_a_complete_run_with_every_email_misconfigured_is_not_ok() -> None:
    misconfigured = {"status": Status.FAILED, "reason": Reason.MISCONFIGURED}
    result = run_shop(lambda _, delivery: delivery._replace(**misconfigured) if delivery.channel == "email" else delivery)
    assert result.reconciliation.complete
    assert not result.ok
    assert len(result.mismatches) > 400


@pytest.mark.parametrize(
    "wrong", [{"status": Status.FAILED, "reason": "misconfigured"}, {"reason": "opted_out"}, {"status": Status.BOUNCED}]
)
def test_one_wrong_delivery_makes_a_run_not_ok_and_is_named(wrong: dict[str, Any]) -> None:
    sent = next(number for number, line in enumerate(load_sample("r", "", "u-ruth"), 1) if line.expected == ["routed", "SENT"])
    result = run_shop(lambda id_, delivery: delivery._replace(**wrong) if id_ == f"{sent}-0" else delivery)
    assert not result.ok
    assert [(mismatch.number, mismatch.notification_id) for mismatch in result.mismatches] == [(sent, str(sent))]
    assert result.mismatches[0].expected == "routed, SENT"


def test_the_last_line_is_one_json_object() -> None:
    text = build_result(
        [LineResult("routed", ("SENT",), True), LineResult("rejected expired", (), True), LineResult(), LineResult()], lost_count=1
    ).to_json()
    assert "\n" not in text
    assert msgspec.json.decode(text) == {
        "submitted": 4,
        "final": {"status": {"SENT": 1}, "state": {"rejected": 1, "routed": 1}, "reason": {"expired": 1}},
        "in_flight": 1,
        "lost": 1,
        "mismatches": 0,
        "duplicates": 0,
        "seconds": 1.23,
    }


def test_the_settings_of_the_sample_are_those_of_the_process() -> None:
    sample_settings = build_sample_settings(
        load_settings(
            {
                "HEROLD_GATEWAY_PORT": "81",
                "HEROLD_SIMULATORS_URL": "http://t/",
                "HEROLD_RECEIPT_TIMEOUTS_SMS": "4",
                "HEROLD_PROVIDERS_SENDGRID_WEBHOOK_PUBLIC_KEY": "AAAA",
                "HEROLD_PROVIDERS_TWILIO_CALLBACK_BASE_URL": "http://127.0.0.1:81",
            }
        )
    )
    assert (sample_settings.api_url, sample_settings.simulators_url) == ("http://127.0.0.1:81", "http://t")
    assert sample_settings.receipt_timeouts == {"email": 5, "sms": 4, "push": 0}
    assert "api_key" not in repr(sample_settings)
