"""API keys: their text, and the values in which they are created, changed and shown; times in epoch seconds.

    hrl_live_k3v9x2ab_<43 characters of secret><6 characters of checksum>

A scanner for secrets finds a key by the prefix, and knows by the checksum (CRC-32 in base 62, as GitHub's tokens have it) that it is one.
"""

import re
from base64 import b32encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated, Final, NamedTuple
from zlib import crc32

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.permissions import Permission, Role
from schemas.timestamps import Timestamp, explain_implausible, is_plausible, to_epoch_seconds
from schemas.user_validation import FieldProblem, find_nul

PREFIX: Final = "hrl_"
ID_LENGTH: Final = 8
SECRET_BYTES: Final = 32
KEY_LENGTH: Final = 67
MAX_KEY_OVERLAP: Final = 7 * 86_400
"""Seconds for which the key before a rotation can be used as well, at most."""

DEFAULT_KEY_OVERLAP: Final = 86_400

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_match_key = re.compile(rb"hrl_(?:live|test)_([a-z2-7]{8})_[0-9A-Za-z]{43}([0-9A-Za-z]{6})").fullmatch

is_key_id = re.compile(r"[a-z2-7]{8}").fullmatch

KeyName = Annotated[str, Meta(min_length=1, max_length=128, description="whose key it is, for people")]
Scopes = Annotated[list[Permission], Meta(max_length=100, description="the permissions of the role that the key has; empty: all of them")]
Expiry = Annotated[Timestamp | None, Meta(description="when the key ends; null: never")]


class ApiKeyRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A new key. It may do what its role and scopes say; one of a test (`is_test`) sends to the simulators only."""

    name: KeyName
    role: Role
    scopes: Scopes = []
    is_test: bool = False
    expires_at: Expiry = None


class ApiKeyChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What changes of a key; what is left out stays as it is."""

    name: KeyName | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    expires_at: Expiry | UnsetType = UNSET


class KeyRotation(Struct, frozen=True, forbid_unknown_fields=True):
    """A new secret; for `overlap` seconds the key before can be used as well. 0, for one that leaked: it ends at once."""

    overlap: Annotated[int, Meta(ge=0, le=MAX_KEY_OVERLAP)] = DEFAULT_KEY_OVERLAP


class KeyRevocation(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a key is revoked, for the audit log; the body may be empty."""

    reason: Annotated[str, Meta(max_length=1000)] = ""


class ApiKey(Struct, frozen=True):
    """A key without its secret; `version` is the ETag. `last_used_at` is a minute late at most, and null for one that was not used yet.

    Until `previous_expires_at` the key before the last rotation can be used as well.
    """

    id: str
    name: str
    role: Role
    scopes: list[str]
    is_test: bool
    expires_at: float | None
    revoked_at: float | None
    previous_expires_at: float | None
    last_used_at: float | None
    created_at: float
    created_by: str
    version: int
    project: str = ""


class CreatedApiKey(ApiKey, frozen=True, kw_only=True):
    """A key with its text, which is shown only now."""

    key: str


class StoredVerdict(NamedTuple):
    """What a gateway needs of a stored key to judge a credential: its SHA-256, that before a rotation, and until when they count."""

    key: ApiKey
    digest: bytes
    previous_digest: bytes


def build_key_id(random_bytes: bytes) -> str:
    """The id of a new key, of 5 random bytes."""
    return b32encode(random_bytes).decode().lower()


def build_key_text(key_id: str, random_bytes: bytes, *, is_test: bool) -> str:
    """The text of a key of 32 random bytes."""
    text = f"{PREFIX}{'test' if is_test else 'live'}_{key_id}_{_encode_digits(int.from_bytes(random_bytes), 43)}"
    return text + _compute_checksum(text.encode())


def compute_digest(credential: bytes) -> bytes:
    """What is stored of a key. A fast hash suffices for 256 random bits: there is nothing to guess."""
    return sha256(credential).digest()


def parse_key_id(credential: bytes) -> str | None:
    """The id in the text of a key; None for a text that is none, also for one that is misspelt."""
    match = _match_key(credential)
    if match is None or _compute_checksum(credential[:-6]).encode() != match[2]:
        return None
    return match[1].decode()


def find_key_problems(request: ApiKeyRequest | ApiKeyChange, now: float) -> Iterator[FieldProblem]:
    """Why a key cannot be written like this."""
    yield from find_nul(msgspec.to_builtins(request))
    expires_at = request.expires_at
    if expires_at is not None and expires_at is not UNSET:
        if not is_plausible(expires_at):
            yield FieldProblem("$.expires_at", explain_implausible(expires_at))
        elif to_epoch_seconds(expires_at) <= now:
            yield FieldProblem("$.expires_at", "is over: revoke a key that shall end now")


def _compute_checksum(text: bytes) -> str:
    return _encode_digits(crc32(text), 6)


def _encode_digits(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
