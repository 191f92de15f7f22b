import json
from typing import Any

import msgspec
import pytest

from schemas.enums import Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.history import NotificationHistory
from schemas.ids import DELIVERY_PREFIX, compute_partition, make_id
from schemas.notification import Notification
from schemas.profile import Profile
from schemas.topics import MAX_NOTIFICATION_BYTES
from tests.unit.app.api.harness import NOW, GatewayHarness, make_notification_id

SUBMISSION = {"user_id": "u-42", "type": "order.shipped"}
URL = "/v1/notifications"
DELIVERY_ID = make_id(DELIVERY_PREFIX, NOW, 1)


def assert_problem(response: Any, status: int) -> dict[str, Any]:
    """Check a problem document with this status, and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem


def build_routed_history(notification_id: str = make_notification_id(), user_id: str = "u-42") -> NotificationHistory:
    decision_log = [GateResult("channels", "pass", "", {"channels": ["email"]})]
    decided = DecidedEvent(
        notification_id,
        user_id,
        State.ROUTED,
        NOW,
        NOW,
        "low",
        "order.shipped",
        deliveries=[DeliveryRef(DELIVERY_ID, "email")],
        decision_log=decision_log,
    )
    attempt = {"outcome": Outcome.ACCEPTED, "provider": "sendgrid", "duration_ms": 12.5}
    sent = StatusEvent(DELIVERY_ID, notification_id, user_id, "email", Status.SENT, NOW, NOW, **attempt)
    return NotificationHistory(decided, [sent], [sent])


def test_submit_responds_202_with_the_record_in_kafka() -> None:
    harness = GatewayHarness()
    with harness.build_client() as client:
        response = client.post(URL, json={**SUBMISSION, "priority": "high", "data": {"order": 17}})
    assert response.status_code == 202
    assert response.json() == {"id": make_notification_id(1), "status": "accepted", "priority": "high"}
    (record,) = harness.publisher.records
    assert (record.topic, record.partition, record.key) == ("t.notifications.high", compute_partition("u-42", 4), b"u-42")
    assert b"priority" not in record.value
    assert harness.publisher.decode_notifications() == [
        Notification("u-42", "order.shipped", make_notification_id(1), data={"order": 17}, created_at=NOW)
    ]


def test_submit_keeps_the_id_and_time_of_the_submission() -> None:
    harness = GatewayHarness()
    with harness.build_client() as client:
        response = client.post(URL, json={**SUBMISSION, "id": make_notification_id(77), "created_at": NOW - 5})
    assert response.json()["id"] == make_notification_id(77)
    (notification,) = harness.publisher.decode_notifications()
    assert (notification.id, notification.created_at) == (make_notification_id(77), NOW - 5)


def test_submit_writes_times_in_rfc_3339_as_epoch_seconds() -> None:
    harness = GatewayHarness()
    times = {"created_at": "2025-10-09T08:53:15Z", "send_at": "2025-10-09T08:53:19Z", "expires_at": "2025-10-09T10:54:20.5+02:00"}
    with harness.build_client() as client:
        assert client.post(URL, json={**SUBMISSION, **times}).status_code == 202
        assert client.post(f"{URL}/bulk", json=[{**SUBMISSION, **times}]).status_code == 202
    for notification in harness.publisher.decode_notifications():
        assert (notification.created_at, notification.send_at, notification.expires_at) == (NOW - 5, NOW - 1, NOW + 60.5)


@pytest.mark.parametrize("path", ["", "/bulk"])
@pytest.mark.parametrize(("factor", "unit"), [(1e3, "milliseconds"), (1e6, "microseconds")])
@pytest.mark.parametrize("name", ["created_at", "send_at", "expires_at"])
def test_a_time_in_another_unit_is_422_with_the_field_and_the_unit(name: str, factor: float, unit: str, path: str) -> None:
    body = {**SUBMISSION, name: (NOW + 60) * factor}
    with GatewayHarness().build_client() as client:
        (error,) = assert_problem(client.post(URL + path, json=[body] if path else body), 422)["errors"]
    assert error["path"] == (f"$[0].{name}" if path else f"$.{name}")
    assert unit in error["detail"]


def test_submit_uses_the_priority_of_the_rule() -> None:
    with GatewayHarness().build_client() as client:
        assert client.post(URL, json=SUBMISSION).json()["priority"] == "low"


@pytest.mark.parametrize("content_type", ["", "application/json; charset=utf-8", "application/x-www-form-urlencoded"])
def test_submit_accepts_json_however_clients_call_it(content_type: str) -> None:
    with GatewayHarness().build_client() as client:
        response = client.post(URL, content=msgspec.json.encode(SUBMISSION), headers={"content-type": content_type})
    assert response.status_code == 202


@pytest.mark.parametrize(
    ("body", "path", "pointer"),
    [
        (b"", "$", "#"),
        (b"{", "$", "#"),
        (b'{"type": "order.shipped"}', "$.user_id", "#/user_id"),
        (b'{"user_id": "u", "type": 7}', "$.type", "#/type"),
        (b'{"user_id": "u", "type": "unknown.type"}', "$.type", "#/type"),
        (b'{"user_id": "u", "type": "order.shipped", "template": "none"}', "$.template", "#/template"),
        (b'{"user_id": "u", "type": "order.shipped", "id": "ntf_1"}', "$.id", "#/id"),
        (b'{"user_id": "u", "type": "order.shipped", "to": {"sms": "0170 1234567"}}', "$.to.sms", "#/to/sms"),
        (b'{"user_id": "u", "type": "order.shipped", "to": {"email": ["a@x.org", "b"]}}', "$.to.email[1]", "#/to/email/1"),
        (b'{"user_id": "u", "type": "order.shipped", "priority": "urgent"}', "$.priority", "#/priority"),
    ],
)
def test_an_invalid_submission_is_422_with_the_path_of_the_field(body: bytes, path: str, pointer: str) -> None:
    harness = GatewayHarness()
    with harness.build_client() as client:
        problem = assert_problem(client.post(URL, content=body), 422)
    assert [(error["path"], error["pointer"]) for error in problem["errors"]] == [(path, pointer)]
    assert harness.publisher.records == []


def test_an_unknown_type_is_accepted_while_no_policy_is_loaded() -> None:
    harness = GatewayHarness()
    harness.policy_reader.policy = None
    with harness.build_client() as client:
        assert client.post(URL, json={**SUBMISSION, "type": "unknown.type"}).json()["priority"] == "medium"


def test_a_record_over_the_limit_of_its_topic_is_413() -> None:
    with GatewayHarness().build_client() as client:
        assert client.post(URL, json={**SUBMISSION, "data": {"x": "y" * (MAX_NOTIFICATION_BYTES - 2000)}}).status_code == 202
        problem = assert_problem(client.post(URL, json={**SUBMISSION, "data": {"x": "y" * MAX_NOTIFICATION_BYTES}}), 413)
    assert problem["errors"][0]["reason"] == "too_large"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_413(chunked: bool) -> None:
    body = b"[" + b" " * 2000 + b"]"
    with GatewayHarness().build_client(body_limit=1000) as client:
        assert_problem(client.post(URL, content=iter([body]) if chunked else body), 413)


def test_submit_is_503_when_kafka_does_not_confirm() -> None:
    harness = GatewayHarness()
    harness.publisher.error = "down"
    with harness.build_client() as client:
        response = client.post(URL, json=SUBMISSION)
        problem = assert_problem(response, 503)
        assert response.headers["retry-after"] == "2"
        assert_problem(client.get(f"{URL}/{problem['ids'][0]}"), 404)
    assert problem["ids"] == [make_notification_id(1)]


def test_bulk_accepts_the_valid_notifications() -> None:
    harness = GatewayHarness()
    with harness.build_client() as client:
        response = client.post(
            f"{URL}/bulk", json=[SUBMISSION, {"user_id": 1}, {**SUBMISSION, "type": "unknown.type"}, {**SUBMISSION, "priority": "high"}]
        )
    assert response.status_code == 207
    body = response.json()
    assert (body["accepted"], body["invalid"], body["unavailable"]) == (2, 2, 0)
    assert [(item["index"], item["status"]) for item in body["results"]] == [
        (0, "accepted"),
        (1, "invalid"),
        (2, "invalid"),
        (3, "accepted"),
    ]
    assert [item["errors"][0]["pointer"] for item in body["results"][1:3]] == ["#/1/user_id", "#/2/type"]
    assert [notification.id for notification in harness.publisher.decode_notifications()] == [
        body["results"][0]["id"],
        body["results"][3]["id"],
    ]


@pytest.mark.parametrize(("path", "body"), [("", SUBMISSION), ("/bulk", [SUBMISSION]), ("/bulk", {"notifications": [SUBMISSION]})])
def test_a_byte_order_mark_is_ignored(path: str, body: object) -> None:
    with GatewayHarness().build_client() as client:
        responses = [client.post(f"{URL}{path}", content=mark + json.dumps(body).encode()) for mark in (b"", b"\xef\xbb\xbf")]
    assert [response.status_code for response in responses] == [202, 202]


def test_bulk_of_valid_notifications_is_202_in_either_form() -> None:
    with GatewayHarness().build_client() as client:
        assert client.post(f"{URL}/bulk", json=[SUBMISSION] * 1000).json()["accepted"] == 1000
        assert client.post(f"{URL}/bulk", json={"notifications": [SUBMISSION]}).status_code == 202


def test_bulk_of_invalid_notifications_is_422_with_all_paths() -> None:
    with GatewayHarness().build_client() as client:
        problem = assert_problem(client.post(f"{URL}/bulk", json={"notifications": [{"user_id": 1}, {}]}), 422)
    assert [error["pointer"] for error in problem["errors"]] == ["#/notifications/0/user_id", "#/notifications/1/user_id"]


def test_bulk_reports_each_unconfirmed_notification() -> None:
    harness = GatewayHarness()
    harness.publisher.confirmations = iter([True, False])
    with harness.build_client() as client:
        response = client.post(f"{URL}/bulk", json=[SUBMISSION, SUBMISSION])
    assert response.status_code == 207
    assert [item["status"] for item in response.json()["results"]] == ["accepted", "unavailable"]
    assert set(harness.recent_notifications.priorities) == {make_notification_id(1)}


def test_bulk_is_503_when_kafka_confirms_none() -> None:
    harness = GatewayHarness()
    harness.publisher.error = "down"
    with harness.build_client() as client:
        problem = assert_problem(client.post(f"{URL}/bulk", json=[SUBMISSION, {"user_id": 1}, SUBMISSION]), 503)
    assert problem["ids"] == [make_notification_id(1), "", make_notification_id(2)]


def test_get_shows_deliveries_and_attempts() -> None:
    harness = GatewayHarness()
    harness.history.histories[make_notification_id()] = build_routed_history()
    with harness.build_client() as client:
        body = client.get(f"{URL}/{make_notification_id()}").json()
    assert (body["state"], body["priority"], body["final"]) == ("routed", "low", True)
    (delivery,) = body["deliveries"]
    assert (delivery["id"], delivery["status"]) == (DELIVERY_ID, "SENT")
    assert delivery["attempts"] == [
        {"occurred_at": NOW, "status": "SENT", "outcome": "ACCEPTED", "provider": "sendgrid", "duration_ms": 12.5}
    ]


def test_get_finds_a_notification_that_is_not_in_history_yet() -> None:
    harness = GatewayHarness()
    with harness.build_client() as client:
        notification_id = client.post(URL, json=SUBMISSION).json()["id"]
        assert client.get(f"{URL}/{notification_id}").json() == {"id": notification_id, "state": "accepted", "priority": "low"}
        assert client.get(f"{URL}/{notification_id}/explain").json()["summary"].startswith("Accepted: ")


@pytest.mark.parametrize("notification_id", [make_notification_id(9), "ntf_1", "dlv_" + make_notification_id()[4:]])
def test_get_of_an_unknown_id_is_404(notification_id: str) -> None:
    with GatewayHarness().build_client() as client:
        assert_problem(client.get(f"{URL}/{notification_id}"), 404)
        assert_problem(client.get(f"{URL}/{notification_id}/explain"), 404)


def test_get_without_postgresql_is_503_except_for_recent_notifications() -> None:
    harness = GatewayHarness()
    harness.history.is_unavailable = True
    with harness.build_client() as client:
        assert_problem(client.get(f"{URL}/{make_notification_id(9)}"), 503)
        assert_problem(client.get(URL, params={"user_id": "u"}), 503)
        notification_id = client.post(URL, json=SUBMISSION).json()["id"]
        assert client.get(f"{URL}/{notification_id}").json()["state"] == "accepted"


def test_explain_shows_the_gate_results_in_order() -> None:
    harness = GatewayHarness()
    harness.history.histories[make_notification_id()] = build_routed_history()
    with harness.build_client() as client:
        body = client.get(f"{URL}/{make_notification_id()}/explain").json()
    assert body["summary"] == "Sent by e-mail at 2025-10-09 08:53:20 UTC."
    (gate,) = body["gates"]
    assert gate == {
        "gate": "channels",
        "verdict": "pass",
        "reason": "",
        "meaning": "",
        "description": "channels: e-mail",
        "remedy": "",
        "inputs": {"channels": ["email"]},
    }


@pytest.mark.parametrize(("time_zone", "shown"), [("Europe/Vienna", "10:53:20 Vienna time (08:53:20 UTC)"), ("Mars/Base", "08:53:20 UTC")])
def test_explain_shows_times_in_the_zone_of_the_user(time_zone: str, shown: str) -> None:
    harness = GatewayHarness()
    harness.history.histories[make_notification_id()] = build_routed_history()
    harness.profiles.profiles["u-42"] = Profile("u-42", time_zone=time_zone)
    with harness.build_client() as client:
        assert client.get(f"{URL}/{make_notification_id()}/explain").json()["summary"].endswith(f"{shown}.")


def test_explain_needs_no_profile() -> None:
    harness = GatewayHarness()
    harness.history.histories[make_notification_id()] = build_routed_history()
    harness.profiles.unavailable = True
    with harness.build_client() as client:
        assert client.get(f"{URL}/{make_notification_id()}/explain").json()["time_zone"] == "UTC"


def test_list_pages_from_newest_to_oldest() -> None:
    harness = GatewayHarness()
    harness.history.histories.update({make_notification_id(n): build_routed_history(make_notification_id(n)) for n in range(1, 6)})
    harness.history.histories[make_notification_id(6)] = build_routed_history(make_notification_id(6), "somebody-else")
    pages, query = [], {"user_id": "u-42", "limit": "2"}
    with harness.build_client() as client:
        while "cursor" not in query or query["cursor"]:
            page = client.get(URL, params=query).json()
            pages.append([notification["id"] for notification in page["items"]])
            query["cursor"] = page["next_cursor"]
    assert pages == [
        [make_notification_id(5), make_notification_id(4)],
        [make_notification_id(3), make_notification_id(2)],
        [make_notification_id(1)],
    ]


@pytest.mark.parametrize(
    "query",
    [
        "state=x",
        "cursor=x",
        "channel=fax",
        "since=-1",
        "user_id=",
        "user_id=u&limit=0",
        "user_id=u&limit=201",
        "user_id=u&limit=x",
        "user_id=u&before=x",
    ],
)
def test_list_with_invalid_parameters_is_422(query: str) -> None:
    with GatewayHarness().build_client() as client:
        assert_problem(client.get(f"{URL}?{query}"), 422)


@pytest.mark.parametrize(
    ("query", "problem"),
    [("limit=0", "$.limit: must be an integer of at least 1"), ("limit=x", "$.limit: must be an integer")],
)
def test_an_invalid_query_parameter_is_explained_without_python(query: str, problem: str) -> None:
    with GatewayHarness().build_client() as client:
        assert assert_problem(client.get(f"{URL}?user_id=u&{query}"), 422)["detail"] == problem
