"""Ids (a prefix and a UUIDv7 as 32 hex digits) and the partition of a user."""

import re
import zlib
from hashlib import blake2b

NOTIFICATION_PREFIX = "ntf_"
DELIVERY_PREFIX = "dlv_"

_match_uuid = re.compile("[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}").fullmatch  # version 7, variant 2
_make_hash = blake2b(digest_size=10).copy  # copying takes half the time of parsing the parameters again


def compute_partition(user_id: str, partitions: int) -> int:
    """The partition of a user on every topic: crc32 of the UTF-8 id, as librdkafka's default partitioner computes it."""
    return compute_key_partition(user_id.encode(), partitions)


def compute_key_partition(key: bytes, partitions: int) -> int:
    """The partition of the user whose UTF-8 id is the key."""
    return zlib.crc32(key) % partitions


def make_id(prefix: str, at: float, bits: int) -> str:
    """A UUIDv7 of the time `at` (epoch seconds) and the caller's 74 random bits (RFC 9562, section 5.7)."""
    low = 0x8 << 60 | (bits & (1 << 62) - 1)
    return f"{prefix}{int(at * 1000):012x}7{bits >> 62 & 0xFFF:03x}{low:016x}"


def derive_id(prefix: str, at: float, *parts: str) -> str:
    """A UUIDv7 whose random bits are a hash of the parts: the same time and parts always give the same id."""
    digest = blake2b("\0".join(parts).encode(), digest_size=10).digest()
    return make_id(prefix, at, int.from_bytes(digest, "big") & (1 << 74) - 1)


def derive_delivery_id(notification_id: str, user_id: str, channel: str, address: str) -> str:
    """The id of a delivery: the notification's time and a hash of the arguments, so that a replay produces the same id."""
    hasher = _make_hash()
    hasher.update(f"{user_id}\0{notification_id}\0{channel}\0{address}".encode())
    digest = hasher.hexdigest()
    return f"{DELIVERY_PREFIX}{notification_id[4:16]}7{digest[:3]}8{digest[3:18]}"


def is_id(text: str, prefix: str = NOTIFICATION_PREFIX) -> bool:
    """Whether the text is a valid id with this prefix."""
    return try_parse_time(text, prefix) is not None


def try_parse_time(text: str, prefix: str = NOTIFICATION_PREFIX) -> float | None:
    """The time in an id with this prefix, in epoch seconds; None if the text is not a valid id."""
    return int(text[4:16], 16) / 1000 if text.startswith(prefix) and _match_uuid(text, 4) else None


def to_uuid_hex(prefixed_id: str) -> str:
    """The 32 hex digits after the prefix, which PostgreSQL accepts as a uuid."""
    return prefixed_id[4:]
