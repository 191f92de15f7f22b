"""The idempotency table: which notification was the first with a user's key, and where it was read (design.md section 6).

A row proves that the outputs of its notification are out. It counts for 24 h of broker time; an older one is as good as none.

A key that the producer chose has a claim besides, a row under a key of its own that is safe before the outputs go out: whoever reads the
lanes after a crash, in whatever order, finds the same first.
"""

from struct import Struct as Layout

from msgspec import Struct

from schemas.ids import NOTIFICATION
from schemas.words import LANES, Lane

HORIZON = 24 * 3600.0

_LAYOUT = Layout("<dqBH16s")  # time, offset, lane, partition, the 16 bytes of the id
_LANE_NUMBER = {lane: number for number, lane in enumerate(LANES)}


class First(Struct, frozen=True, gc=False):
    """The first notification with a key: its id, the broker's time of its record (epoch seconds), and where that was."""

    id: str
    at: float
    lane: Lane
    partition: int
    offset: int


def key_of(user_id: str, key: str, passes: int = 0) -> bytes:
    """The key of a row: the user, and the notification's idempotency key or id; one released by the scheduler has its pass too."""
    return user_id.encode() + key_end(f"{key}\0{passes}" if passes else key)


def claim_key_of(user_id: str, key: str) -> bytes:
    """The key of a claim."""
    return user_id.encode() + claim_key_end(key)


def key_end(key: str) -> bytes:
    """What follows the user in the key of a row."""
    return b"\0" + key.encode()


def claim_key_end(key: str) -> bytes:
    """What follows the user in the key of a claim."""
    return b"\0%b\0claim" % key.encode()


def packed(first: First) -> bytes:
    """The row: 35 bytes."""
    return row_of(first.id, first.at, first.lane, first.partition, first.offset)


def row_of(notification_id: str, at: float, lane: Lane, partition: int, offset: int) -> bytes:
    """The row of a First of these fields, without making one."""
    return _LAYOUT.pack(at, offset, _LANE_NUMBER[lane], partition, bytes.fromhex(notification_id[4:]))


def unpacked(row: bytes) -> First:
    """What a row says. Raises struct.error for one of another length."""
    at, offset, lane, partition, uuid = _LAYOUT.unpack(row)
    return First(NOTIFICATION + uuid.hex(), at, LANES[lane], partition, offset)


def first_of(row: bytes | None, at: float) -> First | None:
    """The first notification as one of the time `at` sees it: none if there is no row or it is older than the horizon."""
    if row is None:
        return None
    first = unpacked(row)
    return first if at - first.at <= HORIZON else None
