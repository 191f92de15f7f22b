"""The idempotency table: which notification was the first with a user's key, and where it was read (design.md section 6).

A row proves that the outputs of its notification are out. It counts for 24 h of broker time; an older one is as good as none.

A key that the producer chose has a claim besides, a row under a key of its own that is safe before the outputs go out: whoever reads the
priorities after a crash, in whatever order, finds the same first.
"""

from struct import Struct as Layout

from msgspec import Struct

from schemas.enums import PRIORITIES, Priority
from schemas.ids import NOTIFICATION_PREFIX

HORIZON_SECONDS = 24 * 3600.0

_ROW_FORMAT = Layout("<dqBH16s")  # time, offset, priority, partition, the 16 bytes of the id
_PRIORITY_NUMBERS = {priority: number for number, priority in enumerate(PRIORITIES)}


class IdempotencyRow(Struct, frozen=True, gc=False):
    """The first notification with a key: its id, the broker's time of its record (epoch seconds), and where that was."""

    notification_id: str
    received_at: float
    priority: Priority
    partition: int
    offset: int


def encode_key(user_id: str, key: str, resume_count: int = 0) -> bytes:
    """The key of a row: the user, and the notification's idempotency key or id; one released by the scheduler has its pass too."""
    return user_id.encode() + encode_key_suffix(f"{key}\0{resume_count}" if resume_count else key)


def encode_claim_key(user_id: str, key: str) -> bytes:
    """The key of a claim."""
    return user_id.encode() + encode_claim_key_suffix(key)


def encode_key_suffix(key: str) -> bytes:
    """What follows the user in the key of a row."""
    return b"\0" + key.encode()


def encode_claim_key_suffix(key: str) -> bytes:
    """What follows the user in the key of a claim."""
    return b"\0%b\0claim" % key.encode()


def encode_row(first: IdempotencyRow) -> bytes:
    """The row: 35 bytes."""
    return encode_row_fields(first.notification_id, first.received_at, first.priority, first.partition, first.offset)


def encode_row_fields(notification_id: str, at: float, priority: Priority, partition: int, offset: int) -> bytes:
    """The row of a First of these fields, without making one."""
    return _ROW_FORMAT.pack(at, offset, _PRIORITY_NUMBERS[priority], partition, bytes.fromhex(notification_id[4:]))


def decode_row(row: bytes) -> IdempotencyRow:
    """What a row says. Raises struct.error for one of another length."""
    at, offset, priority, partition, uuid = _ROW_FORMAT.unpack(row)
    return IdempotencyRow(NOTIFICATION_PREFIX + uuid.hex(), at, PRIORITIES[priority], partition, offset)


def decode_unexpired_row(row: bytes | None, at: float) -> IdempotencyRow | None:
    """The first notification as one of the time `at` sees it: none if there is no row or it is older than the horizon."""
    if row is None:
        return None
    first = decode_row(row)
    return first if at - first.received_at <= HORIZON_SECONDS else None
