"""Encodes history rows in PostgreSQL's binary COPY format; the driver's encoders take several times as long.

A row is the number of its fields, then the length and bytes of each field; the length of null is -1
(https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format").
The functions raise ValueError, OverflowError or struct.error for a value that its column cannot hold.
"""

from collections.abc import Iterable
from functools import lru_cache
from struct import Struct

from schemas.enums import STATUS_RANK, Status
from schemas.events import StatusEvent
from schemas.history import DecidedRow, LoggedAttempt
from schemas.ids import is_id
from schemas.projects import MARK, find_project
from schemas.webhook_endpoints import ENDPOINT_PREFIX

NOTIFICATION_COLUMNS = (
    "id created_at decided_at resume_count redrive_count expires_at duplicate_of type category priority state reason user_id project"
    " deliveries decision_log labels_id"
)
DELIVERY_COLUMNS = (
    "id notification_id created_at updated_at channel status status_rank reason outcome redrive_count attempt"
    " provider variant user_id project provider_message_id consent_event_id labels_id due_at"
)
DELIVERY_LOG_COLUMNS = (
    "id delivery_id occurred_at duration_ms redrive_count attempt status outcome reason provider provider_code possible_duplicate"
    " provider_message_id detail next_attempt_at endpoint_id"
)

_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_EPOCH = 946_684_800  # epoch seconds of 2000-01-01; PostgreSQL counts microseconds from there

_pack_length = Struct(">i").pack
_NO_TEXT = _pack_length(0)
_pack_uuid = Struct(">i16s").pack
_pack_time = Struct(">iq").pack
_pack_smallint = Struct(">ih").pack
_pack_int = Struct(">ii").pack
_pack_code_and_flag = Struct(">iii?").pack
_pack_notification_start = Struct(">hi16siqiqihih").pack
_pack_delivery_start = Struct(">hi16si16siqiq").pack
_pack_delivery_log_start = Struct(">hi16si16siqif").pack


def build_copy_stream(rows: Iterable[bytes]) -> bytes:
    """A complete COPY stream of encoded rows."""
    return b"".join((_HEADER, *rows, _TRAILER))


def encode_notification(row: DecidedRow, labels_id: int | None = None) -> bytes:
    """A row of `notifications`, in the order of NOTIFICATION_COLUMNS; `labels_id` says as what it is counted, None: it is not."""
    return b"".join(
        (
            _pack_notification_start(
                17,
                16,
                to_uuid_bytes(row.id),
                8,
                int((row.created_at - _EPOCH) * 1e6),
                8,
                int((row.decided_at - _EPOCH) * 1e6),
                2,
                row.resume_count,
                2,
                row.redrive_count,
            ),
            _pack_time(8, int((row.expires_at - _EPOCH) * 1e6)) if row.expires_at else _NULL,
            _pack_uuid(16, to_uuid_bytes(row.duplicate_of)) if row.duplicate_of else _NULL,
            _encode_texts(row.type, row.category, row.priority, row.state, row.reason),
            _encode_text(row.user_id),
            _encode_project(row.user_id),
            _pack_length(len(row.deliveries)),
            row.deliveries,
            _pack_length(len(row.decision_log)),
            row.decision_log,
            _pack_int(4, labels_id) if labels_id is not None else _NULL,
        )
    )


def encode_delivery(event: StatusEvent, labels_id: int | None = None) -> bytes:
    """A row of `deliveries`, in the order of DELIVERY_COLUMNS; `labels_id` as in encode_notification."""
    created_at, updated_at = int((event.created_at - _EPOCH) * 1e6), int((event.occurred_at - _EPOCH) * 1e6)
    return b"".join(
        (
            _pack_delivery_start(
                19, 16, to_uuid_bytes(event.delivery_id), 16, to_uuid_bytes(event.notification_id), 8, created_at, 8, updated_at
            ),
            _encode_delivery_status(
                event.channel, event.status, event.reason, event.outcome, event.redrive_count, event.attempt, event.provider, event.variant
            ),
            _encode_text(event.user_id),
            _encode_project(event.user_id),
            _encode_text(event.provider_message_id),
            _pack_uuid(16, to_uuid_bytes(event.consent_event_id)) if event.consent_event_id else _NULL,
            _pack_int(4, labels_id) if labels_id is not None else _NULL,
            _pack_time(8, int((event.due_at - _EPOCH) * 1e6)) if event.due_at else _NULL,
        )
    )


def encode_delivery_log(attempt: LoggedAttempt) -> bytes:
    """A row of `delivery_logs`, in the order of DELIVERY_LOG_COLUMNS."""
    event = attempt.event
    occurred_at = int((event.occurred_at - _EPOCH) * 1e6)
    return b"".join(
        (
            _pack_delivery_log_start(
                16, 16, bytes.fromhex(attempt.id), 16, to_uuid_bytes(event.delivery_id), 8, occurred_at, 4, event.duration_ms
            ),
            _encode_attempt(
                event.redrive_count,
                event.attempt,
                event.status,
                event.outcome,
                event.reason,
                event.provider,
                event.provider_code,
                event.possible_duplicate,
            ),
            _encode_text(event.provider_message_id),
            _encode_text(event.detail),
            _pack_time(8, int((event.next_attempt_at - _EPOCH) * 1e6)) if event.next_attempt_at else _NULL,
            _encode_endpoint_id(event.endpoint_id) if event.endpoint_id else _NULL,
        )
    )


def to_uuid_bytes(prefixed_id: str) -> bytes:
    """The 16 bytes of an id. Raises ValueError for another length, which struct would pad or cut."""
    raw = bytes.fromhex(prefixed_id[4:])
    if len(raw) != 16:
        raise ValueError(f"{prefixed_id!r} is not a UUID with a prefix")
    return raw


def _encode_text(text: str) -> bytes:
    raw = text.encode()
    return _pack_length(len(raw)) + raw


def _encode_project(user_id: str) -> bytes:
    return _encode_text(find_project(user_id)) if user_id.startswith(MARK) else _NO_TEXT


@lru_cache(maxsize=4096)
def _encode_endpoint_id(endpoint_id: str) -> bytes:
    return _pack_uuid(16, to_uuid_bytes(endpoint_id)) if is_id(endpoint_id, ENDPOINT_PREFIX) else _NULL


# Columns with few distinct values are adjacent, so that their encoding is cached as one string.


@lru_cache(maxsize=4096)
def _encode_texts(*texts: str) -> bytes:
    return b"".join(map(_encode_text, texts))


@lru_cache(maxsize=4096)
def _encode_delivery_status(
    channel: str, status: Status, reason: str, outcome: str | None, redrive_count: int, attempt: int, provider: str, variant: str
) -> bytes:
    parts = _encode_texts(channel, status), _pack_smallint(2, STATUS_RANK[status]), _encode_texts(reason, outcome or "")
    return b"".join((*parts, _pack_smallint(2, redrive_count), _pack_smallint(2, attempt), _encode_texts(provider, variant)))


@lru_cache(maxsize=4096)
def _encode_attempt(
    redrive_count: int,
    attempt: int,
    status: str,
    outcome: str | None,
    reason: str,
    provider: str,
    provider_code: int,
    possible_duplicate: bool,
) -> bytes:
    counts = _pack_smallint(2, redrive_count) + _pack_smallint(2, attempt)
    return counts + _encode_texts(status, outcome or "", reason, provider) + _pack_code_and_flag(4, provider_code, 1, possible_duplicate)
