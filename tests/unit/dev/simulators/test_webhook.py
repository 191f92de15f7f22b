import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from agents.providers.webhook import Webhook
from dev.simulators.protocol import ServerRequest
from dev.simulators.webhook import WebhookSimulator
from schemas.http import HttpRequest
from tests.delivery_builders import NOW, build_delivery
from tests.unit.dev.simulators.request_builders import DELIVERY_ID, build_webhook_request, get_response, get_targets

SIMULATOR = WebhookSimulator()


def test_a_webhook_is_accepted() -> None:
    assert get_response(SIMULATOR, build_webhook_request()).status == 204
    assert get_targets(SIMULATOR, build_webhook_request()) == [(DELIVERY_ID, "http://127.0.0.1:4010/hooks/u-1?a=b")]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (b"/hooks/", 204),
        (b"/hooks/u-1/fail", 204),
        (b"/hooks/bounce/u-1", 410),
        (b"/hooks/unsubscribed", 410),
        (b"/hooks/reject/u-1", 400),
        (b"/hooks/throttle/u-1", 429),
        (b"/hooks/fail", 500),
    ],
)
def test_stub_responses(path: bytes, status: int) -> None:
    assert get_response(SIMULATOR, build_webhook_request(path)).status == status


def test_a_throttled_response_has_retry_after() -> None:
    assert get_response(SIMULATOR, build_webhook_request(b"/hooks/throttle")).headers == b"Retry-After: 1\r\n"


def test_another_method_gets_405_and_an_oversize_body_413() -> None:
    assert get_response(SIMULATOR, build_webhook_request(method=b"GET")).status == 405
    assert get_response(SIMULATOR, build_webhook_request()._replace(oversize=True)).status == 413


MASTER_SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(("user", "status"), [("u-1", 204), ("u-2", 401)])
def test_a_customer_accepts_only_the_signature_with_the_own_secret(user: str, status: int) -> None:
    delivery = build_delivery("webhook", address=f"http://127.0.0.1:4010/hooks/north?user={user}")  # to the user u-1
    request = Webhook(MASTER_SECRET, allow_http=True).build_request(delivery, 0, NOW)
    assert isinstance(request, HttpRequest)
    headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in request.head.split(b"\r\n")[1:-2])}
    received = ServerRequest(b"POST", b"/hooks/north", f"user={user}".encode(), headers, request.body)
    assert get_response(WebhookSimulator(MASTER_SECRET), received).status == status


def test_the_signature_is_that_of_the_specifications_own_library() -> None:
    now, body = datetime.now(UTC), '{"type":"order.shipped","text":"é"}'
    derived = hmac.digest(b64decode(MASTER_SECRET), b"herold webhook secret v1\n127.0.0.1\nu-1", "sha256")
    signature = Verifier(b64encode(derived).decode()).sign("msg_1", now, body)
    headers = {
        b"host": b"127.0.0.1:4010",
        b"content-type": b"application/json",
        b"webhook-id": b"msg_1",
        b"webhook-timestamp": str(int(now.timestamp())).encode(),
        b"webhook-signature": f"v1,{'A' * 43}= {signature}".encode(),
    }

    def receive(body: str = body, **changes: bytes) -> int:
        changed = {**headers, **{name.replace("_", "-").encode(): value for name, value in changes.items()}}
        request = ServerRequest(b"POST", b"/hooks/north", b"user=u-1", changed, body.encode())
        return get_response(WebhookSimulator(MASTER_SECRET), request).status

    assert receive() == 204
    for position in range(len(body)):
        assert receive(body[:position] + chr(ord(body[position]) ^ 1) + body[position + 1 :]) == 401
    assert receive(webhook_id=b"msg_2") == 401
    assert receive(webhook_timestamp=str(int(now.timestamp()) + 1).encode()) == 401
    assert receive(webhook_signature=signature[:-2].encode()) == 401
