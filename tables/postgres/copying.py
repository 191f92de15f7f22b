"""Rows of history in PostgreSQL's binary COPY format, packed by hand: the driver's own encoders cost several times as much.

The format: https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format": a row is its number of fields, then each field's
length and bytes, -1 for null. Packing raises ValueError, OverflowError or struct.error for a value that its column cannot hold.
"""

from collections.abc import Iterable
from functools import lru_cache
from struct import Struct

from schemas.history import AcceptedRow, LoggedAttempt
from schemas.status import Status
from schemas.words import RANK

NOTIFICATION_COLUMNS = "id user_id type category lane state reason first_id deliveries trace created_at decided_at expires_at"
DELIVERY_COLUMNS = (
    "id notification_id user_id channel status rank reason outcome generation attempt provider provider_id created_at updated_at"
)
LOG_COLUMNS = "id delivery_id generation attempt status outcome reason provider provider_id code ms possible_duplicate at"

_HEAD, _TAIL = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_EPOCH = 946_684_800  # PostgreSQL counts microseconds from 2000-01-01

_length = Struct(">i").pack
_first_uuid = Struct(">hi16s").pack
_two_uuids = Struct(">hi16si16s").pack
_uuid = Struct(">i16s").pack
_time = Struct(">iq").pack
_two_times = Struct(">iqiq").pack
_small = Struct(">ih").pack
_two_small = Struct(">ihih").pack
_measures = Struct(">iiifi?iq").pack


def copy_of(rows: Iterable[bytes]) -> bytes:
    """A whole COPY stream of packed rows."""
    return b"".join((_HEAD, *rows, _TAIL))


def notification(row: AcceptedRow) -> bytes:
    """A row of `notifications`, in the order of NOTIFICATION_COLUMNS."""
    return b"".join(
        (
            _first_uuid(13, 16, uuid_bytes(row.id)),
            _text(row.user_id),
            _word(row.type),
            _word(row.category),
            _word(row.lane),
            _word(row.state),
            _word(row.reason),
            _uuid(16, uuid_bytes(row.first_id)) if row.first_id else _NULL,
            _bytes(bytes(row.deliveries)),
            _bytes(bytes(row.trace)),
            _two_times(8, _microseconds(row.created_at), 8, _microseconds(row.at)),
            _time(8, _microseconds(row.expires_at)) if row.expires_at else _NULL,
        )
    )


def delivery(event: Status) -> bytes:
    """A row of `deliveries`, in the order of DELIVERY_COLUMNS."""
    return b"".join(
        (
            _two_uuids(14, 16, uuid_bytes(event.delivery_id), 16, uuid_bytes(event.notification_id)),
            _text(event.user_id),
            _word(event.channel),
            _word(event.status),
            _small(2, RANK[event.status]),
            _word(event.reason),
            _word(event.outcome or ""),
            _two_small(2, event.generation, 2, event.attempt),
            _word(event.provider),
            _text(event.provider_id),
            _two_times(8, _microseconds(event.created_at), 8, _microseconds(event.at)),
        )
    )


def log(attempt: LoggedAttempt) -> bytes:
    """A row of `delivery_logs`, in the order of LOG_COLUMNS."""
    event = attempt.event
    return b"".join(
        (
            _two_uuids(13, 16, bytes.fromhex(attempt.id), 16, uuid_bytes(event.delivery_id)),
            _two_small(2, event.generation, 2, event.attempt),
            _word(event.status),
            _word(event.outcome or ""),
            _word(event.reason),
            _word(event.provider),
            _text(event.provider_id),
            _measures(4, event.code, 4, event.ms, 1, event.possible_duplicate, 8, _microseconds(event.at)),
        )
    )


def uuid_bytes(an_id: str) -> bytes:
    """The 16 bytes of an id. Raises ValueError for what is none: struct would pad a short one."""
    raw = bytes.fromhex(an_id[4:])
    if len(raw) != 16:
        raise ValueError(f"{an_id!r} is not a UUID with a prefix")
    return raw


def _bytes(raw: bytes) -> bytes:
    return _length(len(raw)) + raw


def _text(text: str) -> bytes:
    raw = text.encode()
    return _length(len(raw)) + raw


_word = lru_cache(maxsize=4096)(_text)  # texts of which there are few: packed once


def _microseconds(at: float) -> int:
    return int((at - _EPOCH) * 1e6)
