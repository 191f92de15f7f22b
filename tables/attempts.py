"""The table `attempts`: how far a worker got with a delivery; key the 16 bytes of its id, kept as long as `deliveries.*` (3 days).

A row is written after its outputs are acknowledged. So it proves them, and a replay that finds it does nothing.
"""

import struct
from enum import StrEnum
from typing import NamedTuple

from schemas.delivery import Delivery
from schemas.enums import Outcome, Status

TABLE_NAME = "attempts"
RETENTION_SECONDS = 72 * 3600
MAX_UINT32 = 2**32 - 1

_VERSION = 1
_ROW_FORMAT = struct.Struct("<BIIBBBid")  # version, generation, attempt, outcome, status, follows, code, time; then the provider's id
_PROGRESS_FORMAT = struct.Struct("<BII7xd")  # the same without what lies between
_NO_OUTCOME = 255
_OUTCOMES = tuple(Outcome)
_STATUSES = tuple(Status)
_OUTCOME_NUMBERS: dict[Outcome | None, int] = {**{outcome: number for number, outcome in enumerate(_OUTCOMES)}, None: _NO_OUTCOME}
_STATUS_NUMBERS = {status: number for number, status in enumerate(_STATUSES)}


class NextAction(StrEnum):
    """What follows the attempt of a row."""

    DONE = "done"
    RETRY = "retry"
    DEAD_LETTER = "dead letter"


_NEXT_ACTIONS = tuple(NextAction)
_NEXT_ACTION_NUMBERS = {follows: number for number, follows in enumerate(_NEXT_ACTIONS)}


class AttemptRow(NamedTuple):
    """The last attempt of a delivery, its outcome (none if nothing was sent), and what followed; `at` in epoch seconds."""

    redrive_count: int
    attempt: int
    outcome: Outcome | None
    status: Status
    next_action: NextAction
    provider_code: int
    attempted_at: float
    provider_message_id: str = ""


def encode_key(delivery_id: str) -> bytes:
    """The 16 bytes of the id. Raises ValueError for anything but `dlv_` and 32 hex digits."""
    raw = bytes.fromhex(delivery_id[4:])
    if len(raw) != 16 or len(delivery_id) != 36 or not delivery_id.startswith("dlv_"):
        raise ValueError(f"{delivery_id!r} is not the id of a delivery")
    return raw


def encode_row(row: AttemptRow) -> bytes:
    """A row as bytes."""
    generation, attempt, outcome, status, follows, code, at, provider_id = row
    numbers = _OUTCOME_NUMBERS[outcome], _STATUS_NUMBERS[status], _NEXT_ACTION_NUMBERS[follows]
    return _ROW_FORMAT.pack(_VERSION, generation, attempt, *numbers, code, at) + provider_id.encode()


def decode_row(packed: bytes) -> AttemptRow:
    """The row in these bytes. Raises ValueError if they are none."""
    if len(packed) < _ROW_FORMAT.size or packed[0] != _VERSION:
        raise ValueError("not a row of the table attempts")
    _, generation, attempt, outcome, status, follows, code, at = _ROW_FORMAT.unpack_from(packed)
    known = None if outcome == _NO_OUTCOME else _OUTCOMES[outcome]
    return AttemptRow(generation, attempt, known, _STATUSES[status], _NEXT_ACTIONS[follows], code, at, packed[_ROW_FORMAT.size :].decode())


def is_already_done(packed: bytes | None, delivery: Delivery, now: float) -> bool:
    """Whether the row, if it is not older than the retention, is at or above the record's generation and attempt."""
    if packed is None or len(packed) < _ROW_FORMAT.size or packed[0] != _VERSION:
        return False
    _, generation, attempt, at = _PROGRESS_FORMAT.unpack_from(packed)
    return now - at <= RETENTION_SECONDS and (generation, attempt) >= (delivery.redrive_count, delivery.attempt)
