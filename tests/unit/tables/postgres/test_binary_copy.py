"""Rows in PostgreSQL's binary COPY format; that the server reads them is for tests/integration/postgres/test_history_writer.py."""

import struct
from typing import Any

import msgspec
import pytest

from schemas.history import LoggedAttempt
from tables.postgres import binary_copy
from tests.event_builders import NOW, build_decided_event, build_decided_row, build_status_event

LOGGED = LoggedAttempt(build_status_event().delivery_id[4:], build_status_event())


def parse_fields(packed: bytes) -> list[bytes | None]:
    """The fields of a packed row; fails if lengths and number do not add up."""
    (count,) = struct.unpack_from(">h", packed)
    at, found = 2, []
    for _ in range(count):
        (length,) = struct.unpack_from(">i", packed, at)
        at += 4
        found.append(None if length < 0 else packed[at : at + length])
        at += max(length, 0)
    assert at == len(packed)
    return found


@pytest.mark.parametrize(
    ("packed", "columns"),
    [
        (binary_copy.encode_notification(build_decided_row(build_decided_event(1, "email"))), binary_copy.NOTIFICATION_COLUMNS),
        (binary_copy.encode_delivery(build_status_event()), binary_copy.DELIVERY_COLUMNS),
        (binary_copy.encode_delivery_log(LOGGED), binary_copy.DELIVERY_LOG_COLUMNS),
    ],
)
def test_a_row_has_a_field_for_each_column(packed: bytes, columns: str) -> None:
    assert len(parse_fields(packed)) == len(columns.split())


def test_fields_stand_under_their_columns() -> None:
    named = dict(
        zip(binary_copy.DELIVERY_COLUMNS.split(), parse_fields(binary_copy.encode_delivery(build_status_event(attempt=3))), strict=True)
    )
    assert named["id"] == bytes.fromhex(build_status_event().delivery_id[4:])
    assert named["created_at"] == struct.pack(">q", int((NOW - 946_684_800) * 1_000_000))
    assert (named["status"], named["status_rank"], named["attempt"]) == (b"SENT", b"\0\x0a", b"\0\x03")


def test_what_is_not_there_is_null() -> None:
    named = dict(
        zip(
            binary_copy.NOTIFICATION_COLUMNS.split(),
            parse_fields(binary_copy.encode_notification(build_decided_row(build_decided_event(1, expires_at=0.0)))),
            strict=True,
        )
    )
    assert (named["duplicate_of"], named["expires_at"]) == (None, None)


def test_an_attempt_without_outcome_has_an_empty_one() -> None:
    assert b"" in parse_fields(binary_copy.encode_delivery_log(LoggedAttempt(LOGGED.id, build_status_event(outcome=None))))


@pytest.mark.parametrize(
    "wrong",
    [
        {"delivery_id": "dlv_12"},
        {"delivery_id": "dlv_" + "z" * 32},
        {"notification_id": ""},
        {"attempt": 40_000},
        {"redrive_count": -40_000},
        {"occurred_at": 1e300},
        {"occurred_at": -1e15},
    ],
)
def test_a_value_that_its_column_cannot_hold_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, OverflowError, struct.error)):
        binary_copy.encode_delivery(msgspec.structs.replace(build_status_event(), **wrong))


@pytest.mark.parametrize("wrong", [{"provider_code": 2**31}, {"duration_ms": 1e300}])
def test_so_is_one_of_the_log(wrong: dict[str, Any]) -> None:
    with pytest.raises((OverflowError, struct.error)):
        binary_copy.encode_delivery_log(LoggedAttempt(LOGGED.id, build_status_event(**wrong)))


def test_a_stream_has_a_head_and_a_tail() -> None:
    assert binary_copy.build_copy_stream([b"\0\0"]) == b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\0" + b"\xff\xff"
