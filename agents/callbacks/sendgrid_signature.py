"""The signature of SendGrid's Event Webhook: ECDSA on P-256 with SHA-256, of the timestamp and the raw body.

Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features, and
sendgrid/helpers/eventwebhook of SendGrid's own library. A timestamp of any age is taken: SendGrid repeats a request for 24 hours, and it is
not said whether a repeated one is signed again. A replay is found by its event ids instead.
"""

import binascii
from base64 import b64decode
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

SIGNATURE_HEADER = b"x-twilio-email-event-webhook-signature"
TIMESTAMP_HEADER = b"x-twilio-email-event-webhook-timestamp"
MAX_SIGNATURE_CHARACTERS = 128  # a DER signature on P-256 has at most 72 bytes, 96 characters in base64
MAX_TIMESTAMP_CHARACTERS = 32

_ALGORITHM = ECDSA(SHA256())


class SendGridVerifier:
    """Verifies requests with any of several public keys, so that a key can be replaced without a gap.

    Raises ValueError for a text that is not the base64 of a DER public key on P-256, as SendGrid shows it.
    """

    def __init__(self, public_keys: Sequence[str]) -> None:
        self._keys = [_load_key(text) for text in public_keys]

    def verify(self, signature: bytes, timestamp: bytes, body: bytes) -> bool:
        """Whether one of the keys has signed this; never raises, whatever the headers hold."""
        if len(signature) > MAX_SIGNATURE_CHARACTERS or len(timestamp) > MAX_TIMESTAMP_CHARACTERS:
            return False
        try:
            decoded = b64decode(signature, validate=True)
        except binascii.Error:
            return False
        signed = timestamp + body
        return any(_is_signed(key, decoded, signed) for key in self._keys)


def _load_key(text: str) -> EllipticCurvePublicKey:
    try:
        key = load_der_public_key(b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):  # binascii.Error is a ValueError
        raise ValueError("is not the base64 of a public key, as SendGrid shows it") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("is a public key, but not one on the curve P-256")
    return key


def _is_signed(key: EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, _ALGORITHM)
    except InvalidSignature:
        return False
    return True
