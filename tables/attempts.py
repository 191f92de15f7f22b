"""The table `attempts`: how far a worker got with a delivery; key the 16 bytes of its id, kept as long as `deliveries.*` (3 days).

A row is written after its outputs are acknowledged. So it proves them, and a replay that finds it does nothing.
"""

import struct
from enum import StrEnum
from typing import NamedTuple

from schemas.delivery import Delivery
from schemas.words import Outcome, StatusName

NAME = "attempts"
RETENTION_SECONDS = 72 * 3600
MAX_NUMBER = 2**32 - 1

_VERSION = 1
_ROW = struct.Struct("<BIIBBBid")  # version, generation, attempt, outcome, status, follows, code, time; then the provider's id
_HOW_FAR = struct.Struct("<BII7xd")  # the same without what lies between
_NONE = 255
_OUTCOMES = tuple(Outcome)
_STATUSES = tuple(StatusName)
_OUTCOME_NUMBERS: dict[Outcome | None, int] = {**{outcome: number for number, outcome in enumerate(_OUTCOMES)}, None: _NONE}
_STATUS_NUMBERS = {status: number for number, status in enumerate(_STATUSES)}


class Follows(StrEnum):
    """What follows the attempt of a row."""

    END = "end"
    RETRY = "retry"
    DEAD_LETTER = "dead letter"


_FOLLOWS = tuple(Follows)
_FOLLOWS_NUMBERS = {follows: number for number, follows in enumerate(_FOLLOWS)}


class Row(NamedTuple):
    """The last attempt of a delivery, its outcome (none if nothing was sent), and what followed; `at` in epoch seconds."""

    generation: int
    attempt: int
    outcome: Outcome | None
    status: StatusName
    follows: Follows
    code: int
    at: float
    provider_id: str = ""


def key(delivery_id: str) -> bytes:
    """The 16 bytes of the id. Raises ValueError for anything but `dlv_` and 32 hex digits."""
    raw = bytes.fromhex(delivery_id[4:])
    if len(raw) != 16 or len(delivery_id) != 36 or not delivery_id.startswith("dlv_"):
        raise ValueError(f"{delivery_id!r} is not the id of a delivery")
    return raw


def pack(row: Row) -> bytes:
    """A row as bytes."""
    generation, attempt, outcome, status, follows, code, at, provider_id = row
    numbers = _OUTCOME_NUMBERS[outcome], _STATUS_NUMBERS[status], _FOLLOWS_NUMBERS[follows]
    return _ROW.pack(_VERSION, generation, attempt, *numbers, code, at) + provider_id.encode()


def unpack(packed: bytes) -> Row:
    """The row in these bytes. Raises ValueError if they are none."""
    if len(packed) < _ROW.size or packed[0] != _VERSION:
        raise ValueError("not a row of the table attempts")
    _, generation, attempt, outcome, status, follows, code, at = _ROW.unpack_from(packed)
    known = None if outcome == _NONE else _OUTCOMES[outcome]
    return Row(generation, attempt, known, _STATUSES[status], _FOLLOWS[follows], code, at, packed[_ROW.size :].decode())


def already_done(packed: bytes | None, delivery: Delivery, now: float) -> bool:
    """Whether the row, if it is not older than the retention, is at or above the record's generation and attempt."""
    if packed is None or len(packed) < _ROW.size or packed[0] != _VERSION:
        return False
    _, generation, attempt, at = _HOW_FAR.unpack_from(packed)
    return now - at <= RETENTION_SECONDS and (generation, attempt) >= (delivery.generation, delivery.attempt)
