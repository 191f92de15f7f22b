"""CloudEvents as submissions: the same event in each content mode becomes the same notification; what is wrong is named."""

import base64
import json
from typing import Any

import pytest

from app.api.problems import ProblemError
from app.api.services.cloud_events import find_content, read_binary, read_structured
from tests.unit.app.api.harness import GatewayHarness

URL = "/v1/notifications"
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "17",
    "source": "/shop/orders",
    "type": "order.shipped",
    "subject": "u-42",
    "time": "2025-10-09T08:53:20Z",
    "data": {"order": 17},
}
STRUCTURED = {"content-type": "application/cloudevents+json"}
JSON_TYPES = [None, b"application/json", b"Application/JSON; charset=utf-8", b"application/x-www-form-urlencoded"]
BATCH = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}


def submit(content: bytes, headers: dict[str, str]) -> tuple[Any, list[Any]]:
    """The response, and the notifications that were published."""
    harness = GatewayHarness()
    with harness.build_client() as client:
        response = client.post(URL, content=content, headers=headers)
    return response, harness.publisher.decode_notifications()


def build_binary_headers(event: dict[str, Any]) -> dict[str, str]:
    attributes = {f"ce-{name}": value for name, value in event.items() if name != "data"}
    return {"content-type": "application/json", **attributes}


def test_each_content_mode_submits_the_same_notification() -> None:
    modes = [
        submit(json.dumps(EVENT).encode(), STRUCTURED),
        submit(json.dumps([EVENT]).encode(), BATCH),
        submit(json.dumps(EVENT["data"]).encode(), build_binary_headers(EVENT)),
    ]
    for response, notifications in modes:
        assert response.status_code == 202, response.text
        (one,) = notifications
        assert (one.user_id, one.type, one.data) == ("u-42", "order.shipped", {"order": 17})
        assert one.idempotency_key == "/shop/orders#17"
        assert one.created_at == 1_760_000_000.0
    assert modes[0][0].json().keys() == {"id", "priority", "status"}
    assert modes[1][0].json()["accepted"] == 1


def test_an_event_that_is_sent_again_is_recognised() -> None:
    harness = GatewayHarness()
    with harness.build_client() as client:
        responses = [client.post(URL, content=json.dumps(EVENT), headers=STRUCTURED) for _ in range(2)]
    assert responses[0].json() == responses[1].json()
    assert len(harness.publisher.decode_notifications()) == 1


def test_a_given_idempotency_key_is_used_instead() -> None:
    _, (one,) = submit(json.dumps(EVENT).encode(), {**STRUCTURED, "idempotency-key": "mine"})
    assert one.idempotency_key == "mine"


EXTENSIONS = {
    "category": "transactional",
    "locale": "de",
    "priority": "high",
    "channels": "email, push",
    "sendat": "2025-10-09T09:00:00Z",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}


def test_extensions_are_fields() -> None:
    response, (one,) = submit(json.dumps({**EVENT, **EXTENSIONS, "data": {**EVENT["data"]}}).encode(), STRUCTURED)
    assert response.json()["priority"] == "high"
    assert (one.category, one.locale, one.channels) == ("transactional", "de", ["email", "push"])
    assert one.send_at == 1_760_000_400.0


@pytest.mark.parametrize(
    ("changes", "user_id"),
    [
        ({}, "u-42"),
        ({"data": {"user_id": "u-data"}}, "u-data"),
        ({"data": {"user_id": "u-data"}, "userid": "u-extension"}, "u-extension"),
    ],
)
def test_who_the_user_is(changes: dict[str, Any], user_id: str) -> None:
    _, (one,) = submit(json.dumps({**EVENT, **changes}).encode(), STRUCTURED)
    assert one.user_id == user_id
    assert "user_id" not in one.data


def test_data_may_be_a_whole_submission() -> None:
    whole = {"dataschema": "https://h.example/openapi.json#/components/schemas/Submission", "data": {"to": {"email": "a@example.org"}}}
    _, (one,) = submit(json.dumps({**EVENT, **whole}).encode(), STRUCTURED)
    assert (one.user_id, one.type, one.to) == ("u-42", "order.shipped", {"email": "a@example.org"})


def test_data_in_base64_and_header_values_in_percent_encoding() -> None:
    encoded = {**EVENT, "data_base64": base64.b64encode(b'{"order": 18}').decode()}
    del encoded["data"]
    assert json.loads(read_structured(json.dumps(encoded).encode()).body)["data"] == {"order": 18}
    headers = [(b"ce-" + name.encode(), str(value).encode()) for name, value in EVENT.items() if name not in ("data", "subject")]
    body = read_binary([*headers, (b"ce-subject", b"u%20%C3%A4"), (b"host", b"h")], b"").body
    assert json.loads(body)["user_id"] == "u ä"


def test_a_long_key_is_a_hash() -> None:
    key = read_structured(json.dumps({**EVENT, "source": "s" * 300}).encode()).key
    assert len(key) <= 200
    assert key != read_structured(json.dumps({**EVENT, "source": "s" * 301}).encode()).key


@pytest.mark.parametrize("source", ["\0acme\0\0k", "\1" + "0" * 48, "k\0"])
def test_no_event_has_the_stored_name_of_another_request(source: str) -> None:
    response, notifications = submit(json.dumps({**EVENT, "source": source}).encode(), STRUCTURED)
    assert (response.status_code, response.json()["code"], notifications) == (400, "bad-request", [])
    assert "NUL" in response.json()["detail"]


INVALID: dict[str, tuple[Any, str]] = {
    "no object": (3, "#"),
    "another version": ({**EVENT, "specversion": "0.3"}, "#/specversion"),
    "no id": ({**EVENT, "id": ""}, "#/id"),
    "no source": ({**EVENT, "source": None}, "#/source"),
    "no type": ({**EVENT, "type": 3}, "#/type"),
    "data that is no object": ({**EVENT, "data": [1]}, "#/data"),
    "data that is no JSON": ({**EVENT, "datacontenttype": "text/xml"}, "#/datacontenttype"),
    "no base64": ({**EVENT, "data_base64": "!"}, "#/data_base64"),
    "base64 that is not ASCII": ({**EVENT, "data_base64": "é"}, "#/data_base64"),
}


@pytest.mark.parametrize("name", INVALID)
def test_what_is_no_event_is_named(name: str) -> None:
    event, pointer = INVALID[name]
    for content, headers, prefix in ((event, STRUCTURED, ""), ([EVENT, event], BATCH, "/1")):
        response, notifications = submit(json.dumps(content).encode(), headers)
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == "#" + prefix + pointer.removeprefix("#")
        assert notifications == []


def test_an_invalid_notification_is_named_as_one() -> None:
    response, _ = submit(json.dumps({**EVENT, "time": "yesterday"}).encode(), STRUCTURED)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "#/created_at")
    assert submit(b"{", STRUCTURED)[0].status_code == submit(b"{}", BATCH)[0].status_code == 422


@pytest.mark.parametrize(
    "content_type", [b"text/plain", b"multipart/form-data; boundary=x", b"application/xml", b"application/octet-stream"]
)
def test_what_is_not_json_is_415(content_type: bytes) -> None:
    with pytest.raises(ProblemError) as raised:
        find_content(content_type, False)
    assert raised.value.problem.status == 415
    assert submit(b"{}", {"content-type": content_type.decode()})[0].status_code == 415


@pytest.mark.parametrize("content_type", JSON_TYPES)
def test_what_is_taken_as_json(content_type: bytes | None) -> None:
    assert find_content(content_type, False) == "json"
    assert find_content(content_type, True) == "binary"
