"""Rows in PostgreSQL's binary COPY format; tests/integration/postgres/test_history_writer.py shows that the server accepts them."""

import struct
from typing import Any

import msgspec
import pytest

from schemas.history import LoggedAttempt
from tables.postgres import binary_copy
from tests.event_builders import NOW, build_decided_event, build_decided_row, build_status_event

LOGGED_ATTEMPT = LoggedAttempt(build_status_event().delivery_id[4:], build_status_event())


def parse_fields(row: bytes) -> list[bytes | None]:
    """The fields of an encoded row; fails if their number and lengths do not match the bytes."""
    (count,) = struct.unpack_from(">h", row)
    position, parsed = 2, list[bytes | None]()
    for _ in range(count):
        (length,) = struct.unpack_from(">i", row, position)
        position += 4
        parsed.append(None if length < 0 else row[position : position + length])
        position += max(length, 0)
    assert position == len(row)
    return parsed


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        (binary_copy.encode_notification(build_decided_row(build_decided_event(1, "email"))), binary_copy.NOTIFICATION_COLUMNS),
        (binary_copy.encode_delivery(build_status_event()), binary_copy.DELIVERY_COLUMNS),
        (binary_copy.encode_delivery_log(LOGGED_ATTEMPT), binary_copy.DELIVERY_LOG_COLUMNS),
    ],
)
def test_a_row_has_a_field_for_each_column(row: bytes, columns: str) -> None:
    assert len(parse_fields(row)) == len(columns.split())


def test_fields_are_in_the_order_of_the_columns() -> None:
    by_column = dict(
        zip(binary_copy.DELIVERY_COLUMNS.split(), parse_fields(binary_copy.encode_delivery(build_status_event(attempt=3))), strict=True)
    )
    assert by_column["id"] == bytes.fromhex(build_status_event().delivery_id[4:])
    assert by_column["created_at"] == struct.pack(">q", int((NOW - 946_684_800) * 1_000_000))
    assert (by_column["status"], by_column["status_rank"], by_column["attempt"]) == (b"SENT", b"\0\x0a", b"\0\x03")


@pytest.mark.parametrize(("user_id", "project"), [("u-1", b""), ("@acme/u-1", b"acme"), ("@Acme/u-1", b""), ("@acme", b"")])
def test_a_row_has_the_project_of_its_user(user_id: str, project: bytes) -> None:
    notification = binary_copy.encode_notification(build_decided_row(build_decided_event(1, user_id=user_id)))
    delivery = binary_copy.encode_delivery(build_status_event(user_id=user_id))
    for row, columns in ((notification, binary_copy.NOTIFICATION_COLUMNS), (delivery, binary_copy.DELIVERY_COLUMNS)):
        fields = dict(zip(columns.split(), parse_fields(row), strict=True))
        assert (fields["user_id"], fields["project"]) == (user_id.encode(), project)


@pytest.mark.parametrize(
    ("endpoint_id", "column"),
    [("whe_0199c8c4b0007000800000000000002a", bytes.fromhex("0199c8c4b0007000800000000000002a")), ("", None), ("whe_17", None)],
)
def test_an_attempt_has_the_endpoint_of_its_delivery(endpoint_id: str, column: bytes | None) -> None:
    row = binary_copy.encode_delivery_log(LoggedAttempt(LOGGED_ATTEMPT.id, build_status_event(endpoint_id=endpoint_id)))
    assert dict(zip(binary_copy.DELIVERY_LOG_COLUMNS.split(), parse_fields(row), strict=True))["endpoint_id"] == column


def test_a_missing_value_is_null() -> None:
    by_column = dict(
        zip(
            binary_copy.NOTIFICATION_COLUMNS.split(),
            parse_fields(binary_copy.encode_notification(build_decided_row(build_decided_event(1, expires_at=0.0)))),
            strict=True,
        )
    )
    assert (by_column["duplicate_of"], by_column["expires_at"]) == (None, None)


def test_a_missing_outcome_is_empty_text() -> None:
    assert b"" in parse_fields(binary_copy.encode_delivery_log(LoggedAttempt(LOGGED_ATTEMPT.id, build_status_event(outcome=None))))


@pytest.mark.parametrize(
    "fields",
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
def test_a_delivery_value_that_exceeds_its_column_is_rejected(fields: dict[str, Any]) -> None:
    with pytest.raises((ValueError, OverflowError, struct.error)):
        binary_copy.encode_delivery(msgspec.structs.replace(build_status_event(), **fields))


@pytest.mark.parametrize("fields", [{"provider_code": 2**31}, {"duration_ms": 1e300}])
def test_a_log_value_that_exceeds_its_column_is_rejected(fields: dict[str, Any]) -> None:
    with pytest.raises((OverflowError, struct.error)):
        binary_copy.encode_delivery_log(LoggedAttempt(LOGGED_ATTEMPT.id, build_status_event(**fields)))


def test_a_stream_has_a_header_and_a_trailer() -> None:
    assert binary_copy.build_copy_stream([b"\0\0"]) == b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\0" + b"\xff\xff"
