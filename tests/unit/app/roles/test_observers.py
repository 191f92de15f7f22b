"""What roles tell of their work reaches the declared metrics and one wide line per batch, without addresses."""

import logging
from typing import Any

import msgspec
import pytest

from agents.delivery.observer import EndedBatch
from agents.recorder.writing import Committed, Stray, Waiting
from agents.router.settle import RoutedBatch
from app.roles.observers import DeliveryObserver, RecorderObserver, RouterObserver
from app.telemetry import Metrics
from schemas.deadletter import DeadLetter
from schemas.history import FiledLetter
from schemas.status import Status
from schemas.words import Outcome, StatusName


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.INFO, logger="herold")
    return lambda: [(record.getMessage(), record.levelname, record.fields) for record in caplog.records]  # type: ignore[attr-defined]


def routed(waiting: int = 0) -> RoutedBatch:
    states = {("routed", ""): 5, ("refused", "duplicate"): 2, ("dead", "invalid"): 1}
    return RoutedBatch("notifications.high", 2, 10, states, {"email": 6}, 1, 1, waiting, 0.02)


def test_a_routed_batch(metrics: Metrics, lines: Any) -> None:
    RouterObserver(metrics)(routed())
    page = metrics.page().decode()
    assert 'herold_notifications_total{lane="high",reason="duplicate",state="refused"} 2.0' in page
    assert 'herold_router_records_total{kind="decided",lane="high"} 8.0' in page
    assert 'herold_router_records_total{kind="forwarded",lane="high"} 1.0' in page
    assert 'herold_dead_letters_total{reason="invalid",stage="router"} 1.0' in page
    ((name, level, fields),) = lines()
    assert (name, level) == ("router.batch", "INFO")
    assert fields["states"] == {"routed": 5, "refused:duplicate": 2, "dead:invalid": 1}


def test_a_batch_that_waits_is_a_warning(metrics: Metrics, lines: Any) -> None:
    RouterObserver(metrics)(msgspec.structs.replace(routed(waiting=3), cause="PostgreSQL does not answer"))
    ((name, level, fields),) = lines()
    assert (name, level, fields["waiting"], fields["cause"]) == ("router.waits", "WARNING", 3, "PostgreSQL does not answer")


def status(status: StatusName, outcome: Outcome, **more: Any) -> Status:
    return Status("dlv_1", "ntf_1", "u-1", "email", status, 20.0, 10.0, outcome=outcome, **more)


def test_attempts_are_counted_with_their_batch(metrics: Metrics, lines: Any) -> None:
    observer = DeliveryObserver(metrics, "email")
    observer.attempted("low", status(StatusName.PENDING, Outcome.UNKNOWN))
    observer.attempted("low", status(StatusName.SENT, Outcome.ACCEPTED, possible_duplicate=True))
    observer.ended(EndedBatch("low", 1, 1, {"ACCEPTED": 1}, 0.5))
    page = metrics.page().decode()
    assert 'herold_attempts_total{channel="email",lane="low",outcome="UNKNOWN"} 1.0' in page
    assert 'herold_attempts_total{channel="email",lane="low",outcome="ACCEPTED"} 1.0' in page
    assert 'herold_deliveries_total{channel="email",lane="low",reason="",status="SENT"} 1.0' in page
    assert 'herold_possible_duplicates_total{channel="email"} 1.0' in page
    assert 'herold_handover_seconds_count{channel="email",lane="low"} 1.0' in page
    ((name, _, fields),) = lines()
    assert (name, fields["outcomes"], fields["ms"]) == ("delivery.batch", {"ACCEPTED": 1}, 500.0)


def test_a_dead_delivery_is_named_by_its_ids(metrics: Metrics, lines: Any) -> None:
    DeliveryObserver(metrics, "sms").dead("high", "exhausted", "ntf_1", "dlv_1")
    assert 'herold_dead_letters_total{reason="exhausted",stage="delivery"} 1.0' in metrics.page().decode()
    ((name, level, fields),) = lines()
    assert (name, level) == ("delivery.dead", "WARNING")
    assert fields == {"channel": "sms", "lane": "high", "reason": "exhausted", "notification_id": "ntf_1", "delivery_id": "dlv_1"}


def test_commits_waits_and_strays(metrics: Metrics, lines: Any) -> None:
    observer = RecorderObserver(metrics)
    observer(Committed(3, 4, 0, 0.1))
    observer(Waiting("PostgreSQL does not answer", 0.2))
    letter = DeadLetter("recorder", "unstorable", "a secret of somebody", "notifications.status", 1, 9)
    observer(Stray(FiledLetter(1.0, "notifications.status", 1, 9, letter)))
    page = metrics.page().decode()
    assert 'herold_recorded_total{kind="attempts"} 4.0' in page
    assert 'herold_recorded_total{kind="letters"}' not in page
    assert [name for name, _, _ in lines()] == ["recorder.commit", "recorder.waits", "recorder.stray"]
    assert "secret" not in str(lines())
