"""Twenty values that nobody may see, pushed through the API: none is in the log, the metrics, an error, or a list that masks."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from tests.security.gateway import API_KEY, AttackedGateway

CANARIES = {
    "an address": "canary-address@example.org",
    "an explicit address": "canary-to@example.org",
    "an imported address": "canary-patched@example.org",
    "a suppressed address": "canary-suppressed@example.org",
    "an address that is none": "canary-invalid@@example.org",
    "a number": "+436640001234",
    "a token of a device": "canary-token-" + "d" * 140,
    "a URL with a secret": "https://hooks.example.org/canary-path-secret",
    "a code": "canary-code-482193",
    "a body": "canary-body-of-a-message",
    "an attribute": "canary-attribute",
    "a subject": "canary-subject",
    "a key that is wrong": "hrl_live_canary00_" + "w" * 43,
    "a bearer token": "eyJhbGciOiJub25lIn0.canary-claims.x",
    "a cookie": "canary-cookie",
    "a password": "canary-password",
    "a link token": "canary-link-token-" + "t" * 40,
    "a callback's signature": "canary-signature",
    "a callback's text": "canary-inbound-text",
    "an idempotency key": "canary-idempotency-key",
}
C = CANARIES
KEY = {"idempotency-key": C["an idempotency key"]}
MASKED = ("/metrics", "/v1/audit?limit=200", "/v1/audit/export", "/v1/dead-letters", "/v1/webhook-endpoints", "/openapi.json", "/readyz")
ANY = {"if-match": "*"}
OTP = {"user_id": "canary-user", "type": "account.otp"}


def list_requests() -> list[dict[str, object]]:
    """Valid and invalid requests with the canaries."""
    user = {"addresses": {"email": C["an address"], "sms": C["a number"]}, "attributes": {"plan": C["an attribute"]}}
    code = {"code": C["a code"], "minutes": 5}
    return [
        {"method": "PUT", "url": "/v1/users/canary-user", "json": user},
        {"method": "PATCH", "url": "/v1/users/canary-user", "json": {"addresses": {"email": C["an imported address"]}}, "headers": ANY},
        {"method": "PUT", "url": f"/v1/users/canary-user/devices/{C['a token of a device']}", "json": {"platform": "ios"}},
        {"method": "PUT", "url": "/v1/users/canary-user", "json": {"addresses": {"email": C["an address that is none"]}}, "headers": ANY},
        {"method": "PUT", "url": "/v1/users/canary-user", "json": {"attributes": C["an attribute"]}, "headers": ANY},
        {"method": "POST", "url": "/v1/suppressions", "json": {"channel": "email", "address": C["a suppressed address"]}},
        {"method": "POST", "url": "/v1/notifications", "json": {**OTP, "data": code, "to": {"email": C["an explicit address"]}}},
        {"method": "POST", "url": "/v1/notifications", "json": {**OTP, "data": code}, "headers": KEY},
        {"method": "POST", "url": "/v1/notifications", "json": {**OTP, "data": C["a body"]}},
        {"method": "POST", "url": "/v1/notifications", "json": {**OTP, "data": code, "to": {"email": [C["a body"], 1]}}},
        {"method": "POST", "url": "/v1/notifications/bulk", "json": [{**OTP, "data": {"text": C["a body"]}}, {"x": 1}]},
        {"method": "POST", "url": "/v1/notifications", "content": b'{"user_id":"u","data":{"body":"' + C["a body"].encode()},
        {"method": "POST", "url": "/v1/templates/canary/versions", "json": {"parts": [{"subject": "{{ " + C["a subject"]}]}},
        {"method": "POST", "url": "/v1/webhook-endpoints", "json": {"kind": "status", "url": C["a URL with a secret"]}},
        {"method": "GET", "url": "/v1/users", "headers": {"x-api-key": C["a key that is wrong"]}},
        {"method": "GET", "url": "/v1/users", "headers": {"x-api-key": "", "authorization": f"Bearer {C['a bearer token']}"}},
        {"method": "GET", "url": "/v1/users", "headers": {"cookie": f"session={C['a cookie']}"}},
        {"method": "POST", "url": "/v1/auth/login", "json": {"email": C["an address"], "password": C["a password"]}},
        {"method": "GET", "url": f"/u/{C['a link token']}"},
        {"method": "GET", "url": f"/v1/users?search={quote(C['a number'])}"},
        {"method": "GET", "url": f"/v1/suppressions?search={quote(C['a suppressed address'])}&limit=x"},
        {
            "method": "POST", "url": "/v1/callbacks/twilio/inbound", "data": {"Body": C["a callback's text"], "From": C["a number"]},
            "headers": {"X-Twilio-Signature": C["a callback's signature"]},
        },
    ]  # fmt: skip


@pytest.fixture(scope="module")
def answers(gateway: AttackedGateway) -> Iterator[list[httpx.Response]]:
    """The answers to all of them."""
    with gateway.open() as client:
        yield [client.request(**request) for request in list_requests()]  # type: ignore[arg-type]


def find_canaries(text: str) -> list[str]:
    """The names of the values in a text, and of the key of the gateway."""
    return [name for name, value in {**CANARIES, "the API key": API_KEY}.items() if value in text]


def test_there_are_twenty() -> None:
    assert len(set(CANARIES.values())) == 20
    sent = repr(list_requests())
    assert [name for name, value in CANARIES.items() if value not in sent and quote(value) not in sent] == []


def test_some_were_accepted_and_some_were_not(answers: list[httpx.Response]) -> None:
    statuses = {answer.status_code for answer in answers}
    assert {200, 201, 202, 401, 403, 422} <= statuses
    assert max(statuses) < 500


def test_the_log_has_none(gateway: AttackedGateway, answers: list[httpx.Response]) -> None:
    assert len(answers) > 20
    assert find_canaries(gateway.read_log()) == []


def test_no_error_shows_what_was_sent(answers: list[httpx.Response]) -> None:
    errors = [answer for answer in answers if answer.status_code >= 400]
    assert len(errors) > 8
    assert {str(answer.request.url.path): found for answer in errors if (found := find_canaries(answer.text))} == {}


@pytest.mark.parametrize(
    "path", ["/metrics", "/v1/audit?limit=200", "/v1/audit/export", "/v1/dead-letters", "/v1/webhook-endpoints", "/openapi.json", "/readyz"]
)
def test_no_list_that_masks_has_any(gateway: AttackedGateway, answers: list[httpx.Response], path: str) -> None:
    with gateway.open() as client:
        answer = client.get(path)
    assert answer.status_code == 200
    assert len(answers) > 20
    assert [name for name in find_canaries(answer.text) if name != "a URL with a secret"] == []
