"""Webhooks: signed as the reference implementation of Standard Webhooks verifies, and what the responses of endpoints mean."""

import datetime
import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from agents.providers.endpoint_secrets import SecretBox
from agents.providers.webhook import ENDPOINT_DELETED, PORT_NOT_ALLOWED, Webhook, parse_target
from agents.providers.webhook_secret import decode_master_secret, derive_secret, encode_secret
from schemas.content import WebhookContent
from schemas.enums import Outcome, Reason, Status
from schemas.http import HttpRequest, HttpResponse
from schemas.outcome import AttemptResult
from schemas.webhook_endpoints import DELETED, SigningEndpoint
from tests.delivery_builders import NOW, build_delivery

MASTER_SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRET = encode_secret(derive_secret(decode_master_secret(MASTER_SECRET), "u-1", "shop.example.org"))  # of build_delivery


def build_request(now: float = NOW, **changes: Any) -> HttpRequest:
    prepared = Webhook(MASTER_SECRET, allow_http=True).build_request(build_delivery("webhook", **changes), 0, now)
    assert isinstance(prepared, HttpRequest)
    return prepared


def parse_headers(request: HttpRequest) -> dict[str, str]:
    lines = request.head.decode().split("\r\n")[1:-2]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


DATA = st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.integers(-9, 9) | st.text(max_size=9), st.lists, max_leaves=5))


@pytest.fixture(autouse=True)
def freeze_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verifier reads the real clock; here it is the attempt's."""

    class FrozenDatetime(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "FrozenDatetime":
            return cls.fromtimestamp(NOW, tz)

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", FrozenDatetime)


@given(kind=st.text(min_size=1, max_size=20), data=DATA)
def test_the_reference_verifier_accepts_the_signature(kind: str, data: dict[str, Any]) -> None:
    prepared = build_request(content=WebhookContent(kind, data))
    payload = Verifier(SECRET).verify(prepared.body, parse_headers(prepared))
    assert (payload["type"], payload["data"]) == (kind, data)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_the_reference_verifier_rejects_any_other_header(header: str) -> None:
    prepared = build_request()
    forged = {**parse_headers(prepared), header: parse_headers(prepared)[header].replace("1", "2")}
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(prepared.body, forged)


def test_the_reference_verifier_rejects_another_body() -> None:
    prepared = build_request()
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(prepared.body + b" ", parse_headers(prepared))


def test_attempts_differ_in_time_and_signature_only() -> None:
    first, second = build_request(NOW), build_request(NOW + 300.7)
    differing = {name for name, value in parse_headers(first).items() if parse_headers(second)[name] != value}
    assert differing == {"webhook-timestamp", "webhook-signature"}
    assert parse_headers(second)["webhook-timestamp"] == str(int(NOW) + 300)
    assert first.body == second.body


def test_the_payload_is_type_time_of_the_notification_and_data() -> None:
    payload = json.loads(build_request(NOW + 300, created_at=NOW + 0.25).body)
    assert payload == {"type": "order.shipped", "timestamp": "2025-10-09T08:53:20.250000Z", "data": {"order": 17, "to": "Zoë"}}


@pytest.mark.parametrize(
    ("url", "origin", "line", "host"),
    [
        ("https://a.example.org", "https://a.example.org:443", "POST / HTTP/1.1", "a.example.org"),
        ("https://a.example.org/x/?y=1#z", "https://a.example.org:443", "POST /x/?y=1 HTTP/1.1", "a.example.org"),
        ("https://A.example.org:8443/x", "https://a.example.org:8443", "POST /x HTTP/1.1", "A.example.org:8443"),
        ("http://127.0.0.1:80/x", "http://127.0.0.1:80", "POST /x HTTP/1.1", "127.0.0.1"),
        ("http://[::1]:81?q", "http://[::1]:81", "POST /?q HTTP/1.1", "[::1]:81"),
    ],
)
def test_a_url_gives_origin_request_line_and_host(url: str, origin: str, line: str, host: str) -> None:
    prepared = build_request(address=url)
    assert prepared.origin == origin
    assert prepared.head.decode().startswith(f"{line}\r\nHost: {host}\r\n")


def test_plain_http_must_be_allowed() -> None:
    assert parse_target("http://a.example.org/", True) is not None
    assert parse_target("http://a.example.org/", False) is None


def test_all_invalid_urls_share_one_account() -> None:
    assert Webhook(MASTER_SECRET).get_account(build_delivery("webhook", address="nowhere")) == ""


@pytest.mark.parametrize("secret", ["", "short", "A" * 100, "!!!!", "é", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_an_invalid_master_secret_is_an_error_that_does_not_repeat_it(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 random bytes") as caught:
        Webhook(secret)
    assert not secret or secret not in str(caught.value)


@pytest.mark.parametrize(
    ("user_id", "host"), [("u-2", "shop.example.org"), ("u-1", "shop.example.com"), ("u-1", "example.org"), ("org\nu-1", "shop.example")]
)
def test_the_secret_of_another_user_or_host_verifies_nothing(user_id: str, host: str) -> None:
    other = encode_secret(derive_secret(decode_master_secret(MASTER_SECRET), user_id, host))
    prepared = build_request()
    with pytest.raises(WebhookVerificationError):
        Verifier(other).verify(prepared.body, parse_headers(prepared))


@pytest.mark.parametrize("address", ["https://SHOP.example.org/x", "https://shop.example.org:8443/", "http://shop.example.org./"])
def test_case_port_path_and_trailing_dot_of_the_url_do_not_change_the_secret(address: str) -> None:
    prepared = build_request(address=address)
    Verifier(SECRET).verify(prepared.body, parse_headers(prepared))


def test_a_secret_does_not_change_with_a_release() -> None:
    assert SECRET == "whsec_9+f40UKaKItQjUpUTGO0HxLl+1uNeUweQ+b8mrWJyC8="


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    attempted = Webhook(MASTER_SECRET).parse_result(HttpResponse(status, {}, b""), NOW)
    assert (attempted.outcome, attempted.status) == (Outcome.ACCEPTED, Status.DELIVERED)


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        *((status, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT) for status in (300, 301, 302, 304, 307, 308)),
        *((status, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT) for status in (400, 401, 403, 404, 405, 413, 415, 418, 422, 499)),
        (410, Outcome.REJECTED_RECIPIENT, Reason.ENDPOINT_GONE),
        (425, Outcome.THROTTLED, ""),
        (429, Outcome.THROTTLED, ""),
        *((status, Outcome.UNKNOWN, "") for status in (408, 409, 500, 501, 502, 503, 504, 599)),
    ],
)
def test_only_an_unclear_response_is_unknown(status: int, outcome: Outcome, reason: str) -> None:
    attempted = Webhook(MASTER_SECRET).parse_result(HttpResponse(status, {b"location": b"/secret"}, b"secret"), NOW)
    assert (attempted.outcome, attempted.reason, attempted.provider_code) == (outcome, reason, status)
    assert bool(attempted.detail) is (outcome is not Outcome.UNKNOWN)
    assert "secret" not in attempted.detail


class FakeEndpoints:
    """The endpoints of a view; an id that is not among them is not known."""

    def __init__(self, *endpoints: SigningEndpoint) -> None:
        self.endpoints = {endpoint.id: endpoint for endpoint in endpoints}

    def find(self, endpoint_id: str) -> SigningEndpoint | None:
        return self.endpoints.get(endpoint_id)


ENDPOINT_ID = "whe_" + "1" * 32
BOX = SecretBox(decode_master_secret(MASTER_SECRET))


def build_endpoint(**changes: Any) -> tuple[SigningEndpoint, str]:
    """An endpoint, and the secret that its customer has."""
    secret = BOX.make_secret(ENDPOINT_ID, "hmac", os.urandom)
    return SigningEndpoint(
        **{"id": ENDPOINT_ID, "signature": "hmac", "is_enabled": True, "version": 1, "secret": secret.sealed, **changes}
    ), secret.text


def prepare_for_endpoint(*endpoints: SigningEndpoint, **options: Any) -> HttpRequest | AttemptResult:
    provider = Webhook(MASTER_SECRET, **options)
    provider.use_endpoints(FakeEndpoints(*endpoints))
    return provider.build_request(build_delivery("webhook", endpoint_id=ENDPOINT_ID), 0, NOW)


def test_an_endpoint_is_signed_with_its_own_secret_and_not_with_the_derived_one() -> None:
    endpoint, secret = build_endpoint()
    prepared = prepare_for_endpoint(endpoint)
    assert isinstance(prepared, HttpRequest)
    Verifier(secret).verify(prepared.body, parse_headers(prepared))
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(prepared.body, parse_headers(prepared))


def test_after_a_rotation_both_secrets_sign_until_the_overlap_ends() -> None:
    old = BOX.make_secret(ENDPOINT_ID, "hmac", os.urandom)
    endpoint, new = build_endpoint(previous_secret=old.sealed, previous_expires_at=NOW + 1)
    prepared = prepare_for_endpoint(endpoint)
    assert isinstance(prepared, HttpRequest)
    for secret in (old.text, new):
        Verifier(secret).verify(prepared.body, parse_headers(prepared))
    assert len(parse_headers(prepared)["webhook-signature"].split(" ")) == 2


@pytest.mark.parametrize(
    ("endpoints", "outcome", "reason"),
    [
        ([build_endpoint(is_enabled=False)[0]], Outcome.REJECTED_RECIPIENT, Reason.ENDPOINT_DISABLED),
        ([], Outcome.NOT_SENT, ""),
    ],
)
def test_no_call_is_made_for_an_endpoint_that_is_disabled_or_not_known(
    endpoints: list[SigningEndpoint], outcome: Outcome, reason: str
) -> None:
    prepared = prepare_for_endpoint(*endpoints)
    assert isinstance(prepared, AttemptResult)
    assert (prepared.outcome, prepared.reason) == (outcome, reason)


def test_no_call_is_made_for_an_endpoint_that_was_deleted() -> None:
    provider = Webhook(MASTER_SECRET)
    view = FakeEndpoints()
    view.endpoints[ENDPOINT_ID] = DELETED
    provider.use_endpoints(view)
    prepared = provider.build_request(build_delivery("webhook", endpoint_id=ENDPOINT_ID), 0, NOW)
    assert prepared is ENDPOINT_DELETED


def test_a_secret_of_another_master_secret_is_a_fault_of_the_account_that_names_the_setting() -> None:
    sealed = SecretBox(b"n" * 32).make_secret(ENDPOINT_ID, "hmac", os.urandom).sealed
    prepared = prepare_for_endpoint(build_endpoint(secret=sealed)[0])
    assert isinstance(prepared, AttemptResult)
    assert (prepared.is_account_fault, prepared.reason) == (True, Reason.MISCONFIGURED)
    assert "providers.webhook.master_secret" in prepared.detail


@pytest.mark.parametrize(
    ("address", "options", "is_sent"),
    [
        ("https://shop.example.org:25/", {"ports": "443, 8443"}, False),
        ("https://shop.example.org:8443/", {"ports": "443, 8443"}, True),
        ("https://shop.example.org:25/", {"ports": "443", "allow": "shop.example.org"}, True),
        ("https://10.0.0.1:25/", {"ports": "443", "allow": "10.0.0.0/8"}, True),
        ("https://shop.example.org:25/", {"ports": ""}, True),
    ],
)
def test_only_the_ports_of_the_settings_are_called(address: str, options: dict[str, str], is_sent: bool) -> None:
    prepared = Webhook(MASTER_SECRET, **options).build_request(build_delivery("webhook", address=address), 0, NOW)  # type: ignore[arg-type]
    assert isinstance(prepared, HttpRequest) is is_sent
    assert is_sent or prepared == PORT_NOT_ALLOWED


def test_a_payload_that_is_too_large_is_not_sent() -> None:
    size = len(build_request().body)
    for limit, is_sent in ((size, True), (size - 1, False)):
        prepared = Webhook(MASTER_SECRET, max_body_bytes=limit).build_request(build_delivery("webhook"), 0, NOW)
        assert isinstance(prepared, HttpRequest) is is_sent
    assert isinstance(prepared, AttemptResult)
    assert (prepared.outcome, prepared.reason) == (Outcome.REJECTED_PERMANENT, Reason.TOO_LARGE)
    assert f"{size} bytes" in prepared.detail


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [(502, None, 60.0), (504, None, 60.0), (503, None, 0.0), (429, None, 0.0), (429, b"5", 5.0), (502, b"7", 7.0)],
)
def test_a_busy_endpoint_waits_even_if_it_does_not_say_how_long(status: int, header: bytes | None, seconds: float) -> None:
    headers = {} if header is None else {b"retry-after": header}
    assert Webhook(MASTER_SECRET).parse_result(HttpResponse(status, headers, b""), NOW).retry_after == seconds
