from typing import Any

import msgspec
import pytest

from schemas.enums import Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.history import NotificationHistory
from schemas.ids import DELIVERY_PREFIX, compute_partition, make_id
from schemas.notification import Notification
from schemas.topics import MAX_NOTIFICATION_BYTES
from tests.unit.app.api.harness import NOW, GatewayHarness, make_notification_id

GOOD = {"user_id": "u-42", "type": "order.shipped"}
URL = "/v1/notifications"
DLV = make_id(DELIVERY_PREFIX, NOW, 1)


def assert_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    return found


def build_routed_history(notification_id: str = make_notification_id(), user_id: str = "u-42") -> NotificationHistory:
    trace = [GateResult("route", "pass", "", {"channels": ["email"]})]
    accepted = DecidedEvent(
        notification_id, user_id, State.ROUTED, NOW, NOW, "low", "order.shipped", deliveries=[DeliveryRef(DLV, "email")], decision_log=trace
    )
    attempt = {"outcome": Outcome.ACCEPTED, "provider": "sendgrid", "duration_ms": 12.5}
    sent = StatusEvent(DLV, notification_id, user_id, "email", Status.SENT, NOW, NOW, **attempt)
    return NotificationHistory(accepted, [sent], [sent])


def test_submit_answers_when_kafka_has_it() -> None:
    world = GatewayHarness()
    with world.build_client() as client:
        answer = client.post(URL, json={**GOOD, "priority": "high", "data": {"order": 17}})
    assert answer.status_code == 202
    assert answer.json() == {"id": make_notification_id(1), "status": "accepted", "priority": "high"}
    (record,) = world.publisher.records
    assert (record.topic, record.partition, record.key) == ("t.notifications.high", compute_partition("u-42", 4), b"u-42")
    assert b"priority" not in record.value
    assert world.publisher.decode_notifications() == [
        Notification("u-42", "order.shipped", make_notification_id(1), data={"order": 17}, created_at=NOW)
    ]


def test_submit_keeps_the_id_and_time_that_it_is_given() -> None:
    world = GatewayHarness()
    with world.build_client() as client:
        answer = client.post(URL, json={**GOOD, "id": make_notification_id(77), "created_at": NOW - 5})
    assert answer.json()["id"] == make_notification_id(77)
    (written,) = world.publisher.decode_notifications()
    assert (written.id, written.created_at) == (make_notification_id(77), NOW - 5)


def test_submit_uses_the_priority_of_the_rule() -> None:
    with GatewayHarness().build_client() as client:
        assert client.post(URL, json=GOOD).json()["priority"] == "low"


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json; charset=utf-8", "application/x-www-form-urlencoded"])
def test_submit_does_not_insist_on_a_content_type(content_type: str) -> None:
    with GatewayHarness().build_client() as client:
        answer = client.post(URL, content=msgspec.json.encode(GOOD), headers={"content-type": content_type})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("body", "path", "pointer"),
    [
        (b"", "$", "#"),
        (b"{", "$", "#"),
        (b'{"type": "order.shipped"}', "$.user_id", "#/user_id"),
        (b'{"user_id": "u", "type": 7}', "$.type", "#/type"),
        (b'{"user_id": "u", "type": "nobody.knows"}', "$.type", "#/type"),
        (b'{"user_id": "u", "type": "order.shipped", "template": "none"}', "$.template", "#/template"),
        (b'{"user_id": "u", "type": "order.shipped", "id": "ntf_1"}', "$.id", "#/id"),
        (b'{"user_id": "u", "type": "order.shipped", "priority": "urgent"}', "$.priority", "#/priority"),
    ],
)
def test_submit_tells_what_is_wrong_and_where(body: bytes, path: str, pointer: str) -> None:
    world = GatewayHarness()
    with world.build_client() as client:
        found = assert_problem(client.post(URL, content=body), 422)
    assert [(error["path"], error["pointer"]) for error in found["errors"]] == [(path, pointer)]
    assert world.publisher.records == []


def test_submit_leaves_rules_to_the_router_while_they_are_not_known() -> None:
    world = GatewayHarness()
    world.policy_reader.policy = None
    with world.build_client() as client:
        assert client.post(URL, json={**GOOD, "type": "nobody.knows"}).json()["priority"] == "medium"


def test_submit_of_a_record_that_does_not_fit_is_413() -> None:
    with GatewayHarness().build_client() as client:
        assert client.post(URL, json={**GOOD, "data": {"x": "y" * (MAX_NOTIFICATION_BYTES - 2000)}}).status_code == 202
        found = assert_problem(client.post(URL, json={**GOOD, "data": {"x": "y" * MAX_NOTIFICATION_BYTES}}), 413)
    assert found["errors"][0]["reason"] == "too_large"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_413(chunked: bool) -> None:
    body = b"[" + b" " * 2000 + b"]"
    with GatewayHarness().build_client(body_limit=1000) as client:
        assert_problem(client.post(URL, content=iter([body]) if chunked else body), 413)


def test_submit_is_503_when_kafka_does_not_confirm() -> None:
    world = GatewayHarness()
    world.publisher.error = "down"
    with world.build_client() as client:
        answer = client.post(URL, json=GOOD)
        found = assert_problem(answer, 503)
        assert answer.headers["retry-after"] == "2"
        assert_problem(client.get(f"{URL}/{found['ids'][0]}"), 404)
    assert found["ids"] == [make_notification_id(1)]


def test_bulk_takes_the_good_ones() -> None:
    world = GatewayHarness()
    with world.build_client() as client:
        answer = client.post(f"{URL}/bulk", json=[GOOD, {"user_id": 1}, {**GOOD, "type": "nobody.knows"}, {**GOOD, "priority": "high"}])
    assert answer.status_code == 207
    body = answer.json()
    assert (body["accepted"], body["invalid"], body["unavailable"]) == (2, 2, 0)
    assert [(item["index"], item["status"]) for item in body["results"]] == [
        (0, "accepted"),
        (1, "invalid"),
        (2, "invalid"),
        (3, "accepted"),
    ]
    assert [item["errors"][0]["pointer"] for item in body["results"][1:3]] == ["#/1/user_id", "#/2/type"]
    assert [notification.id for notification in world.publisher.decode_notifications()] == [
        body["results"][0]["id"],
        body["results"][3]["id"],
    ]


def test_bulk_of_good_ones_is_202_in_either_form() -> None:
    with GatewayHarness().build_client() as client:
        assert client.post(f"{URL}/bulk", json=[GOOD] * 1000).json()["accepted"] == 1000
        assert client.post(f"{URL}/bulk", json={"notifications": [GOOD]}).status_code == 202


def test_bulk_of_bad_ones_is_422_with_all_places() -> None:
    with GatewayHarness().build_client() as client:
        found = assert_problem(client.post(f"{URL}/bulk", json={"notifications": [{"user_id": 1}, {}]}), 422)
    assert [error["pointer"] for error in found["errors"]] == ["#/notifications/0/user_id", "#/notifications/1/user_id"]


def test_bulk_tells_which_were_not_confirmed() -> None:
    world = GatewayHarness()
    world.publisher.confirmations = iter([True, False])
    with world.build_client() as client:
        answer = client.post(f"{URL}/bulk", json=[GOOD, GOOD])
    assert answer.status_code == 207
    assert [item["status"] for item in answer.json()["results"]] == ["accepted", "unavailable"]
    assert set(world.recent_notifications.priorities) == {make_notification_id(1)}


def test_bulk_is_503_when_kafka_confirms_none() -> None:
    world = GatewayHarness()
    world.publisher.error = "down"
    with world.build_client() as client:
        found = assert_problem(client.post(f"{URL}/bulk", json=[GOOD, {"user_id": 1}, GOOD]), 503)
    assert found["ids"] == [make_notification_id(1), "", make_notification_id(2)]


def test_find_shows_deliveries_and_attempts() -> None:
    world = GatewayHarness()
    world.history.histories[make_notification_id()] = build_routed_history()
    with world.build_client() as client:
        body = client.get(f"{URL}/{make_notification_id()}").json()
    assert (body["state"], body["priority"], body["final"]) == ("routed", "low", True)
    (delivery,) = body["deliveries"]
    assert (delivery["id"], delivery["status"]) == (DLV, "SENT")
    assert delivery["attempts"] == [
        {"occurred_at": NOW, "status": "SENT", "outcome": "ACCEPTED", "provider": "sendgrid", "duration_ms": 12.5}
    ]


def test_find_knows_what_was_accepted_a_moment_ago() -> None:
    world = GatewayHarness()
    with world.build_client() as client:
        notification_id = client.post(URL, json=GOOD).json()["id"]
        assert client.get(f"{URL}/{notification_id}").json() == {"id": notification_id, "state": "accepted", "priority": "low"}
        assert client.get(f"{URL}/{notification_id}/explain").json()["summary"].startswith("Accepted: ")


@pytest.mark.parametrize("name", [make_notification_id(9), "ntf_1", "dlv_" + make_notification_id()[4:]])
def test_find_of_what_nobody_knows_is_404(name: str) -> None:
    with GatewayHarness().build_client() as client:
        assert_problem(client.get(f"{URL}/{name}"), 404)
        assert_problem(client.get(f"{URL}/{name}/explain"), 404)


def test_find_without_history_is_503_but_for_what_is_fresh() -> None:
    world = GatewayHarness()
    world.history.is_unavailable = True
    with world.build_client() as client:
        assert_problem(client.get(f"{URL}/{make_notification_id(9)}"), 503)
        assert_problem(client.get(URL, params={"user_id": "u"}), 503)
        notification_id = client.post(URL, json=GOOD).json()["id"]
        assert client.get(f"{URL}/{notification_id}").json()["state"] == "accepted"


def test_explain_tells_the_gates_in_order() -> None:
    world = GatewayHarness()
    world.history.histories[make_notification_id()] = build_routed_history()
    with world.build_client() as client:
        body = client.get(f"{URL}/{make_notification_id()}/explain").json()
    assert body["summary"] == "Routed with low priority: email is SENT."
    assert body["gates"] == [{"gate": "route", "verdict": "pass", "reason": "", "inputs": {"channels": ["email"]}}]


def test_list_pages_from_newest_to_oldest() -> None:
    world = GatewayHarness()
    world.history.histories.update({make_notification_id(n): build_routed_history(make_notification_id(n)) for n in range(1, 6)})
    world.history.histories[make_notification_id(6)] = build_routed_history(make_notification_id(6), "somebody-else")
    seen, url = [], f"{URL}?user_id=u-42&limit=2"
    with world.build_client() as client:
        while url:
            page = client.get(url).json()
            seen.append([found["id"] for found in page["notifications"]])
            url = page["next"]
    assert seen == [
        [make_notification_id(5), make_notification_id(4)],
        [make_notification_id(3), make_notification_id(2)],
        [make_notification_id(1)],
    ]


@pytest.mark.parametrize("query", ["", "user_id=", "user_id=u&limit=0", "user_id=u&limit=201", "user_id=u&limit=x", "user_id=u&before=x"])
def test_list_refuses_what_it_does_not_understand(query: str) -> None:
    with GatewayHarness().build_client() as client:
        assert_problem(client.get(f"{URL}?{query}"), 422)
