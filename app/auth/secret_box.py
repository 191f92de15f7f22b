"""What is derived from `auth.secret`: the encryption of secrets of one-time codes, and the keys of hashes that nobody shall try out.

Each use has a key of its own (HMAC-SHA256 of its context under the secret), so that a value of one use is none of another.
"""

import hmac
from collections.abc import Callable, Sequence
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

RandomBytes = Callable[[int], bytes]
Use = Literal["totp secret", "recovery code", "refresh token", "device cookie", "login limit"]

NONCE_BYTES = 12  # of AES-GCM; random, as no key encrypts more than a few million secrets
_FORMAT = b"\x01"
_CONTEXT = b"herold auth v1\n"


class SealedSecretError(ValueError):
    """A stored secret cannot be decrypted: another `auth.secret` has encrypted it, or it is damaged. The message does not contain it."""


class SecretBox:
    """Encrypts and hashes with the first secret; what former ones have made is still known. Raises ValueError without any."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets:
            raise ValueError("a secret is needed")
        self._secrets = [*secrets]

    def seal(self, plain: bytes, bound_to: str, read_random: RandomBytes) -> bytes:
        """AES-256-GCM of a secret of one-time codes; it can only be opened for the same account."""
        nonce = read_random(NONCE_BYTES)
        return _FORMAT + nonce + self._build_cipher(self._secrets[0]).encrypt(nonce, plain, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """The secret. Raises SealedSecretError."""
        nonce, text = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        for secret in self._secrets if sealed[:1] == _FORMAT else ():
            try:
                return self._build_cipher(secret).decrypt(nonce, text, bound_to.encode())
            except (InvalidTag, ValueError):
                continue
        raise SealedSecretError(f"the secret of {bound_to} was not encrypted with this auth.secret")

    def compute_hash(self, use: Use, value: bytes) -> bytes:
        """The hash of a value with the first secret: 32 bytes."""
        return hmac.digest(self._derive_key(self._secrets[0], use), value, "sha256")

    def compute_hashes(self, use: Use, value: bytes) -> list[bytes]:
        """The hash of a value with each secret, the first one first."""
        return [hmac.digest(self._derive_key(secret, use), value, "sha256") for secret in self._secrets]

    def _build_cipher(self, secret: bytes) -> AESGCM:
        return AESGCM(self._derive_key(secret, "totp secret"))

    @staticmethod
    def _derive_key(secret: bytes, use: Use) -> bytes:
        return hmac.digest(secret, _CONTEXT + use.encode(), "sha256")
