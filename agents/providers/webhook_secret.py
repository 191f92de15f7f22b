"""The signing secret of a customer's webhook endpoint, derived from one master secret (docs/decisions/0012)."""

import hmac
from base64 import b64decode, b64encode

SECRET_PREFIX = "whsec_"
_CONTEXT = b"herold webhook secret v1\n"  # so that the master secret can serve other purposes without a relation


def decode_master_secret(text: str) -> bytes:
    """The bytes of the master secret. Raises ValueError, whose message does not contain it."""
    try:
        secret = b64decode(text, validate=True)
    except ValueError:
        secret = b""
    if not 24 <= len(secret) <= 64:
        raise ValueError("must be the base64 of 24 to 64 random bytes, as `openssl rand -base64 32` prints")
    return secret


def derive_secret(master_secret: bytes, user_id: str, host: str) -> bytes:
    """The 32 bytes that sign the webhooks of a user to a host, whose name is given in lower case and without a port.

    A host name contains no line break, so no other pair has the same input.
    """
    return hmac.digest(master_secret, b"%b%b\n%b" % (_CONTEXT, host.rstrip(".").encode(), user_id.encode()), "sha256")


def encode_secret(secret: bytes) -> str:
    """The secret as the customer's verifier takes it (Standard Webhooks 1.0)."""
    return SECRET_PREFIX + b64encode(secret).decode()
