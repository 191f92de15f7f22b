"""The observers update the declared metrics and log one line per batch, without addresses."""

import logging
from typing import Any

import msgspec
import pytest

from agents.broadcasts.counter import CountDelay, CountedPage, FailedCount
from agents.broadcasts.expander import ExpandedPage, ExpansionDelay, FailedBroadcast
from agents.delivery.breaker import Cause
from agents.delivery.observer import DeliveryBatchSummary
from agents.recorder.retrying_writer import HistoryCommit, Unrecordable, WriteRetry
from agents.router.evaluate import BatchSummary
from agents.scheduler.releaser import ReleaseSummary
from agents.scheduler.scheduler import BatchSummary as SchedulerBatchSummary
from agents.schedules.runner import InvalidSchedule, ScheduleDelay
from app.telemetry import Metrics
from app.workers.delivery_observer import DeliveryObserver
from app.workers.observers import BroadcastObserver, CountObserver, RecorderObserver, RouterObserver, ScheduleObserver, SchedulerObserver
from schemas.dead_letter import DeadLetter
from schemas.enums import Outcome, Status
from schemas.events import StatusEvent
from schemas.history import RecordedDeadLetter
from schemas.outcome import AttemptResult
from schemas.schedules import RunPlan, StartedRuns


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.INFO, logger="herold")
    return lambda: [(record.getMessage(), record.levelname, record.fields) for record in caplog.records]  # type: ignore[attr-defined]


def build_routed_batch(waiting: int = 0) -> BatchSummary:
    states = {("routed", ""): 5, ("rejected", "duplicate"): 2, ("dead", "invalid"): 1}
    return BatchSummary("notifications.high", 2, 10, states, {"email": 6}, 1, 1, waiting, 0.02)


def test_a_routed_batch_is_counted_and_logged(metrics: Metrics, lines: Any) -> None:
    RouterObserver(metrics)(build_routed_batch())
    page = metrics.encode_metrics().decode()
    assert 'herold_notifications_decided_total{priority="high",reason="duplicate",state="rejected"} 2.0' in page
    assert 'herold_router_records_total{priority="high",result="decided"} 8.0' in page
    assert 'herold_router_records_total{priority="high",result="repartitioned"} 1.0' in page
    assert 'herold_dead_letters_total{reason="invalid",stage="router"} 1.0' in page
    ((name, level, fields),) = lines()
    assert (name, level) == ("router.batch_completed", "INFO")
    assert fields["states"] == {"routed": 5, "rejected:duplicate": 2, "dead:invalid": 1}


def test_a_batch_that_waits_is_a_warning(metrics: Metrics, lines: Any) -> None:
    RouterObserver(metrics)(msgspec.structs.replace(build_routed_batch(waiting=3), cause="PostgreSQL does not answer"))
    ((name, level, fields),) = lines()
    assert (name, level, fields["waiting"], fields["cause"]) == ("router.batch_delayed", "WARNING", 3, "PostgreSQL does not answer")


def build_status_event(status: Status, outcome: Outcome, **more: Any) -> StatusEvent:
    return StatusEvent("dlv_1", "ntf_1", "u-1", "email", status, 20.0, 10.0, outcome=outcome, **more)


def test_attempts_are_counted_before_their_batch_ends(metrics: Metrics, lines: Any) -> None:
    observer = DeliveryObserver(metrics, "email")
    observer.on_attempt("low", build_status_event(Status.PENDING, Outcome.UNKNOWN))
    observer.on_attempt("low", build_status_event(Status.SENT, Outcome.ACCEPTED, possible_duplicate=True))
    for _ in range(2):  # a scrape counts what is new
        page = metrics.encode_metrics().decode()
    assert 'herold_delivery_attempts_total{channel="email",outcome="UNKNOWN",priority="low"} 1.0' in page
    assert 'herold_delivery_attempts_total{channel="email",outcome="ACCEPTED",priority="low"} 1.0' in page
    assert 'herold_deliveries_ended_total{channel="email",priority="low",reason="",status="SENT"} 1.0' in page
    assert 'herold_possible_duplicates_total{channel="email"} 1.0' in page
    assert 'herold_handover_latency_seconds_count{channel="email",priority="low"} 1.0' in page
    assert 'herold_handover_latency_seconds_sum{channel="email",priority="low"} 10.0' in page
    observer.on_batch_end(DeliveryBatchSummary("low", 1, 1, {"ACCEPTED": 1}, 0.5))
    ((name, _, fields),) = lines()
    assert (name, fields["outcomes"], fields["duration_ms"]) == ("delivery.batch_completed", {"ACCEPTED": 1}, 500.0)


def test_a_dead_letter_is_logged_with_its_ids(metrics: Metrics, lines: Any) -> None:
    DeliveryObserver(metrics, "sms").on_dead_letter("high", "retries_exhausted", "ntf_1", "dlv_1")
    assert 'herold_dead_letters_total{reason="retries_exhausted",stage="delivery"} 1.0' in metrics.encode_metrics().decode()
    ((name, level, fields),) = lines()
    assert (name, level) == ("delivery.dead_lettered", "WARNING")
    assert fields == {
        "channel": "sms",
        "priority": "high",
        "reason": "retries_exhausted",
        "notification_id": "ntf_1",
        "delivery_id": "dlv_1",
    }


def test_a_paused_account_is_an_error_with_cause_and_action_and_its_end_is_logged(metrics: Metrics, lines: Any) -> None:
    observer = DeliveryObserver(metrics, "email")
    fault = AttemptResult(Outcome.REJECTED_PERMANENT, "misconfigured", 401, detail="the API key is wrong", is_account_fault=True)
    for is_again in (False, True):  # it is reported once
        observer.on_breaker_opened("https://api.sendgrid.com:443", Cause.CREDENTIALS, 1.0, fault, is_again=is_again)
    observer.on_breaker_closed("https://api.sendgrid.com:443", Cause.CREDENTIALS, 61.26)
    assert 'herold_account_pauses_total{cause="credentials",channel="email"} 1.0' in metrics.encode_metrics().decode()
    (paused, paused_level, fields), (resumed, resumed_level, resumed_fields) = lines()
    assert (paused, paused_level, fields["code"], fields["cause"]) == ("delivery.account_paused", "ERROR", 401, "the API key is wrong")
    assert "correct" in fields["action"]
    assert (resumed, resumed_level, resumed_fields["seconds"]) == ("delivery.account_resumed", "WARNING", 61.3)


def test_a_breaker_that_opens_and_closes_is_logged_and_shown(metrics: Metrics, lines: Any) -> None:
    class Shown:
        def __init__(self) -> None:
            self.calls: list[tuple[Any, ...]] = []

        def set_open(self, *values: Any) -> None:
            self.calls.append(values)

        def set_closed(self, *values: Any) -> None:
            self.calls.append(values)

    shown, account = Shown(), "https://shop.example.org:443"
    observer = DeliveryObserver(metrics, "webhook", shown)
    result = AttemptResult(Outcome.UNKNOWN, "", 503, detail="")
    for seconds, is_again in ((5.04, False), (10.0, True)):
        observer.on_breaker_opened(account, Cause.FAILURES, seconds, result, is_again=is_again)
    observer.on_breaker_closed(account, Cause.FAILURES, 15.2)
    assert shown.calls == [(account, Cause.FAILURES, 5.04), (account, Cause.FAILURES, 10.0), (account,)]
    (opened, level, fields), (closed, closed_level, closed_fields) = lines()
    assert (opened, level, closed, closed_level) == ("delivery.breaker_opened", "WARNING", "delivery.breaker_closed", "WARNING")
    assert fields == {"channel": "webhook", "account": account, "code": 503, "cause": "failures", "kind": "failures", "seconds": 5.0}
    assert closed_fields == {"channel": "webhook", "account": account, "seconds": 15.2}


def test_commits_retries_and_unrecordable_events_are_logged(metrics: Metrics, lines: Any) -> None:
    observer = RecorderObserver(metrics)
    observer(HistoryCommit(3, 4, 0, 0.1))
    observer(WriteRetry("PostgreSQL does not answer", 0.2))
    dead_letter = DeadLetter("recorder", "unstorable", "a secret of somebody", "notifications.status", 1, 9)
    observer(Unrecordable(RecordedDeadLetter(1.0, "notifications.status", 1, 9, dead_letter)))
    page = metrics.encode_metrics().decode()
    assert 'herold_recorder_rows_total{table="delivery_logs"} 4.0' in page
    assert 'herold_recorder_rows_total{table="dead_letters"}' not in page
    assert [name for name, _, _ in lines()] == ["recorder.batch_committed", "recorder.database_unavailable", "recorder.dead_lettered"]
    assert "secret" not in str(lines())


def test_batches_and_releases_of_the_scheduler_are_counted_and_logged(metrics: Metrics, lines: Any) -> None:
    observer = SchedulerObserver(metrics)
    observer.on_batch_end(SchedulerBatchSummary("t-scheduled.low", 1, {"stored": 3, "cancelled": 1}, {"invalid": 2}, 0.01))
    observer.on_release(ReleaseSummary(1, {"high": [0.01, 0.02], "low": [0.3]}))
    page = metrics.encode_metrics().decode()
    assert 'herold_scheduler_records_total{priority="low",result="stored"} 3.0' in page
    assert 'herold_dead_letters_total{reason="invalid",stage="scheduler"} 2.0' in page
    assert 'herold_scheduler_releases_total{priority="high"} 2.0' in page
    assert 'herold_release_lateness_seconds_bucket{le="0.05",priority="low"} 0.0' in page
    (batch, release) = lines()
    assert batch[:2] == ("scheduler.batch_completed", "WARNING")
    assert release == ("scheduler.released", "INFO", {"partition": 1, "entries": {"high": 2, "low": 1}, "lateness_max_ms": 300})


def test_runs_and_delays_of_schedules_are_counted_and_logged(metrics: Metrics, lines: Any) -> None:
    observe = ScheduleObserver(metrics)
    observe(StartedRuns("sch_1", "news", RunPlan([10.0], 70.0), ["brd_1"]))
    observe(StartedRuns("sch_1", "news", RunPlan([60.0, 70.0], None, 3), ["brd_2", "brd_3"]))
    observe(InvalidSchedule("sch_2", "ValueError: not a cron expression"))
    observe(ScheduleDelay("PostgreSQL does not answer", 2.0))
    page = metrics.encode_metrics().decode()
    assert 'herold_schedule_runs_total{result="started"} 3.0' in page
    assert 'herold_schedule_runs_total{result="skipped"} 3.0' in page
    assert [(name, level) for name, level, _ in lines()] == [
        ("scheduler.schedule_run", "INFO"),
        ("scheduler.schedule_run", "WARNING"),
        ("scheduler.schedule_ended", "ERROR"),
        ("scheduler.schedules_delayed", "WARNING"),
    ]


def test_pages_failures_and_delays_of_broadcasts_are_counted_and_logged(metrics: Metrics, lines: Any) -> None:
    observer = BroadcastObserver(metrics)
    observer(ExpandedPage("brd_1", "low", 1000, False, 0.02))
    observer(ExpandedPage("brd_1", "low", 7, True, 0.01))
    observer(FailedBroadcast("brd_2", "its audience was deleted"))
    observer(ExpansionDelay("PostgreSQL does not answer", 2.0))
    page = metrics.encode_metrics().decode()
    assert 'herold_broadcast_notifications_total{priority="low"} 1007.0' in page
    assert 'herold_broadcasts_ended_total{state="done"} 1.0' in page
    assert 'herold_broadcasts_ended_total{state="failed"} 1.0' in page
    assert [(name, level) for name, level, _ in lines()] == [
        ("scheduler.broadcast_page_produced", "INFO"),
        ("scheduler.broadcast_page_produced", "INFO"),
        ("scheduler.broadcast_failed", "ERROR"),
        ("scheduler.broadcasts_delayed", "WARNING"),
    ]


def test_cancels_and_delays_of_counts_are_counted_and_logged(metrics: Metrics, lines: Any) -> None:
    observer = CountObserver(metrics)
    observer(CountedPage("brd_1", 1000, 0, False))
    observer(CountedPage("brd_1", 1000, 40, True))
    observer(FailedCount("brd_1", "unexpected error: KeyError", 3600.0))
    observer(CountDelay("PostgreSQL does not answer", 2.0))
    assert "herold_broadcast_cancels_total 40.0" in metrics.encode_metrics().decode()
    assert [(name, level) for name, level, _ in lines()] == [
        ("scheduler.broadcast_cancels_requested", "INFO"),
        ("scheduler.broadcast_count_failed", "ERROR"),
        ("scheduler.broadcast_counts_delayed", "WARNING"),
    ]
