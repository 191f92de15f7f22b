"""The signatures of callbacks: ECDSA of SendGrid's event webhook, HMAC of Twilio's requests."""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

SENDGRID_SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
SENDGRID_TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"
TWILIO_SIGNATURE_HEADER = "X-Twilio-Signature"


class SendGridSigner:
    """Signs with the private key of a PEM text, and forgeries with a key of its own.

    Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features.
    """

    def __init__(self, private_key: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        self._key: Any = load_pem_private_key(private_key, None)
        self._other_key = ec.generate_private_key(ec.SECP256R1())
        self._algorithm = ec.ECDSA(SHA256())

    def build_headers(self, body: bytes, timestamp: int, *, is_forged: bool = False) -> dict[str, str]:
        """The headers of a post: signature over the time in epoch seconds and the bytes of the body."""
        key = self._other_key if is_forged else self._key
        signature = key.sign(str(timestamp).encode() + body, self._algorithm)
        return {SENDGRID_SIGNATURE_HEADER: b64encode(signature).decode(), SENDGRID_TIMESTAMP_HEADER: str(timestamp)}


def sign_twilio_request(auth_token: str, url: str, parameters: Sequence[tuple[str, str]]) -> str:
    """The value of X-Twilio-Signature: HMAC-SHA1 of the URL and the sorted parameters.

    Source: https://www.twilio.com/docs/usage/security#validating-requests.
    """
    signed = url + "".join(name + value for name, value in sorted(parameters))
    return b64encode(hmac.digest(auth_token.encode(), signed.encode(), "sha1")).decode()
