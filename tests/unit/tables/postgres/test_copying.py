"""Rows in PostgreSQL's binary COPY format; that the server reads them is for tests/integration/postgres/test_recording.py."""

import struct
from typing import Any

import msgspec
import pytest

from schemas.history import LoggedAttempt
from tables.postgres import copying
from tests.history import NOW, accepted, row, status

LOGGED = LoggedAttempt(status().delivery_id[4:], status())


def fields(packed: bytes) -> list[bytes | None]:
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
        (copying.notification(row(accepted(1, "email"))), copying.NOTIFICATION_COLUMNS),
        (copying.delivery(status()), copying.DELIVERY_COLUMNS),
        (copying.log(LOGGED), copying.LOG_COLUMNS),
    ],
)
def test_a_row_has_a_field_for_each_column(packed: bytes, columns: str) -> None:
    assert len(fields(packed)) == len(columns.split())


def test_fields_stand_under_their_columns() -> None:
    named = dict(zip(copying.DELIVERY_COLUMNS.split(), fields(copying.delivery(status(attempt=3))), strict=True))
    assert named["id"] == bytes.fromhex(status().delivery_id[4:])
    assert named["created_at"] == struct.pack(">q", int((NOW - 946_684_800) * 1_000_000))
    assert (named["status"], named["rank"], named["attempt"]) == (b"SENT", b"\0\x0a", b"\0\x03")


def test_what_is_not_there_is_null() -> None:
    named = dict(zip(copying.NOTIFICATION_COLUMNS.split(), fields(copying.notification(row(accepted(1, expires_at=0.0)))), strict=True))
    assert (named["first_id"], named["expires_at"]) == (None, None)


def test_an_attempt_without_outcome_has_an_empty_one() -> None:
    assert b"" in fields(copying.log(LoggedAttempt(LOGGED.id, status(outcome=None))))


@pytest.mark.parametrize(
    "wrong",
    [
        {"delivery_id": "dlv_12"},
        {"delivery_id": "dlv_" + "z" * 32},
        {"notification_id": ""},
        {"attempt": 40_000},
        {"generation": -40_000},
        {"at": 1e300},
        {"at": -1e15},
    ],
)
def test_a_value_that_its_column_cannot_hold_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, OverflowError, struct.error)):
        copying.delivery(msgspec.structs.replace(status(), **wrong))


@pytest.mark.parametrize("wrong", [{"code": 2**31}, {"ms": 1e300}])
def test_so_is_one_of_the_log(wrong: dict[str, Any]) -> None:
    with pytest.raises((OverflowError, struct.error)):
        copying.log(LoggedAttempt(LOGGED.id, status(**wrong)))


def test_a_stream_has_a_head_and_a_tail() -> None:
    assert copying.copy_of([b"\0\0"]) == b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\0" + b"\xff\xff"
