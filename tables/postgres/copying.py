"""Rows of history in PostgreSQL's binary COPY format, packed by hand: the driver's own encoders cost several times as much.

The format: https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format": a row is its number of fields, then each field's
length and bytes, -1 for null. Packing raises ValueError, OverflowError or struct.error for a value that its column cannot hold.
"""

from collections.abc import Iterable
from functools import lru_cache
from struct import Struct

from schemas.history import AcceptedRow, LoggedAttempt
from schemas.status import Status
from schemas.words import RANK, StatusName

NOTIFICATION_COLUMNS = "id created_at decided_at expires_at first_id type category lane state reason user_id deliveries trace"
DELIVERY_COLUMNS = (
    "id notification_id created_at updated_at channel status rank reason outcome generation attempt provider user_id provider_id"
)
LOG_COLUMNS = "id delivery_id at ms generation attempt status outcome reason provider code possible_duplicate provider_id detail"

_HEAD, _TAIL = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_EPOCH = 946_684_800  # PostgreSQL counts microseconds from 2000-01-01

_length = Struct(">i").pack
_uuid = Struct(">i16s").pack
_time = Struct(">iq").pack
_small = Struct(">ih").pack
_code_and_flag = Struct(">iii?").pack
_notification = Struct(">hi16siqiq").pack
_delivery = Struct(">hi16si16siqiq").pack
_log = Struct(">hi16si16siqif").pack


def copy_of(rows: Iterable[bytes]) -> bytes:
    """A whole COPY stream of packed rows."""
    return b"".join((_HEAD, *rows, _TAIL))


def notification(row: AcceptedRow) -> bytes:
    """A row of `notifications`, in the order of NOTIFICATION_COLUMNS."""
    return b"".join(
        (
            _notification(13, 16, uuid_bytes(row.id), 8, int((row.created_at - _EPOCH) * 1e6), 8, int((row.at - _EPOCH) * 1e6)),
            _time(8, int((row.expires_at - _EPOCH) * 1e6)) if row.expires_at else _NULL,
            _uuid(16, uuid_bytes(row.first_id)) if row.first_id else _NULL,
            _words(row.type, row.category, row.lane, row.state, row.reason),
            _text(row.user_id),
            _sized(bytes(row.deliveries)),
            _sized(bytes(row.trace)),
        )
    )


def delivery(event: Status) -> bytes:
    """A row of `deliveries`, in the order of DELIVERY_COLUMNS."""
    made, at = int((event.created_at - _EPOCH) * 1e6), int((event.at - _EPOCH) * 1e6)
    return b"".join(
        (
            _delivery(14, 16, uuid_bytes(event.delivery_id), 16, uuid_bytes(event.notification_id), 8, made, 8, at),
            _standing(event.channel, event.status, event.reason, event.outcome, event.generation, event.attempt, event.provider),
            _text(event.user_id),
            _text(event.provider_id),
        )
    )


def log(attempt: LoggedAttempt) -> bytes:
    """A row of `delivery_logs`, in the order of LOG_COLUMNS."""
    event = attempt.event
    at = int((event.at - _EPOCH) * 1e6)
    return b"".join(
        (
            _log(14, 16, bytes.fromhex(attempt.id), 16, uuid_bytes(event.delivery_id), 8, at, 4, event.ms),
            _tried(
                event.generation,
                event.attempt,
                event.status,
                event.outcome,
                event.reason,
                event.provider,
                event.code,
                event.possible_duplicate,
            ),
            _text(event.provider_id),
            _text(event.detail),
        )
    )


def uuid_bytes(an_id: str) -> bytes:
    """The 16 bytes of an id. Raises ValueError for what is none: struct would pad a short one."""
    raw = bytes.fromhex(an_id[4:])
    if len(raw) != 16:
        raise ValueError(f"{an_id!r} is not a UUID with a prefix")
    return raw


def _sized(raw: bytes) -> bytes:
    return _length(len(raw)) + raw


def _text(text: str) -> bytes:
    raw = text.encode()
    return _length(len(raw)) + raw


# What there are few different ones of stands side by side and is packed once.


@lru_cache(maxsize=4096)
def _words(*words: str) -> bytes:
    return b"".join(map(_text, words))


@lru_cache(maxsize=4096)
def _standing(channel: str, status: StatusName, reason: str, outcome: str | None, generation: int, attempt: int, provider: str) -> bytes:
    parts = _words(channel, status), _small(2, RANK[status]), _words(reason, outcome or "")
    return b"".join((*parts, _small(2, generation), _small(2, attempt), _text(provider)))


@lru_cache(maxsize=4096)
def _tried(generation: int, attempt: int, status: str, outcome: str | None, reason: str, provider: str, code: int, doubtful: bool) -> bytes:
    counts = _small(2, generation) + _small(2, attempt)
    return counts + _words(status, outcome or "", reason, provider) + _code_and_flag(4, code, 1, doubtful)
