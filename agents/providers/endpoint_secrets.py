"""The secrets of webhook endpoints: how they are stored, shown and used to sign (docs/decisions/0035).

Source of prefixes and signatures: the specification of standard-webhooks/standard-webhooks. `whsec_` is a secret for `v1` (HMAC-SHA256),
`whpk_` the public key for `v1a` (Ed25519), each with the base64 of 32 bytes.
"""

import hmac
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agents.providers.webhook_secret import encode_secret
from schemas.webhook_endpoints import SignatureKind, SigningEndpoint

SECRET_BYTES = 32
NONCE_BYTES = 12  # of AES-GCM; random, as no key encrypts more than a few million secrets
CACHED_KEYS = 4096  # ed25519 keys; loading one takes as long as a signature
_FORMAT = b"\x01"
_CONTEXT = b"herold webhook endpoint encryption v1\n"

RandomBytes = Callable[[int], bytes]


class SealedSecretError(ValueError):
    """A stored secret cannot be decrypted: another master secret has encrypted it, or it is damaged. The message does not contain it."""


class NewSecret(NamedTuple):
    """A new secret: encrypted, its public key (empty for hmac), and the text that the customer gets (empty for ed25519)."""

    sealed: bytes
    public_key: bytes
    text: str


class SecretBox:
    """Encrypts secrets with AES-256-GCM under a key that is derived from the master secret, and bound to the endpoint's id."""

    def __init__(self, master_secret: bytes) -> None:
        self._cipher = AESGCM(hmac.digest(master_secret, _CONTEXT, "sha256"))

    def make_secret(self, endpoint_id: str, signature: SignatureKind, read_random: RandomBytes) -> NewSecret:
        """A new secret of an endpoint."""
        secret, nonce = read_random(SECRET_BYTES), read_random(NONCE_BYTES)
        sealed = _FORMAT + nonce + self._cipher.encrypt(nonce, secret, endpoint_id.encode())
        if signature == "hmac":
            return NewSecret(sealed, b"", encode_secret(secret))
        return NewSecret(sealed, Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw(), "")

    def open_secret(self, endpoint_id: str, sealed: bytes) -> bytes:
        """The 32 bytes of a secret. Raises SealedSecretError."""
        nonce, text = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            if sealed[:1] != _FORMAT:
                raise ValueError
            return self._cipher.decrypt(nonce, text, endpoint_id.encode())
        except (InvalidTag, ValueError):
            raise SealedSecretError(f"the secret of {endpoint_id} was not encrypted with this providers.webhook.master_secret") from None

    def open_secrets(self, endpoint: SigningEndpoint, now: float) -> list[bytes]:
        """The secrets that sign at this time, the current one first. Raises SealedSecretError."""
        sealed = [endpoint.secret]
        if endpoint.previous_secret and now < endpoint.previous_expires_at:
            sealed.append(endpoint.previous_secret)
        return [self.open_secret(endpoint.id, one) for one in sealed]


def sign(signature: SignatureKind, secrets: Sequence[bytes], message_id: bytes, timestamp: bytes, body: bytes) -> bytes:
    """The value of the header webhook-signature: a signature with each secret, over id, time and body joined by dots."""
    signed = b"%b.%b.%b" % (message_id, timestamp, body)
    if signature == "hmac":
        return b" ".join([b"v1," + b64encode(hmac.digest(secret, signed, "sha256")) for secret in secrets])
    return b" ".join([b"v1a," + b64encode(_load_key(secret).sign(signed)) for secret in secrets])


@lru_cache(CACHED_KEYS)
def _load_key(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(secret)
