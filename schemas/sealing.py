"""Seals and opens what belongs to one user: AES-256-GCM under the user's data keys (docs/decisions/0047).

Sealed bytes: the format (1 byte), the length of the outer key's id and the id, the version of the data key (2 bytes), a random nonce (12
bytes), the ciphertext with its tag (16 bytes). What they are bound to is authenticated and not stored: the kind of record, the user and the
id of the notification or delivery. So bytes that were moved to another place do not open.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from struct import Struct as Layout
from typing import Literal, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import ErasedError, SealError, UnknownDataKeyError

SealedKind = Literal["notification", "delivery", "digest", "record", "profile", "addresses", "token", "suppression", "consent", "report"]
"""What sealed bytes are part of."""

KEY_BYTES = 32
NONCE_BYTES = 12  # of AES-GCM; random, as no data key seals more than a few million values
SEALED_FORMAT = b"\x01"
"""The first byte of sealed bytes; no JSON begins with it."""

_VERSION = Layout(">H")
_OVERHEAD = _VERSION.size + NONCE_BYTES

ReadRandom = Callable[[int], bytes]


class DataKey(NamedTuple):
    """A data key of a user; without `key` it is destroyed. `outer_key_id` names the outer key that it was last wrapped with."""

    version: int
    outer_key_id: str
    key: bytes | None


def can_seal(keys: Sequence[DataKey]) -> bool:
    """Whether the last data key is there and not destroyed."""
    return bool(keys) and keys[-1].key is not None


class Sealer:
    """The data keys of one user, of which the last one seals.

    A cipher takes 2.5 kB and is made when it is needed, so that many sealers can be kept.
    """

    __slots__ = ("_ciphers", "_keys", "_read_random", "_user_id")

    def __init__(self, user_id: str, keys: Iterable[DataKey], read_random: ReadRandom) -> None:
        """`keys` in the order of their versions."""
        self._read_random, self._user_id, self._keys = read_random, user_id, tuple(keys)
        self._ciphers: dict[int, AESGCM] | None = None

    @property
    def can_seal(self) -> bool:
        """Whether the last data key is there and not destroyed."""
        return can_seal(self._keys)

    def seal(self, kind: SealedKind, item_id: str, plain: bytes) -> bytes:
        """The sealed bytes of what belongs to this user and item. Raises ErasedError if the last data key is destroyed."""
        if not self._keys:
            raise ErasedError
        current = self._keys[-1]
        cipher, nonce = self._get_cipher(current), self._read_random(NONCE_BYTES)
        header = _build_header(current.outer_key_id, current.version)
        return header + nonce + cipher.encrypt(nonce, plain, self._bind(kind, item_id))

    def open(self, kind: SealedKind, item_id: str, sealed: bytes) -> bytes:
        """What was sealed. Raises ErasedError if its data key is destroyed, UnknownDataKeyError, or SealError for other bytes."""
        if sealed[:1] != SEALED_FORMAT or len(sealed) < 2:
            raise SealError("these bytes are not sealed in a format of this release")
        start = 2 + sealed[1]
        nonce_start, text_start = start + _VERSION.size, start + _OVERHEAD
        if len(sealed) < text_start:
            raise SealError("the sealed bytes are cut")
        (version,) = _VERSION.unpack_from(sealed, start)
        cipher = self._get_cipher(self._find_key(version))
        try:
            return cipher.decrypt(sealed[nonce_start:text_start], sealed[text_start:], self._bind(kind, item_id))
        except InvalidTag:
            raise SealError("the sealed bytes were changed, or belong to another place") from None

    def _find_key(self, version: int) -> DataKey:
        for key in self._keys:
            if key.version == version:
                return key
        raise UnknownDataKeyError(version)

    def _get_cipher(self, key: DataKey) -> AESGCM:
        if key.key is None:
            raise ErasedError
        if self._ciphers is None:
            self._ciphers = {}
        cipher = self._ciphers.get(key.version)
        if cipher is None:
            cipher = self._ciphers[key.version] = AESGCM(key.key)
        return cipher

    def _bind(self, kind: SealedKind, item_id: str) -> bytes:
        return f"{kind}\0{self._user_id}\0{item_id}".encode()


@lru_cache(maxsize=64)
def _build_header(outer_key_id: str, version: int) -> bytes:
    name = outer_key_id.encode()
    return SEALED_FORMAT + bytes([len(name)]) + name + _VERSION.pack(version)


class RandomBuffer:
    """Random bytes, of which many are read from the system at once: a call of the system costs more than sealing a short text."""

    def __init__(self, read_random: ReadRandom, size: int = 4096) -> None:
        self._read_random, self._size = read_random, size
        self._buffer, self._position = b"", 0

    def __call__(self, count: int) -> bytes:
        start = self._position
        if start + count > len(self._buffer):
            self._buffer, start = self._read_random(max(count, self._size)), 0
        self._position = start + count
        return self._buffer[start : start + count]


class OuterKeys:
    """The keys that wrap data keys, by id; the first one wraps, all unwrap. They are in no table and topic."""

    def __init__(self, keys: Mapping[str, bytes], read_random: ReadRandom) -> None:
        """`keys`: at least one, of 32 bytes each; an id has 1 to 255 bytes in UTF-8."""
        self.current_id = next(iter(keys))
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._read_random = read_random

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._ciphers

    def make_data_key(self) -> bytes:
        """A new data key."""
        return self._read_random(KEY_BYTES)

    def wrap(self, user_id: str, version: int, data_key: bytes) -> bytes:
        """A data key of a user as it is stored, wrapped with the first outer key."""
        nonce = self._read_random(NONCE_BYTES)
        return nonce + self._ciphers[self.current_id].encrypt(nonce, data_key, _bind_key(user_id, version))

    def unwrap(self, key_id: str, user_id: str, version: int, wrapped: bytes) -> bytes:
        """The data key. Raises KeyError if there is no such outer key, SealError if another one wrapped it."""
        try:
            return self._ciphers[key_id].decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _bind_key(user_id, version))
        except (InvalidTag, ValueError):
            raise SealError(f"data key {version} of a user was not wrapped with the outer key {key_id!r} that is configured") from None


def _bind_key(user_id: str, version: int) -> bytes:
    return b"user_key\0%b\0%d" % (user_id.encode(), version)
