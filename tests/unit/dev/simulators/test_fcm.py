from typing import Any

import pytest

from dev.simulators.fcm import FcmSimulator
from tests.unit.dev.simulators.request_builders import DELIVERY_ID, build_fcm_request, decode_body, get_response, get_targets

SIMULATOR = FcmSimulator()
MESSAGE = {"token": "device-3", "notification": {"title": "Shipped", "body": "On its way"}, "data": {"delivery_id": DELIVERY_ID}}


def test_a_message_gets_a_name() -> None:
    reply = get_response(SIMULATOR, build_fcm_request({**MESSAGE, "android": {"ttl": "60s"}, "apns": {}, "webpush": {}}))
    assert (reply.status, decode_body(reply)) == (200, {"name": "projects/shop/messages/0:abc"})


def test_a_dry_run_says_so() -> None:
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
def test_the_address(to: dict[str, str], address: str) -> None:
    assert get_targets(SIMULATOR, build_fcm_request({**to, "data": {"delivery_id": DELIVERY_ID}})) == [(DELIVERY_ID, address)]


@pytest.mark.parametrize("authorization", [b"", b"Basic x", b"Bearer revoked"])
def test_without_a_valid_token_it_is_401(authorization: bytes) -> None:
    reply = get_response(SIMULATOR, build_fcm_request(MESSAGE, {b"authorization": authorization}))
    assert (reply.status, decode_body(reply)["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert reply.headers.startswith(b"WWW-Authenticate: Bearer ")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"token": "t", "data": {"n": 5}}, "message.data[...]"),
        ({"token": "t", "colour": "red"}, "message.colour"),
        ({"token": 5}, "message.token"),
        (b"{}", "message"),
    ],
)
def test_a_payload_with_a_fault_names_the_field(message: Any, field: str) -> None:
    reply = get_response(SIMULATOR, build_fcm_request(message))
    error = decode_body(reply)["error"]
    assert (reply.status, error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["details"][0]["fieldViolations"][0]["field"] == field


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_json_is_400(body: bytes) -> None:
    assert get_response(SIMULATOR, build_fcm_request(body)).status == 400


@pytest.mark.parametrize("message", [{"data": {"a": "b"}}, {"token": "t", "topic": "news"}, {"token": "t", "data": {"a": "x" * 4096}}])
def test_no_recipient_two_or_too_much(message: Any) -> None:
    reply = get_response(SIMULATOR, build_fcm_request(message))
    assert (reply.status, decode_body(reply)["error"]["details"][0]["errorCode"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("token", "status", "name", "code"),
    [
        ("unsubscribed:1", 404, "NOT_FOUND", "UNREGISTERED"),
        ("bounce:1", 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        ("throttle:1", 429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
        ("fail:1", 500, "INTERNAL", "INTERNAL"),
    ],
)
def test_scripts(token: str, status: int, name: str, code: str) -> None:
    reply = get_response(SIMULATOR, build_fcm_request({**MESSAGE, "token": token}))
    error = decode_body(reply)["error"]
    assert (reply.status, error["code"], error["status"], error["details"][0]["errorCode"]) == (status, status, name, code)


def test_rejected_is_our_payload_not_the_token() -> None:
    error = decode_body(get_response(SIMULATOR, build_fcm_request({**MESSAGE, "token": "reject:1"})))["error"]
    assert error["details"][0]["fieldViolations"][0]["field"] == "message.notification.title"


def test_throttled_says_how_long() -> None:
    assert get_response(SIMULATOR, build_fcm_request({**MESSAGE, "token": "throttle:1"})).headers == b"Retry-After: 1\r\n"


def test_another_path_or_too_much() -> None:
    assert get_response(SIMULATOR, build_fcm_request(MESSAGE)._replace(path=b"/v1/projects/shop/messages")).status == 404
    assert get_response(SIMULATOR, build_fcm_request(MESSAGE)._replace(oversize=True)).status == 413
