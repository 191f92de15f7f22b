"""Subscriptions at the simulated FCM, as firebase-admin requests them."""

import pytest

from dev.simulators.fcm import FcmSimulator
from dev.simulators.protocol import InvalidRequest, ServerRequest

PATH = b"/v1/projects/herold/registrations/token%3A1/topicSubscriptions"
AUTHORIZED = {b"authorization": b"Bearer token"}


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "status"),
    [
        (b"POST", PATH, b"topic_name=news", AUTHORIZED, 200),
        (b"DELETE", PATH + b"/news", b"allow_missing=true", AUTHORIZED, 200),
        (b"POST", PATH, b"topic_name=a%20b", AUTHORIZED, 400),
        (b"POST", PATH, b"", AUTHORIZED, 400),
        (b"POST", PATH, b"topic_name=news", {}, 401),
        (b"GET", PATH, b"topic_name=news", AUTHORIZED, 404),
        (b"POST", PATH + b"/news", b"", AUTHORIZED, 404),
        (b"POST", PATH.replace(b"token%3A1", b"unsubscribed%3A1"), b"topic_name=news", AUTHORIZED, 404),
    ],
)
def test_a_subscription_is_answered_and_is_no_message(
    method: bytes, path: bytes, query: bytes, headers: dict[bytes, bytes], status: int
) -> None:
    parsed = FcmSimulator().parse_request(ServerRequest(method, path, query, headers, b"{}"))
    assert isinstance(parsed, InvalidRequest)
    assert parsed.response.status == status
