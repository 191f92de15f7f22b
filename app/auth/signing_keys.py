"""The keys that sign access tokens: Ed25519 (RFC 8037), several PEM blocks in one file. The first signs, all verify.

A key is named by its thumbprint (RFC 7638), so that all gateways call it the same without a register.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.errors import SettingError
from schemas.ports import Clock

MAX_KEYS = 8
CHECK_INTERVAL = 5.0  # seconds between two looks whether the file has changed
_END = "-----END PRIVATE KEY-----"


class SigningKey(NamedTuple):
    """A key with its name."""

    kid: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> Ed25519PublicKey:
        return self.private.public_key()


class SigningKeys:
    """The keys of a file, in its order. Raises ValueError for a text without keys or with others, which the message does not contain."""

    def __init__(self, text: str) -> None:
        blocks = [block.strip() + "\n" + _END + "\n" for block in text.split(_END) if block.strip()]
        keys = [_load_key(block) for block in blocks]
        if not 1 <= len(keys) <= MAX_KEYS:
            raise ValueError(f"must have 1 to {MAX_KEYS} private keys; it has {len(keys)}")
        if len({key.kid for key in keys}) < len(keys):
            raise ValueError("has a key twice")
        self.keys = keys
        self.by_kid: Mapping[str, SigningKey] = {key.kid: key for key in keys}

    @property
    def first(self) -> SigningKey:
        """The one that signs."""
        return self.keys[0]

    def to_text(self) -> str:
        """The content of the file."""
        return encode_keys(self.keys)

    def build_jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys as a JSON Web Key Set (RFC 7517)."""
        return {"keys": [{**_build_jwk(key.public), "kid": key.kid, "alg": "EdDSA", "use": "sig"} for key in self.keys]}


class SigningKeyFile:
    """The keys of a file, which is read again when it has changed; a file that has become unusable leaves the keys as they are.

    `clock` is monotonic. Raises SettingError if the file cannot be used at first.
    """

    def __init__(self, path: Path, clock: Clock, on_problem: Callable[[str], None]) -> None:
        self._path, self._clock, self._on_problem = path, clock, on_problem
        try:
            self._keys, self._changed_at = SigningKeys(path.read_text("utf-8")), path.stat().st_mtime_ns
        except (OSError, ValueError) as error:
            raise SettingError("auth.signing_keys_file", describe_file_problem(path, error)) from None
        self._checked_at = clock()

    def get(self) -> SigningKeys:
        """The keys as of the last seconds."""
        if self._clock() - self._checked_at >= CHECK_INTERVAL:
            self._checked_at = self._clock()
            self._read_again()
        return self._keys

    def _read_again(self) -> None:
        try:
            changed_at = self._path.stat().st_mtime_ns
            if changed_at != self._changed_at:
                self._keys, self._changed_at = SigningKeys(self._path.read_text("utf-8")), changed_at
        except (OSError, ValueError) as error:
            self._on_problem(describe_file_problem(self._path, error))


def describe_file_problem(path: Path, error: Exception) -> str:
    """What is wrong with a file of keys, without its content."""
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"{path} cannot be used: {reason}; `herold signing-keys create FILE` makes one"


def encode_private_key(key: Ed25519PrivateKey) -> str:
    """A key as PEM (PKCS #8, not encrypted)."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


def encode_keys(keys: Sequence[SigningKey]) -> str:
    """The content of a file with these keys."""
    return "".join(encode_private_key(key.private) for key in keys)


def compute_kid(key: Ed25519PublicKey) -> str:
    """The thumbprint of a key: base64url of the SHA-256 of its members in the order of their names."""
    text = json.dumps(_build_jwk(key), separators=(",", ":"), sort_keys=True)
    return _encode(hashlib.sha256(text.encode()).digest())


def _build_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _encode(key.public_bytes_raw())}


def _encode(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _load_key(block: str) -> SigningKey:
    try:
        key = serialization.load_pem_private_key(block.encode(), None)
    except (ValueError, TypeError):
        raise ValueError("has a part that is no private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("has a key that is not Ed25519")
    return SigningKey(compute_kid(key.public_key()), key)
