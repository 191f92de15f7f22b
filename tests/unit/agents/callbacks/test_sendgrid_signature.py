"""Our verifier of SendGrid's signatures agrees with SendGrid's own."""

import random
from base64 import b64encode
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sendgrid.helpers.eventwebhook import EventWebhook

from agents.callbacks.sendgrid_signature import SendGridVerifier

KEY, OTHER_KEY = (ec.derive_private_key(number, ec.SECP256R1()) for number in (4711, 4712))
BODIES = ('[{"event":"delivered"}]\r\n', "[]", "", '[{"reason":"Grüße 📬"}]', "x" * 10_000)


class Signed(NamedTuple):
    """A request: the public key as SendGrid shows it, and what is verified."""

    public_key: str
    signature: bytes
    timestamp: bytes
    body: bytes


def encode_key(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def sign(body: str, timestamp: str = "1760000000", key: ec.EllipticCurvePrivateKey = KEY) -> Signed:
    signature = key.sign(f"{timestamp}{body}".encode(), ec.ECDSA(SHA256()))
    return Signed(encode_key(key), b64encode(signature), timestamp.encode(), body.encode())


def ask_sendgrid(request: Signed) -> bool:
    """What SendGrid's own verifier says; it raises for what is no base64."""
    try:
        verifier = EventWebhook(request.public_key)
        return bool(verifier.verify_signature(request.body.decode(), request.signature.decode(), request.timestamp.decode()))
    except (ValueError, UnsupportedAlgorithm):  # also UnicodeDecodeError, for a changed byte in the body
        return False


def ask_herold(request: Signed) -> bool:
    try:
        return SendGridVerifier([request.public_key]).verify(request.signature, request.timestamp, request.body)
    except ValueError:
        return False


def iterate_valid(count: int) -> Iterator[Signed]:
    randomness = random.Random(1)
    for number in range(count):
        characters = (randomness.choice((randomness.randrange(32, 127), randomness.randrange(160, 0x2FFF))) for _ in range(number % 97))
        body = "".join(map(chr, characters))
        key = ec.derive_private_key(randomness.randrange(1, 2**200), ec.SECP256R1())
        yield sign(randomness.choice(BODIES) + body, str(1_700_000_000 + number), key)


def change_byte(request: Signed, field: str, randomness: random.Random) -> Signed:
    value = getattr(request, field)
    raw = bytearray(value.encode() if isinstance(value, str) else value)
    position = randomness.randrange(len(raw))
    raw[position] ^= 1 << randomness.randrange(7)
    return request._replace(**{field: raw.decode("latin-1") if isinstance(value, str) else bytes(raw)})


def test_agrees_with_sendgrid_on_valid_requests() -> None:
    verdicts = [(ask_herold(request), ask_sendgrid(request)) for request in iterate_valid(500)]
    assert verdicts == [(True, True)] * 500


@pytest.mark.parametrize("field", ["body", "timestamp", "public_key", "signature"])
def test_agrees_with_sendgrid_on_requests_with_one_changed_byte(field: str) -> None:
    randomness = random.Random(2)
    pairs = [(request, change_byte(request, field, randomness)) for request in iterate_valid(160) if getattr(request, field)]
    changed = [after for before, after in pairs if after != before]
    assert len(changed) >= 125
    for request in changed:
        assert ask_herold(request) == ask_sendgrid(request), request
    if field in ("body", "timestamp"):
        assert not any(map(ask_herold, changed))


def test_accepts_any_of_several_keys() -> None:
    verifier = SendGridVerifier([encode_key(OTHER_KEY), encode_key(KEY)])
    for key in (KEY, OTHER_KEY):
        request = sign("[]", key=key)
        assert verifier.verify(request.signature, request.timestamp, request.body)
    stranger = sign("[]", key=ec.derive_private_key(5, ec.SECP256R1()))
    assert not verifier.verify(stranger.signature, stranger.timestamp, stranger.body)


@pytest.mark.parametrize("signature", [b"", b"=", b"not base64", b"AAAA", b"\xff\xfe", b"A" * 100_000, b"MAYCAQACAQA="])
def test_malformed_signatures_are_refused(signature: bytes) -> None:
    assert SendGridVerifier([encode_key(KEY)]).verify(signature, b"1760000000", b"[]") is False


def test_the_line_break_at_the_end_counts() -> None:
    request = sign("[]\r\n")
    verifier = SendGridVerifier([request.public_key])
    assert verifier.verify(request.signature, request.timestamp, b"[]\r\n")
    assert not verifier.verify(request.signature, request.timestamp, b"[]")


def test_a_long_timestamp_is_refused_before_the_key_is_used() -> None:
    request = sign("[]", "1" * 33)
    assert not SendGridVerifier([request.public_key]).verify(request.signature, request.timestamp, request.body)


@pytest.mark.parametrize(
    "text",
    ["", "???", "AAAA", encode_key(ed25519.Ed25519PrivateKey.generate()), encode_key(ec.generate_private_key(ec.SECP384R1()))],
    ids=["empty", "not base64", "not DER", "Ed25519", "another curve"],
)
def test_other_keys_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="public key"):
        SendGridVerifier([text])
