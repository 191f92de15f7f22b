"""The deliveries and examples of a run, its result, and the settings."""

import msgspec
import pytest

from app.settings import load_settings
from dev.sample.notification_results import DeliveryResult, NotificationResult, NotificationResults
from dev.sample.reconciliation import LineResult, reconcile
from dev.sample.request_log_comparison import RequestLogComparison
from dev.sample.result import SampleResult
from dev.sample.runner import collect_deliveries, pick_examples
from dev.sample.sample_file import SampleLine
from dev.sample.settings import build_sample_settings
from dev.sample.submissions import SubmittedLine
from schemas.enums import State, Status
from schemas.events import DeliveryRef

LINE, REPLAY_LINE = SampleLine("kafka", ["routed"], "low", {}), SampleLine("kafka", ["replayed"], replay_of=1)
CONSISTENT = RequestLogComparison([], [], [], [], 0, 1, 1, {})


def build_result(results: list[LineResult], lost_count: int = 0, comparison: RequestLogComparison = CONSISTENT) -> SampleResult:
    return SampleResult(reconcile(results, lost_count), comparison, {}, {}, 1.234)


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
        delivery_id: (delivery.status, delivery.priority, delivery.submitted_at, delivery.planned)
        for delivery_id, delivery in collect_deliveries(submitted, history).items()
    }
    assert deliveries == {"d1": ("SENT", "high", 5.0, True), "d2": ("PENDING", "high", 5.0, True), "d3": ("SENT", "high", 5.0, False)}


def test_examples_are_the_first_of_each_result() -> None:
    submitted = [SubmittedLine(LINE, 0.0, notification_id, "low") for notification_id in ("a", "b", "c")]
    results = [
        LineResult("routed", ("SENT", "FAILED retries_exhausted"), True),
        LineResult("routed", ("SENT",), True),
        LineResult("dead invalid", (), True),
    ]
    assert pick_examples(submitted, results) == {"SENT": "a", "FAILED retries_exhausted": "a", "routed": "b", "dead invalid": "c"}


@pytest.mark.parametrize(
    ("results", "lost_count", "comparison", "ok"),
    [
        ([LineResult("routed", ("SENT",), True)], 0, CONSISTENT, True),
        ([LineResult("routed", ("SENT",), True), LineResult()], 0, CONSISTENT, False),
        ([LineResult("routed", ("SENT",), True), LineResult()], 1, CONSISTENT, False),
        ([LineResult("routed", ("SENT",), True)], 0, msgspec.structs.replace(CONSISTENT, missing_requests=["d"]), False),
        ([LineResult("routed", ("SENT",), True)], 0, msgspec.structs.replace(CONSISTENT, duplicate_count=3), True),
    ],
)
def test_a_run_is_ok_if_all_is_final_and_the_request_log_agrees(
    results: list[LineResult], lost_count: int, comparison: RequestLogComparison, ok: bool
) -> None:
    assert build_result(results, lost_count, comparison).ok is ok


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
        "duplicates": 0,
        "seconds": 1.23,
    }


def test_the_settings_of_the_sample_are_those_of_the_process() -> None:
    sample_settings = build_sample_settings(
        load_settings({"HEROLD_GATEWAY_PORT": "81", "HEROLD_SIMULATORS_URL": "http://t/", "HEROLD_RECEIPT_TIMEOUTS_SMS": "9"})
    )
    assert (sample_settings.api_url, sample_settings.simulators_url) == ("http://127.0.0.1:81", "http://t")
    assert sample_settings.receipt_timeouts == {"email": 0, "sms": 9}
    assert "api_key" not in repr(sample_settings)
