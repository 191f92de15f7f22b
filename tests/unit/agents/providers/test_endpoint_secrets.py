"""Secrets of endpoints: encrypted for one endpoint, and signatures that verifiers of Standard Webhooks accept."""

import datetime
import os
from base64 import b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from agents.providers.endpoint_secrets import SealedSecretError, SecretBox, sign
from schemas.webhook_endpoints import SigningEndpoint, encode_public_key
from tests.delivery_builders import NOW

MASTER = b"m" * 32
BOX = SecretBox(MASTER)
ONE, TWO = "whe_" + "1" * 32, "whe_" + "2" * 32
MESSAGE_ID, TIMESTAMP, BODY = b"dlv_1", b"%d" % NOW, '{"type":"order.shipped","data":{"to":"Zoë 🎉"}}'.encode()


@pytest.fixture(autouse=True)
def freeze_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class FrozenDatetime(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "FrozenDatetime":
            return cls.fromtimestamp(NOW, tz)

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", FrozenDatetime)


def build_headers(signature: bytes) -> dict[str, str]:
    return {"webhook-id": MESSAGE_ID.decode(), "webhook-timestamp": TIMESTAMP.decode(), "webhook-signature": signature.decode()}


def test_a_secret_is_what_was_stored_and_each_is_another() -> None:
    first, second = BOX.make_secret(ONE, "hmac", os.urandom), BOX.make_secret(ONE, "hmac", os.urandom)
    assert first.text.startswith("whsec_")
    assert len(b64decode(first.text.removeprefix("whsec_"))) == 32
    assert BOX.open_secret(ONE, first.sealed) == b64decode(first.text.removeprefix("whsec_"))
    assert first.text != second.text
    assert b64decode(first.text.removeprefix("whsec_")) not in first.sealed


@pytest.mark.parametrize("position", range(61))
def test_a_changed_byte_of_what_is_stored_is_found(position: int) -> None:
    sealed = bytearray(BOX.make_secret(ONE, "hmac", os.urandom).sealed)
    assert len(sealed) == 61
    sealed[position] ^= 1
    with pytest.raises(SealedSecretError):
        BOX.open_secret(ONE, bytes(sealed))


def test_the_secret_of_an_endpoint_cannot_be_given_to_another_one() -> None:
    sealed = BOX.make_secret(ONE, "hmac", os.urandom).sealed
    with pytest.raises(SealedSecretError, match=TWO):
        BOX.open_secret(TWO, sealed)


def test_another_master_secret_opens_nothing_and_the_error_names_the_setting() -> None:
    secret = BOX.make_secret(ONE, "hmac", os.urandom)
    with pytest.raises(SealedSecretError, match=r"providers\.webhook\.master_secret"):
        SecretBox(b"n" * 32).open_secret(ONE, secret.sealed)
    with pytest.raises(SealedSecretError):
        BOX.open_secret(ONE, b"")


def test_during_a_rotation_the_reference_verifier_accepts_either_secret_and_then_the_new_one_only() -> None:
    old, new = BOX.make_secret(ONE, "hmac", os.urandom), BOX.make_secret(ONE, "hmac", os.urandom)
    endpoint = SigningEndpoint(ONE, "hmac", True, 1, new.sealed, old.sealed, NOW + 10)
    both = sign("hmac", BOX.open_secrets(endpoint, NOW), MESSAGE_ID, TIMESTAMP, BODY)
    for secret in (old, new):
        Verifier(secret.text).verify(BODY, build_headers(both))
    later = sign("hmac", BOX.open_secrets(endpoint, NOW + 10), MESSAGE_ID, TIMESTAMP, BODY)
    Verifier(new.text).verify(BODY, build_headers(later))
    with pytest.raises(WebhookVerificationError):
        Verifier(old.text).verify(BODY, build_headers(later))


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_the_reference_verifier_rejects_what_was_changed(header: str) -> None:
    secret = BOX.make_secret(ONE, "hmac", os.urandom)
    headers = build_headers(sign("hmac", [BOX.open_secret(ONE, secret.sealed)], MESSAGE_ID, TIMESTAMP, BODY))
    changed = headers[header][:3] + ("B" if headers[header][3] != "B" else "C") + headers[header][4:]
    if header == "webhook-timestamp":
        changed = str(int(NOW) + 1)
    with pytest.raises(WebhookVerificationError):
        Verifier(secret.text).verify(BODY, {**headers, header: changed})
    with pytest.raises(WebhookVerificationError):
        Verifier(secret.text).verify(BODY + b" ", headers)


def test_the_public_key_verifies_v1a_by_hand() -> None:
    secret = BOX.make_secret(ONE, "ed25519", os.urandom)
    assert secret.text == "", "nobody needs the private key"
    old = BOX.make_secret(ONE, "ed25519", os.urandom)
    endpoint = SigningEndpoint(ONE, "ed25519", True, 1, secret.sealed, old.sealed, NOW + 10)
    signature = sign("ed25519", BOX.open_secrets(endpoint, NOW), MESSAGE_ID, TIMESTAMP, BODY)
    parts = [part.split(",") for part in signature.decode().split(" ")]
    assert [version for version, _ in parts] == ["v1a", "v1a"]
    content = MESSAGE_ID + b"." + TIMESTAMP + b"." + BODY
    for one, (_, text) in zip((secret, old), parts, strict=True):
        key = Ed25519PublicKey.from_public_bytes(b64decode(encode_public_key(one.public_key).removeprefix("whpk_")))
        key.verify(b64decode(text), content)
        with pytest.raises(InvalidSignature):
            key.verify(b64decode(text), content + b" ")
    other = Ed25519PublicKey.from_public_bytes(old.public_key)
    with pytest.raises(InvalidSignature):
        other.verify(b64decode(parts[0][1]), content)
