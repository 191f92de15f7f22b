from typing import Any

import pytest

from dev.simulators.fcm import FcmSimulator
from tests.unit.dev.simulators.request_builders import DELIVERY_ID, build_fcm_request, decode_body, get_response, get_targets

SIMULATOR = FcmSimulator()
MESSAGE = {"token": "device-3", "notification": {"title": "Shipped", "body": "On its way"}, "data": {"delivery_id": DELIVERY_ID}}


def test_an_accepted_message_has_a_name() -> None:
    response = get_response(SIMULATOR, build_fcm_request({**MESSAGE, "android": {"ttl": "60s"}, "apns": {}, "webpush": {}}))
    assert (response.status, decode_body(response)) == (200, {"name": "projects/shop/messages/0:abc"})


def test_a_dry_run_has_a_fake_message_id() -> None:
    assert decode_body(get_response(SIMULATOR, build_fcm_request(MESSAGE, validate_only=True)))["name"].endswith("/fake_message_id")


@pytest.mark.parametrize(
    ("to", "address"),
    [
        ({"token": "t:1"}, "t:1"),
        ({"fid": "f1"}, "f1"),
        ({"topic": "news"}, "topic:news"),
        ({"condition": "'a' in topics"}, "'a' in topics"),
    ],
)
def test_the_address_of_a_delivery(to: dict[str, str], address: str) -> None:
    assert get_targets(SIMULATOR, build_fcm_request({**to, "data": {"delivery_id": DELIVERY_ID}})) == [(DELIVERY_ID, address)]


@pytest.mark.parametrize("authorization", [b"", b"Basic x", b"Bearer revoked"])
def test_an_invalid_token_gets_401(authorization: bytes) -> None:
    response = get_response(SIMULATOR, build_fcm_request(MESSAGE, {b"authorization": authorization}))
    assert (response.status, decode_body(response)["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert response.headers.startswith(b"WWW-Authenticate: Bearer ")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"token": "t", "data": {"n": 5}}, "message.data[...]"),
        ({"token": "t", "colour": "red"}, "message.colour"),
        ({"token": 5}, "message.token"),
        (b"{}", "message"),
    ],
)
def test_an_invalid_payload_names_the_field(message: Any, field: str) -> None:
    response = get_response(SIMULATOR, build_fcm_request(message))
    error = decode_body(response)["error"]
    assert (response.status, error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["details"][0]["fieldViolations"][0]["field"] == field


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_not_json_gets_400(body: bytes) -> None:
    assert get_response(SIMULATOR, build_fcm_request(body)).status == 400


@pytest.mark.parametrize(
    "message",
    [
        {"data": {"a": "b"}},
        {"token": "t", "topic": "news"},
        {"token": "t", "data": {"a": "x" * 4096}},
        {"topic": "news", "notification": {"title": "x" * 2044}},
        {"token": "t", "data": {"google.x": "1"}},
    ],
)
def test_a_wrong_number_of_recipients_a_large_payload_or_a_reserved_key_gets_400(message: Any) -> None:
    response = get_response(SIMULATOR, build_fcm_request(message))
    assert (response.status, decode_body(response)["error"]["details"][0]["errorCode"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("token", "status", "name", "code"),
    [
        ("unsubscribed:1", 404, "NOT_FOUND", "UNREGISTERED"),
        ("bounce:1", 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        ("throttle:1", 429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
        ("fail:1", 500, "INTERNAL", "INTERNAL"),
    ],
)
def test_stub_responses(token: str, status: int, name: str, code: str) -> None:
    response = get_response(SIMULATOR, build_fcm_request({**MESSAGE, "token": token}))
    error = decode_body(response)["error"]
    assert (response.status, error["code"], error["status"], error["details"][0]["errorCode"]) == (status, status, name, code)


def test_the_stub_reject_concerns_the_payload_and_not_the_token() -> None:
    error = decode_body(get_response(SIMULATOR, build_fcm_request({**MESSAGE, "token": "reject:1"})))["error"]
    assert error["details"][0]["fieldViolations"][0]["field"] == "message.notification.title"


def test_a_throttled_response_has_retry_after() -> None:
    assert get_response(SIMULATOR, build_fcm_request({**MESSAGE, "token": "throttle:1"})).headers == b"Retry-After: 1\r\n"


def test_an_unknown_path_gets_404_and_an_oversize_body_413() -> None:
    assert get_response(SIMULATOR, build_fcm_request(MESSAGE)._replace(path=b"/v1/projects/shop/messages")).status == 404
    assert get_response(SIMULATOR, build_fcm_request(MESSAGE)._replace(oversize=True)).status == 413
