"""The callbacks of the providers: verified before they are parsed, answered when Kafka has the events."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from litestar.testing import TestClient
from twilio.request_validator import RequestValidator

from agents.callbacks.sendgrid_signature import SendGridVerifier
from agents.callbacks.twilio_signature import TwilioVerifier
from app.api.resources.callbacks import CALLBACK_PATHS
from app.api.services.callback_keys import CallbackKeys, TwilioAccount
from schemas.enums import Status
from schemas.events import EngagementEvent, InboundEvent, ReceiptEvent
from schemas.ids import compute_partition
from schemas.link_tokens import LinkTokens
from schemas.metrics import CALLBACK_REPORTS, CALLBACKS
from schemas.push_receipts import sign_push_receipt
from tests.event_builders import build_delivery_ref
from tests.unit.app.api.harness import NOW, GatewayHarness, make_notification_id

KEY = ec.derive_private_key(4711, ec.SECP256R1())
PUBLIC_KEY = b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
TOKEN, BASE_URL = "0123456789abcdef" * 2, "https://herold.example.org/base"
LINKS = LinkTokens([b"s" * 32])
KEYS = CallbackKeys(SendGridVerifier([PUBLIC_KEY]), [TwilioAccount(TwilioVerifier([TOKEN]), BASE_URL)], LINKS)
DELIVERY_ID = build_delivery_ref(make_notification_id()).id
SID, NUMBER = "SM" + "0" * 32, "+436641234567"
STATUS_QUERY = f"delivery={DELIVERY_ID}&attempt=0&redrive_count=0"
_decode = msgspec.json.Decoder(ReceiptEvent | EngagementEvent | InboundEvent).decode


class Callbacks:
    """A gateway that knows the keys, and providers that sign with them; no request has the API key."""

    def __init__(self, harness: GatewayHarness) -> None:
        self.harness = harness
        self.client: TestClient[Any] = TestClient(harness.build_app())

    def send_events(self, *events: dict[str, Any], body: bytes | None = None, key: Any = KEY, **headers: str) -> Any:
        content = msgspec.json.encode(events) if body is None else body
        signature = b64encode(key.sign(b"1760000000" + content, ec.ECDSA(SHA256()))).decode()
        names = ("Signature", "Timestamp")
        signed = {f"X-Twilio-Email-Event-Webhook-{name}": value for name, value in zip(names, (signature, "1760000000"), strict=True)}
        return self.client.post("/v1/callbacks/sendgrid", content=content, headers={**signed, **headers})

    def send_form(self, path: str, form: dict[str, str], query: str = "", token: str = TOKEN) -> Any:
        url = f"{BASE_URL}{path}" + (f"?{query}" if query else "")
        headers = {"X-Twilio-Signature": RequestValidator(token).compute_signature(url, form)}
        headers["content-type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        return self.client.post(f"{path}?{query}" if query else path, content=urlencode(form), headers=headers)

    def acknowledge(self, **body: Any) -> Any:
        return self.client.post("/v1/callbacks/fcm/ack", content=msgspec.json.encode(body))

    def get_events(self) -> list[Any]:
        return [_decode(record.value) for record in self.harness.publisher.records]

    def get_counts(self) -> dict[tuple[str, ...], float]:
        page = self.harness.metrics.encode_metrics().decode()
        lines = [line for line in page.splitlines() if line.startswith((CALLBACKS.name + "{", CALLBACK_REPORTS.name + "{"))]
        return {tuple(part.split('"')[1] for part in line.split("} ")[0].split(",")): float(line.split("} ")[1]) for line in lines}


def build_report(event: str = "delivered", **fields: Any) -> dict[str, Any]:
    base = {"event": event, "email": "ada@example.org", "timestamp": NOW, "sg_event_id": "e-1", "delivery_id": DELIVERY_ID}
    return {**base, "attempt": "0", "redrive_count": "0", **fields}


@pytest.fixture
def callbacks() -> Callbacks:
    return Callbacks(GatewayHarness(callback_keys=KEYS))


def test_each_report_is_a_record_on_the_partition_of_its_delivery(callbacks: Callbacks) -> None:
    response = callbacks.send_events(build_report(), build_report("open", sg_event_id="e-2"), build_report("levitated"))
    assert (response.status_code, response.content) == (204, b"")
    assert [type(event) for event in callbacks.get_events()] == [ReceiptEvent, EngagementEvent]
    (record, _) = callbacks.harness.publisher.records
    assert (record.topic, record.key) == ("t.notifications.status", DELIVERY_ID.encode())
    assert record.partition == compute_partition(DELIVERY_ID, 4)
    assert callbacks.get_counts() == {
        ("sendgrid", "accepted"): 1,
        ("sendgrid", "delivered", "taken"): 1,
        ("sendgrid", "open", "taken"): 1,
        ("sendgrid", "other", "unknown"): 1,
    }


def test_a_status_of_twilio_names_its_delivery_in_the_signed_query(callbacks: Callbacks) -> None:
    form = {"MessageSid": SID, "MessageStatus": "delivered", "To": NUMBER, "BrandNew": "Grüße &="}
    assert callbacks.send_form("/v1/callbacks/twilio", form, STATUS_QUERY).status_code == 204
    (event,) = callbacks.get_events()
    assert (event.delivery_id, event.status, event.event_key, event.occurred_at) == (
        DELIVERY_ID,
        Status.DELIVERED,
        f"{SID}|delivered|",
        NOW,
    )


@pytest.mark.parametrize("kind", ["stop", "start", "help"])
def test_what_a_recipient_writes_is_on_the_partition_of_the_number(callbacks: Callbacks, kind: Any) -> None:
    form = {"MessageSid": SID, "From": NUMBER, "Body": kind.upper()}
    assert callbacks.send_form("/v1/callbacks/twilio/inbound", form).status_code == 204
    assert callbacks.get_events() == [InboundEvent("sms", "twilio", SID, kind, NUMBER, NOW)]
    (record,) = callbacks.harness.publisher.records
    assert (record.partition, record.key) == (compute_partition(NUMBER, 4), SID.encode())


def test_other_inbound_messages_are_accepted_and_ignored(callbacks: Callbacks) -> None:
    form = {"MessageSid": SID, "From": NUMBER, "Body": "thank you"}
    assert callbacks.send_form("/v1/callbacks/twilio/inbound", form).status_code == 204
    assert (callbacks.get_events(), callbacks.get_counts()[("twilio", "message", "ignored")]) == ([], 1)


def test_an_app_acknowledges_with_the_token_of_its_message(callbacks: Callbacks) -> None:
    token = sign_push_receipt(LINKS, DELIVERY_ID, 0, 0)
    assert callbacks.acknowledge(token=token).status_code == 204
    assert callbacks.acknowledge(token=token, event="open").status_code == 204
    assert [event.event for event in callbacks.get_events()] == ["delivered", "open"]


def test_forged_requests_are_refused_and_counted(callbacks: Callbacks) -> None:
    form = {"MessageSid": SID, "MessageStatus": "delivered"}
    responses = [
        callbacks.send_events(build_report(), key=ec.derive_private_key(5, ec.SECP256R1())),
        callbacks.send_events(build_report(), **{"X-Twilio-Email-Event-Webhook-Signature": "not base64!"}),
        callbacks.send_events(build_report(), **{"X-Twilio-Email-Event-Webhook-Timestamp": "1760000001"}),
        callbacks.client.post("/v1/callbacks/sendgrid", json=[build_report()]),
        callbacks.send_form("/v1/callbacks/twilio", form, STATUS_QUERY, token="f" * 32),
        callbacks.client.post("/v1/callbacks/twilio", data=form),
        callbacks.send_form("/v1/callbacks/twilio/inbound", {"Body": "START", "From": NUMBER}, token="f" * 32),
        callbacks.acknowledge(token="A" * 60),
    ]
    assert [response.status_code for response in responses] == [403] * 8
    assert {response.json()["type"] for response in responses} == {"/docs#invalid-signature"}
    assert callbacks.get_counts() == {("sendgrid", "forged"): 4, ("twilio", "forged"): 3, ("fcm", "forged"): 1}
    assert callbacks.get_events() == []


def test_a_signature_for_one_path_or_delivery_is_none_for_another(callbacks: Callbacks) -> None:
    form = {"MessageSid": SID, "From": NUMBER, "Body": "START"}
    url = f"{BASE_URL}/v1/callbacks/twilio?{STATUS_QUERY}"
    headers = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(url, form)}
    for path in ("/v1/callbacks/twilio/inbound", f"/v1/callbacks/twilio?{STATUS_QUERY}1", "/v1/callbacks/twilio"):
        assert callbacks.client.post(path, data=form, headers=headers).status_code == 403


def test_the_host_of_the_request_is_not_believed(callbacks: Callbacks) -> None:
    form = {"MessageSid": SID, "MessageStatus": "delivered"}
    url = f"https://evil.example.org/v1/callbacks/twilio?{STATUS_QUERY}"
    headers = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(url, form), "Host": "evil.example.org"}
    assert callbacks.client.post(f"/v1/callbacks/twilio?{STATUS_QUERY}", data=form, headers=headers).status_code == 403


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff", b"[" * 50_000, b"null"])
def test_a_signed_body_that_is_no_list_of_events_is_invalid(callbacks: Callbacks, body: bytes) -> None:
    response = callbacks.send_events(body=body)
    assert (response.status_code, response.json()["type"]) == (422, "/docs#invalid")
    assert callbacks.get_counts() == {("sendgrid", "malformed"): 1}


def test_a_body_is_read_up_to_its_limit_and_only_with_a_signature(callbacks: Callbacks) -> None:
    assert callbacks.send_events(body=b"[" + b" " * 100_000).status_code == 413

    def stream() -> Iterator[bytes]:
        for _ in range(3):
            yield b" " * 40_000

    signed = {f"X-Twilio-Email-Event-Webhook-{name}": "1" for name in ("Signature", "Timestamp")}
    assert callbacks.client.post("/v1/callbacks/sendgrid", content=stream(), headers=signed).status_code == 413
    assert callbacks.client.post("/v1/callbacks/sendgrid", content=stream()).status_code == 403
    assert callbacks.client.post("/v1/callbacks/fcm/ack", content=b"x" * 4097).status_code == 413
    assert callbacks.get_counts() == {("sendgrid", "too_large"): 2, ("sendgrid", "forged"): 1, ("fcm", "too_large"): 1}


def test_a_form_with_thousands_of_parameters_is_refused_before_it_is_verified(callbacks: Callbacks) -> None:
    form = {f"p{number}": "" for number in range(501)}
    assert callbacks.send_form("/v1/callbacks/twilio", form, STATUS_QUERY).status_code == 403


def test_without_kafka_the_provider_sends_it_again(callbacks: Callbacks) -> None:
    callbacks.harness.publisher.confirmations = iter([True, False])
    response = callbacks.send_events(build_report(), build_report("open", sg_event_id="e-2"))
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert callbacks.get_counts() == {("sendgrid", "unavailable"): 1}


def test_what_is_not_configured_says_which_setting_is_missing() -> None:
    callbacks = Callbacks(GatewayHarness())
    responses = [
        callbacks.send_events(build_report()),
        callbacks.send_form("/v1/callbacks/twilio", {}, STATUS_QUERY),
        callbacks.send_form("/v1/callbacks/twilio/inbound", {}),
        callbacks.acknowledge(token="x"),
    ]
    assert [response.status_code for response in responses] == [404] * 4
    for response, setting in zip(responses, ("webhook_public_key", "auth_token", "callback_base_url", "links.secret"), strict=True):
        assert setting in response.json()["detail"]


def test_only_the_callbacks_need_no_api_key(callbacks: Callbacks) -> None:
    for path in CALLBACK_PATHS:
        assert callbacks.client.post(path).status_code != 401
        assert callbacks.client.get(path).status_code == 405
    for path in ("/v1/callbacks", "/v1/callbacks/sendgrid/x", "/v1/callbacks/../users", "/v1/callbacks/other"):
        assert callbacks.client.post(path).status_code == 401


def test_openapi_has_every_callback_without_key(callbacks: Callbacks) -> None:
    document = callbacks.client.get("/openapi.json").json()
    for path in CALLBACK_PATHS:
        operation = document["paths"][path]["post"]
        assert operation["security"] == [{}]
        assert {"204", "403", "404", "413", "503"} <= set(operation["responses"])
        assert "401" not in operation["responses"]
        assert operation["requestBody"]["required"]
