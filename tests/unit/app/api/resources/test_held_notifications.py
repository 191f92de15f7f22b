"""A held notification is cancelled or moved if the scheduler says so; what is too late is a conflict, never a success."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from schemas.enums import State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.history import NotificationHistory
from schemas.ids import DELIVERY_PREFIX, compute_partition, make_id
from schemas.scheduled import Cancel, Reschedule
from tests.unit.app.api.harness import NOW, GatewayHarness, make_notification_id
from tests.unit.app.api.resources.test_notifications import assert_problem

ID = make_notification_id()
URL = f"/v1/notifications/{ID}"
LATER = NOW + 7200


def build_history(state: State, reason: str, resume_count: int, entries: Sequence[GateResult] = (), **inputs: Any) -> NotificationHistory:
    log = [*entries, GateResult("schedule", "hold", reason, inputs)]
    event = DecidedEvent(ID, "u-42", state, NOW, NOW, "low", "order.shipped", "", reason, [], log, resume_count=resume_count)
    return NotificationHistory(event, [], [])


HELD = build_history(State.HELD, "send_at", 0, until=NOW + 3600)
CANCELLED = build_history(State.REJECTED, "cancelled", 1)
MOVED = build_history(State.HELD, "rescheduled", 1, until=LATER)
RELEASED = build_history(State.ROUTED, "", 1)
CANCELLED_LATER = build_history(State.REJECTED, "cancelled", 2)
MOVED_LATER = build_history(State.HELD, "rescheduled", 2, until=LATER)
HELD_ENTRY = GateResult("schedule", "hold", "send_at", {"until": NOW + 3600})
MOVED_ENTRY = GateResult("schedule", "hold", "rescheduled", {"until": LATER})
CHANGES: list[tuple[str, dict[str, Any]]] = [("DELETE", {}), ("PATCH", {"json": {"send_at": LATER}})]


def build_harness(before: NotificationHistory | None, after: NotificationHistory | None = None) -> GatewayHarness:
    """A gateway whose history changes a moment after the request."""
    harness = GatewayHarness()
    if before:
        harness.history.histories[ID] = before
    if after:
        harness.on_sleep = lambda: harness.history.histories.update({ID: after})
    return harness


def test_a_cancelled_notification_is_returned_and_the_request_went_to_all_priorities() -> None:
    harness = build_harness(HELD, CANCELLED)
    with harness.build_client() as client:
        response = client.delete(URL)
    assert response.status_code == 200, response.text
    assert (response.json()["state"], response.json()["reason"]) == ("rejected", "cancelled")
    assert [record.topic for record in harness.publisher.records] == [f"t.scheduled.{priority}" for priority in ("high", "medium", "low")]
    assert {(record.partition, record.key) for record in harness.publisher.records} == {(compute_partition("u-42", 4), b"u-42")}
    assert msgspec.json.decode(harness.publisher.records[0].value, type=Cancel | Reschedule) == Cancel(ID, "u-42")


@pytest.mark.parametrize("body", [{"send_at": LATER}, {"send_at": "2025-10-09T10:53:20Z"}])
def test_a_moved_notification_is_returned(body: dict[str, Any]) -> None:
    harness = build_harness(HELD, MOVED)
    with harness.build_client() as client:
        response = client.patch(URL, json=body)
    assert response.status_code == 200, response.text
    assert (response.json()["state"], response.json()["reason"]) == ("held", "rescheduled")
    assert msgspec.json.decode(harness.publisher.records[2].value, type=Cancel | Reschedule) == Reschedule(ID, "u-42", LATER, 1)


def test_a_move_to_the_time_it_has_changes_nothing() -> None:
    harness = build_harness(HELD)
    with harness.build_client() as client:
        response = client.patch(URL, json={"send_at": NOW + 3600})
    assert (response.status_code, response.json()["state"], harness.publisher.records) == (200, "held", [])


@pytest.mark.parametrize(("method", "options"), CHANGES)
def test_what_was_released_first_is_a_conflict(method: str, options: dict[str, Any]) -> None:
    with build_harness(HELD, RELEASED).build_client() as client:
        problem = assert_problem(client.request(method, URL, **options), 409)
    assert problem["type"] == "/docs#conflict"


@pytest.mark.parametrize("last", [MOVED_ENTRY, GateResult("schedule", "hold", "rescheduled", {"until": LATER + 0.0004})])
def test_what_was_moved_and_released_before_the_answer_was_moved(last: GateResult) -> None:
    after = build_history(State.ROUTED, "", 2, entries=[HELD_ENTRY, last])
    with build_harness(HELD, after).build_client() as client:
        response = client.patch(URL, json={"send_at": LATER})
    assert (response.status_code, response.json()["state"]) == (200, "routed")


def test_what_was_moved_to_this_time_before_the_request_and_released_since_is_a_conflict() -> None:
    before = build_history(State.HELD, "rescheduled", 2, entries=[MOVED_ENTRY, HELD_ENTRY])
    after = build_history(State.ROUTED, "", 3, entries=[MOVED_ENTRY, HELD_ENTRY])
    with build_harness(before, after).build_client() as client:
        assert_problem(client.patch(URL, json={"send_at": LATER}), 409)


@pytest.mark.parametrize(("method", "options"), CHANGES)
def test_what_was_released_and_held_again_meanwhile_is_requested_again(method: str, options: dict[str, Any]) -> None:
    held_again = build_history(State.HELD, "quiet_hours", 1, until=NOW + 9000)
    harness = build_harness(HELD)
    steps = iter([held_again, held_again, CANCELLED_LATER if method == "DELETE" else MOVED_LATER])
    harness.on_sleep = lambda: harness.history.histories.update({ID: next(steps)})
    with harness.build_client() as client:
        response = client.request(method, URL, **options)
    assert (response.status_code, response.json()["reason"]) == (200, "cancelled" if method == "DELETE" else "rescheduled")
    assert len(harness.publisher.records) == 6


@pytest.mark.parametrize(("method", "options"), CHANGES)
def test_what_was_held_again_and_is_not_decided_in_time_is_not_a_conflict(method: str, options: dict[str, Any]) -> None:
    with build_harness(HELD, build_history(State.HELD, "quiet_hours", 1, until=NOW + 9000)).build_client() as client:
        assert client.request(method, URL, **options).status_code == 202


@pytest.mark.parametrize("before", [RELEASED, CANCELLED])
def test_what_is_not_held_any_more_is_a_conflict_without_a_request(before: NotificationHistory) -> None:
    harness = build_harness(before)
    with harness.build_client() as client:
        assert_problem(client.delete(URL), 409)
    assert harness.publisher.records == []


def test_the_channels_that_may_follow_can_be_cancelled_or_moved() -> None:
    step = GateResult("channels", "pass", "", {"strategy": "escalate", "channels": ["email"], "next": ["sms"], "escalates_at": NOW + 600})
    before = build_history(State.ROUTED, "", 0)
    assert before.decided is not None
    before = before._replace(
        decided=msgspec.structs.replace(before.decided, expires_at=NOW + 86_400, decision_log=[step, GateResult("fan_out", "pass")])
    )
    cancelled = build_history(State.ROUTED, "cancelled", 1)
    assert cancelled.decided is not None
    cancelled.decided.decision_log[:] = [step, GateResult("schedule", "reject", "cancelled")]
    ref = DeliveryRef(make_id(DELIVERY_PREFIX, NOW, 1), "email")
    cancelled.decided.deliveries.append(ref)
    cancelled = cancelled._replace(statuses=[StatusEvent(ref.id, ID, "u-42", "email", Status.SENT, NOW, NOW)])
    with build_harness(before, cancelled).build_client() as client:
        response = client.delete(URL)
    assert (response.status_code, response.json()["state"], response.json()["reason"]) == (200, "routed", "cancelled"), response.text
    assert [delivery["status"] for delivery in response.json()["deliveries"]] == ["SENT"]
    with build_harness(before, build_history(State.ROUTED, "rescheduled", 1, until=LATER)).build_client() as client:
        response = client.patch(URL, json={"send_at": LATER})
    assert (response.status_code, response.json()["escalates_at"]) == (200, LATER), response.text
    with build_harness(before).build_client() as client:
        problem = assert_problem(client.patch(URL, json={"send_at": LATER + 86_400}), 422)
    assert "expired" in problem["errors"][0]["detail"]


def test_what_is_accepted_and_not_decided_yet_may_be_asked_again() -> None:
    harness = build_harness(None)
    harness.recent_notifications.priorities[ID] = "low"
    with harness.build_client() as client:
        problem = assert_problem(client.delete(URL), 409)
    assert problem["retry_after"] == 1


def test_an_unknown_notification_is_not_found() -> None:
    with build_harness(None).build_client() as client:
        assert_problem(client.delete(URL), 404)
        assert_problem(client.patch("/v1/notifications/ntf_1", json={"send_at": LATER}), 404)


def test_without_an_answer_in_time_the_response_says_where_to_look() -> None:
    with build_harness(HELD).build_client() as client:
        response = client.delete(URL)
    assert response.status_code == 202
    assert response.json() == {"id": ID, "path": f"{URL}?user_id=u-42", "status": "requested"}


def test_a_request_that_kafka_does_not_confirm_is_unavailable() -> None:
    harness = build_harness(HELD)
    harness.publisher.error = "down"
    with harness.build_client() as client:
        assert assert_problem(client.delete(URL), 503)["retry_after"] == 1


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "send_at"),
        ({"send_at": None}, "$.send_at"),
        ({"send_at": NOW * 1000}, "$.send_at"),
        ({"send_at": "2025-10-09T10:53:20"}, "$.send_at"),
        ({"send_at": LATER, "other": 1}, "other"),
        ({"send_at": NOW + 31 * 86_400}, "more than 30 days"),
    ],
)
def test_an_invalid_time_is_invalid(body: dict[str, Any], path: str) -> None:
    harness = build_harness(HELD)
    with harness.build_client() as client:
        problem = assert_problem(client.patch(URL, json=body), 422)
    assert path in problem["detail"]
    assert harness.publisher.records == []
