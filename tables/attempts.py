"""The table `attempts`: the last attempt of each delivery. Key: the 16 bytes of the delivery id.

A row is written after its outputs are acknowledged. So it proves that they exist, and a replay that finds the row does nothing.

A claim is written before the outputs: the attempt was made, and its retry is about to be handed to the scheduler. A replay that finds it
makes no call, and hands over the same retry: one that was cancelled meanwhile stays so.
"""

import struct
from enum import StrEnum
from typing import NamedTuple

import msgspec
from msgspec import Struct, structs

from schemas.delivery import Delivery, UnansweredCall
from schemas.enums import Outcome, Status
from schemas.ids import DELIVERY_PREFIX, is_id
from tables.table_definition import GetRows, RowView, TableDefinition, format_time

MAX_UINT32 = 2**32 - 1

_VERSION, _CLAIM_VERSION = 1, 2
_VERSIONS = bytes((_VERSION, _CLAIM_VERSION))
# version, redrive count, attempt, outcome, status, next action, provider's code, time; then the provider's message id in UTF-8, or in a
# claim the retry as JSON
_ROW_FORMAT = struct.Struct("<BIIBBBid")
_PROGRESS_FORMAT = struct.Struct("<BIIBBB")  # version, redrive count, attempt, outcome, status, next action
_NO_OUTCOME = 255
_OUTCOMES = tuple(Outcome)
_STATUSES = tuple(Status)
_OUTCOME_NUMBERS: dict[Outcome | None, int] = {**{outcome: number for number, outcome in enumerate(_OUTCOMES)}, None: _NO_OUTCOME}
_STATUS_NUMBERS = {status: number for number, status in enumerate(_STATUSES)}


class NextAction(StrEnum):
    """What follows the attempt of a row.

    CALLING: it is about to be made, by the provider in `provider_message_id`; what became of it is not known without a later row.
    """

    DONE = "done"
    RETRY = "retry"
    DEAD_LETTER = "dead letter"
    CALLING = "calling"


_NEXT_ACTIONS = tuple(NextAction)
_NEXT_ACTION_NUMBERS = {action: number for number, action in enumerate(_NEXT_ACTIONS)}
_CALLING = _NEXT_ACTION_NUMBERS[NextAction.CALLING]
_ACTION_OFFSET = _PROGRESS_FORMAT.size - 1
_LAST_ACTIONS = frozenset((_NEXT_ACTION_NUMBERS[NextAction.DONE], _NEXT_ACTION_NUMBERS[NextAction.DEAD_LETTER]))


class AttemptRow(Struct, frozen=True, gc=False):
    """The last attempt of a delivery: its outcome (None if nothing was sent) and what followed; `attempted_at` in epoch seconds."""

    redrive_count: int
    attempt: int
    outcome: Outcome | None
    status: Status
    next_action: NextAction
    provider_code: int
    attempted_at: float
    provider_message_id: str = ""


class ClaimedRetry(Struct, frozen=True, gc=False, omit_defaults=True):
    """What the retry in a claim has of its attempt: its time (epoch seconds), why, and the fields of the delivery that change.

    `account` is the provider that made the attempt. `unanswered` is set if evidence of the call is searched for instead.
    """

    at: float
    counted_attempts: int
    account: str
    reason: str = ""
    possible_duplicate: bool = False
    sent_again: bool = False
    unanswered: UnansweredCall | None = None
    cause: str = ""


class Interrupted(NamedTuple):
    """What a worker had begun when it ended: the call of the row, made by `provider`, or to hand over its retry."""

    row: AttemptRow
    provider: str
    retry: ClaimedRetry | None = None


_decode_retry = msgspec.json.Decoder(ClaimedRetry).decode
_encode_retry = msgspec.json.Encoder().encode


def encode_key(delivery_id: str) -> bytes:
    """The 16 bytes of the id. Raises ValueError for anything but `dlv_` and 32 hex digits."""
    raw = bytes.fromhex(delivery_id[4:])
    if len(raw) != 16 or len(delivery_id) != 36 or not delivery_id.startswith("dlv_"):
        raise ValueError(f"{delivery_id!r} is not the id of a delivery")
    return raw


def encode_row(row: AttemptRow) -> bytes:
    """A row as bytes."""
    return _pack(_VERSION, row) + row.provider_message_id.encode()


def encode_claim(row: AttemptRow, retry: ClaimedRetry) -> bytes:
    """The claim of a retry as bytes; `row` is that of the attempt before it."""
    return _pack(_CLAIM_VERSION, row) + _encode_retry(retry)


def _pack(version: int, row: AttemptRow) -> bytes:
    outcome, status, action = _OUTCOME_NUMBERS[row.outcome], _STATUS_NUMBERS[row.status], _NEXT_ACTION_NUMBERS[row.next_action]
    return _ROW_FORMAT.pack(version, row.redrive_count, row.attempt, outcome, status, action, row.provider_code, row.attempted_at)


def decode_row(packed: bytes) -> AttemptRow:
    """The row in these bytes, or that of a claim, which has no message id. Raises ValueError if they are no row."""
    if len(packed) < _ROW_FORMAT.size or packed[0] not in _VERSIONS:
        raise ValueError("not a row of the table attempts")
    _, redrive_count, attempt, outcome_number, status, next_action, code, at = _ROW_FORMAT.unpack_from(packed)
    outcome = None if outcome_number == _NO_OUTCOME else _OUTCOMES[outcome_number]
    message_id = packed[_ROW_FORMAT.size :].decode() if packed[0] == _VERSION else ""
    return AttemptRow(redrive_count, attempt, outcome, _STATUSES[status], _NEXT_ACTIONS[next_action], code, at, message_id)


def is_already_done(packed: bytes | None, delivery: Delivery) -> bool:
    """Whether the delivery has ended at its redrive count, or the row has its redrive count and attempt, or later ones.

    One that a carrier could not deliver is sent again although it had ended with that attempt.
    After a crash an attempt may be made again although its retry is scheduled: if that ends the delivery, the retry is not made. The age
    of the row says nothing: no record of a delivery outlives the retention, unless a clock is wrong, and then it must not be sent again.
    """
    if packed is None or len(packed) < _ROW_FORMAT.size or packed[0] not in _VERSIONS:
        return False
    _, redrive_count, attempt, _, _, next_action = _PROGRESS_FORMAT.unpack_from(packed)
    if redrive_count != delivery.redrive_count:
        return bool(redrive_count > delivery.redrive_count)
    return attempt >= delivery.attempt or (next_action in _LAST_ACTIONS and attempt > delivery.undelivered_attempt)


def has_ended(packed: bytes) -> bool:
    """Whether no other attempt follows the one in the row."""
    return packed[_ACTION_OFFSET] in _LAST_ACTIONS


def find_interrupted(packed: bytes, delivery: Delivery) -> Interrupted | None:
    """What was begun in an attempt of this redrive and may not have ended; the row is one of a delivery that is_already_done."""
    is_claim = packed[0] == _CLAIM_VERSION
    if not is_claim and packed[_ACTION_OFFSET] != _CALLING:
        return None
    row = decode_row(packed)
    if row.redrive_count != delivery.redrive_count:
        return None
    if not is_claim:
        return Interrupted(row, row.provider_message_id)
    retry = _decode_retry(packed[_ROW_FORMAT.size :])
    return Interrupted(row, retry.account, retry)


def read_time(packed: bytes) -> float:
    """The time of the attempt, in epoch seconds."""
    return decode_row(packed).attempted_at


def find_row(get_rows: GetRows, user_id: str, key: str) -> RowView | None:
    """The row of a delivery id, decoded. Raises ValueError if `key` is not a delivery id."""
    if not is_id(key, DELIVERY_PREFIX):
        raise ValueError("invalid key: use /tables/attempts/{user}/{delivery id}; the id is dlv_ and 32 hex digits")
    (packed,) = get_rows([encode_key(key)])
    if packed is None:
        return None
    row = decode_row(packed)
    return {"delivery_id": key, **structs.asdict(row), "attempted_at": format_time(row.attempted_at)}


TABLE = TableDefinition("attempts", read_time, find_row)
