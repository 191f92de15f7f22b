"""The table `idempotency`: the first notification with each idempotency key of a user, and the position of its record.

A row proves that the outputs of its notification are acknowledged. It is valid for 24 h of broker time.

When a digest is decided (tables/digests.py), a claim says of it, and of each notification that went into it, that it was.

A key that a producer chose also has a claim: a row under a key of its own, acknowledged before the outputs are produced. After a crash the
priorities are consumed again in any order, and the claim still names the same first notification (docs/decisions/0005).
Both rows also have the digest of the notification's content, to tell a duplicate from another notification with the same key.

A notification that is held has a claim, too, under the key of its row, which takes its place when the outputs are acknowledged. After a
crash it still says that the notification is held, and until when: the scheduler may have it.
"""

from collections.abc import Mapping
from struct import Struct as Layout
from struct import error as StructError
from typing import Any

import msgspec
from msgspec import Struct

from schemas.enums import PRIORITIES, Priority
from schemas.ids import NOTIFICATION_PREFIX
from schemas.lifetimes import IDEMPOTENCY_HORIZON
from tables.table_definition import GetRows, RowView, TableDefinition, format_time

DIGEST_BYTES = 8

_ROW_FORMAT = Layout("<dqBH16s")  # time, offset, priority, partition, the 16 bytes of the id
_ROW_SIZES = (_ROW_FORMAT.size, _ROW_FORMAT.size + DIGEST_BYTES)  # without a digest: no producer's key, or written by an older release
_NO_DIGEST = bytes(DIGEST_BYTES)
_PRIORITY_NUMBERS = {priority: number for number, priority in enumerate(PRIORITIES)}


class IdempotencyRow(Struct, frozen=True, gc=False):
    """The first notification with a key: its id, the broker's time of its record (epoch seconds), and the record's position.

    `content_digest` is empty if the key is the notification's id, which nobody else has.
    """

    notification_id: str
    received_at: float
    priority: Priority
    partition: int
    offset: int
    content_digest: bytes = b""


class HoldClaim(Struct, frozen=True, gc=False, array_like=True):
    """A hold that is decided: the gate that holds the notification until then (epoch seconds), why, and the inputs in its log."""

    gate: str
    until: float
    reason: str
    inputs: Mapping[str, Any]


_encode_claim = msgspec.json.Encoder().encode
_decode_claim = msgspec.json.Decoder(HoldClaim).decode


def encode_key(user_id: str, key: str, resume_count: int = 0) -> bytes:
    """The key of a row: the user and the idempotency key or notification id; a resumed notification has its id and its resume count."""
    return user_id.encode() + encode_key_suffix(key, resume_count)


def encode_key_suffix(key: str, resume_count: int = 0, redrive_count: int = 0) -> bytes:
    """The part of a row's key after the user; a redriven notification has its id and both counts."""
    if redrive_count:
        return b"\0%b\0%d\0%d" % (key.encode(), resume_count, redrive_count)
    return b"\0%b\0%d" % (key.encode(), resume_count) if resume_count else b"\0" + key.encode()


def encode_claim_key_suffix(key: str) -> bytes:
    """The part of a claim's key after the user."""
    return b"\0%b\0claim" % key.encode()


def encode_digest_key_suffix(notification_id: str) -> bytes:
    """The part after the user of the key of a row that says into which digest a notification went; a digest's own row names itself."""
    return b"\0%b\0digest" % notification_id.encode()


def encode_row(row: IdempotencyRow) -> bytes:
    """The row as 35 bytes, or 43 with a digest."""
    return encode_row_fields(row.notification_id, row.received_at, row.priority, row.partition, row.offset) + row.content_digest


def encode_row_fields(notification_id: str, received_at: float, priority: Priority, partition: int, offset: int) -> bytes:
    """The bytes of an IdempotencyRow with these fields and without a digest, without creating one."""
    return _ROW_FORMAT.pack(received_at, offset, _PRIORITY_NUMBERS[priority], partition, bytes.fromhex(notification_id[4:]))


def encode_hold_claim(row: bytes, claim: HoldClaim) -> bytes:
    """The claim of a hold: the row that takes its place, and behind it the hold as JSON."""
    return row.ljust(_ROW_SIZES[1], b"\0") + _encode_claim(claim)


def decode_hold_claim(packed: bytes | None) -> HoldClaim | None:
    """The hold in these bytes; None if they are a row. Raises one of msgspec's errors if they are neither."""
    return None if packed is None or len(packed) <= _ROW_SIZES[1] else _decode_claim(packed[_ROW_SIZES[1] :])


def decode_row(packed: bytes) -> IdempotencyRow:
    """The row in these bytes, or that of the claim of a hold. Raises struct.error if they are neither."""
    if len(packed) not in _ROW_SIZES and packed[_ROW_SIZES[1] : _ROW_SIZES[1] + 1] != b"[":
        raise StructError(f"a row of the table idempotency has {len(packed)} bytes instead of one of {_ROW_SIZES}")
    received_at, offset, priority, partition, uuid = _ROW_FORMAT.unpack_from(packed)
    digest = packed[_ROW_FORMAT.size : _ROW_SIZES[1]]
    if digest == _NO_DIGEST:
        digest = b""
    return IdempotencyRow(NOTIFICATION_PREFIX + uuid.hex(), received_at, PRIORITIES[priority], partition, offset, digest)


def decode_unexpired_row(packed: bytes | None, at: float) -> IdempotencyRow | None:
    """The row as of `at` (epoch seconds); None if there is no row, or if it is older than the horizon."""
    if packed is None:
        return None
    row = decode_row(packed)
    return row if at - row.received_at <= IDEMPOTENCY_HORIZON else None


def read_time(packed: bytes) -> float:
    """The broker's time of the first notification's record, in epoch seconds."""
    return decode_row(packed).received_at


def find_row(get_rows: GetRows, user_id: str, key: str) -> RowView | None:
    """The row of an idempotency key or notification id, decoded. Raises ValueError without a key."""
    if not key:
        raise ValueError("missing key: use /tables/idempotency/{user}/{idempotency key or notification id}")
    (packed,) = get_rows([encode_key(user_id, key)])
    if packed is None:
        return None
    row = decode_row(packed)
    return {
        "key": key,
        "notification_id": row.notification_id,
        "received_at": format_time(row.received_at),
        "expires_at": format_time(row.received_at + IDEMPOTENCY_HORIZON),
        "source": {"priority": row.priority, "partition": row.partition, "offset": row.offset},
    }


TABLE = TableDefinition("idempotency", read_time, find_row)
