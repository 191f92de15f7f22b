"""Signed tokens in the links that leave Herold, such as unsubscribe links: who has the link may do what it says, without a login.

A token is base64url of `key id (4 bytes) | MAC (16 bytes) | fields (MessagePack)`. The MAC is HMAC-SHA256, cut to 128 bits (RFC 2104, 5),
under a key that is derived for the purpose, so that a token for one purpose is none for another. Tokens have no expiry: an unsubscribe
link in an old e-mail has to work. They are signed, not encrypted: no address belongs into one.
"""

import hmac
import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

import msgspec

Purpose = Literal["unsubscribe", "receipt"]
"""What a token allows: to unsubscribe its user from a category, or to confirm that a push message has arrived."""

MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64
MAX_TOKEN_CHARACTERS = 2048
MAX_SECRETS = 8

_KEY_CONTEXT = b"herold link key v1\n"
_KEY_ID_CONTEXT = b"herold link key id v1"
_KEY_ID_BYTES, _MAC_BYTES = 4, 16
_BLOCK_BYTES = 64  # of SHA-256
_FIELDS_START = _KEY_ID_BYTES + _MAC_BYTES

_match_token = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_TOKEN_CHARACTERS}}}").fullmatch
_encode_fields = msgspec.msgpack.Encoder().encode
_decode_fields = msgspec.msgpack.Decoder(list[str]).decode


class KeyedMac:
    """HMAC-SHA256 with one key of at most 64 bytes (RFC 2104, 4: the states after the padded key are kept).

    It takes half of the time of hmac.digest, in which OpenSSL looks for the algorithm and hashes the key twice.
    """

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner, self._outer = sha256(bytes(byte ^ 0x36 for byte in padded)), sha256(bytes(byte ^ 0x5C for byte in padded))

    def compute(self, message: bytes) -> bytes:
        """The MAC of a message, 32 bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


class LinkTokens:
    """Signs and verifies tokens: the first secret signs, all verify, so that a secret can be replaced while its links are in use.

    Raises ValueError without a secret.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets:
            raise ValueError("a secret is needed to sign links")
        self._secrets = {_derive_key_id(secret): secret for secret in reversed(secrets)}
        self._signing_key_id = _derive_key_id(secrets[0])
        self._macs: dict[tuple[bytes, str], KeyedMac] = {}

    def sign(self, purpose: Purpose, *fields: str) -> str:
        """The token of these fields, of characters that are the same in a URL, a header and HTML; always the same for the same fields."""
        key_id, encoded = self._signing_key_id, _encode_fields(fields)
        return urlsafe_b64encode(key_id + self._compute_mac(key_id, purpose, encoded) + encoded).rstrip(b"=").decode()

    def verify(self, purpose: Purpose, token: str) -> list[str] | None:
        """The fields of a token that was signed for this purpose; None for every other text."""
        content = _decode_token(token)
        key_id, mac, encoded = content[:_KEY_ID_BYTES], content[_KEY_ID_BYTES:_FIELDS_START], content[_FIELDS_START:]
        if key_id not in self._secrets or not hmac.compare_digest(self._compute_mac(key_id, purpose, encoded), mac):
            return None
        return _decode_fields(encoded)

    def _compute_mac(self, key_id: bytes, purpose: Purpose, encoded: bytes) -> bytes:
        mac = self._macs.get((key_id, purpose))
        if mac is None:
            key = hmac.digest(self._secrets[key_id], _KEY_CONTEXT + purpose.encode(), "sha256")
            mac = self._macs[key_id, purpose] = KeyedMac(key)
        return mac.compute(encoded)[:_MAC_BYTES]


def decode_secrets(text: str) -> list[bytes]:
    """The secrets of a setting, base64 and comma separated. Raises ValueError, whose message does not contain them."""
    secrets = [_decode_secret(part.strip()) for part in text.split(",")] if text.strip() else []
    if len(secrets) > MAX_SECRETS:
        raise ValueError(f"must be at most {MAX_SECRETS} secrets")
    return secrets


def _decode_secret(text: str) -> bytes:
    try:
        secret = b64decode(text, validate=True)
    except ValueError:
        secret = b""
    if not MIN_SECRET_BYTES <= len(secret) <= MAX_SECRET_BYTES:
        size = f"{MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} random bytes"
        raise ValueError(f"must be the base64 of {size}, as `openssl rand -base64 32` prints; several are separated by commas")
    return secret


def _decode_token(token: str) -> bytes:
    """The bytes of a token; none for a text that is not the one way in which they are written."""
    if not _match_token(token) or len(token) % 4 == 1:
        return b""
    content = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    return content if urlsafe_b64encode(content).rstrip(b"=") == token.encode() else b""


def _derive_key_id(secret: bytes) -> bytes:
    return hmac.digest(secret, _KEY_ID_CONTEXT, "sha256")[:_KEY_ID_BYTES]
