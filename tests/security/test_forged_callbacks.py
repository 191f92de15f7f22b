"""Callbacks that no provider signed: each is refused before it is parsed, and none changes anything."""

import hmac
from base64 import b64encode
from hashlib import sha1
from typing import Any

import pytest

from tests.security.gateway import TWILIO_TOKEN, AttackedGateway

URL = "https://herold.example.org"
FORM = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "delivered", "From": "+436641234567", "Body": "STOP", "To": "+15005550006"}
PATHS = ("/v1/callbacks/twilio", "/v1/callbacks/twilio/inbound")


def sign(path: str, form: dict[str, str], token: str = TWILIO_TOKEN, url: str = URL) -> str:
    """Twilio's signature of a form (https://www.twilio.com/docs/usage/webhooks/webhooks-security)."""
    text = f"{url}{path}" + "".join(f"{name}{form[name]}" for name in sorted(form))
    return b64encode(hmac.digest(token.encode(), text.encode(), sha1)).decode()


def build_forgeries(path: str) -> dict[str, dict[str, Any]]:
    """Requests whose signature is not Twilio's of this request."""
    signed, header = sign(path, FORM), "X-Twilio-Signature"
    return {
        "no signature": {"data": FORM},
        "an empty one": {"data": FORM, "headers": {header: ""}},
        "one with another token": {"data": FORM, "headers": {header: sign(path, FORM, "guess")}},
        "one with an empty token": {"data": FORM, "headers": {header: sign(path, FORM, "")}},
        "one of another URL": {"data": FORM, "headers": {header: sign(path, FORM, url="https://evil.example.org")}},
        "one of another path": {"data": FORM, "headers": {header: sign("/v1/callbacks/other", FORM)}},
        "one of another form": {"data": {**FORM, "From": "+436640000000"}, "headers": {header: signed}},
        "one field more": {"data": {**FORM, "X": "1"}, "headers": {header: signed}},
        "one field less": {"data": {name: FORM[name] for name in FORM if name != "Body"}, "headers": {header: signed}},
        "a name twice": {"content": "MessageSid=a&MessageSid=b", "headers": {header: sign(path, {"MessageSid": "a"})}},
        "a cut one": {"data": FORM, "headers": {header: signed[:-4]}},
        "one in lower case": {"data": FORM, "headers": {header: signed.lower()}},
        "a query more": {"data": FORM, "headers": {header: signed}, "params": {"x": "1"}},
        "the host of the client": {"data": FORM, "headers": {header: sign(path, FORM, url="http://evil"), "Host": "evil"}},
        "the API key instead": {"data": FORM, "headers": {"X-API-Key": "attack-me-" + "k" * 32}},
    }


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", build_forgeries(""))
def test_a_forged_callback_of_twilio_is_refused(gateway: AttackedGateway, path: str, name: str) -> None:
    with gateway.open("") as client:
        assert client.post(path, **build_forgeries(path)[name]).status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_what_twilio_signed_is_not(gateway: AttackedGateway, path: str) -> None:
    with gateway.open("") as client:
        answer = client.post(path, data=FORM, headers={"X-Twilio-Signature": sign(path, FORM)})
    assert answer.status_code in (200, 204)


SENDGRID = "X-Twilio-Email-Event-Webhook-"
EVENTS = [{"event": "bounce", "email": "ada@example.org"}]


@pytest.mark.parametrize("signature", [None, "", "x", "MEUCIQ==", b64encode(bytes(64)).decode()])
def test_a_forged_callback_of_sendgrid_is_refused(gateway: AttackedGateway, signature: str | None) -> None:
    headers = {} if signature is None else {f"{SENDGRID}Signature": signature, f"{SENDGRID}Timestamp": "1"}
    with gateway.open("") as client:
        assert client.post("/v1/callbacks/sendgrid", json=EVENTS, headers=headers).status_code == 403


@pytest.mark.parametrize("token", ["", "x", "eyJhbGciOiJub25lIn0.e30.", "A" * 2048, "A" * 4096])
def test_a_forged_token_of_a_link_is_none(gateway: AttackedGateway, token: str) -> None:
    with gateway.open("") as client:
        assert client.post("/v1/callbacks/fcm/ack", json={"token": token}).status_code in (403, 413, 422)
        assert client.get(f"/u/{token}").status_code in (400, 404)
        assert client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"}).status_code in (400, 404)
