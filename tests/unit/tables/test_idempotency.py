"""Rows of the table `idempotency`: their keys, encoding and expiry."""

import struct

import pytest
from msgspec.structs import replace

from schemas.ids import derive_id
from schemas.lifetimes import IDEMPOTENCY_HORIZON
from tables.idempotency import (
    HoldClaim,
    IdempotencyRow,
    decode_hold_claim,
    decode_row,
    decode_unexpired_row,
    encode_claim_key_suffix,
    encode_hold_claim,
    encode_key,
    encode_key_suffix,
    encode_row,
)

ROW = IdempotencyRow(derive_id("ntf_", 1_760_000_000.0, "a"), 1_760_000_000.123, "low", 11, 2**40)


def test_a_row_survives_its_encoding() -> None:
    assert decode_row(encode_row(ROW)) == ROW
    assert len(encode_row(ROW)) == 35


def test_a_row_with_a_digest_survives_its_encoding() -> None:
    row = replace(ROW, content_digest=b"8 bytes!")
    assert decode_row(encode_row(row)) == row
    assert len(encode_row(row)) == 43


@pytest.mark.parametrize("row", [ROW, replace(ROW, content_digest=b"8 bytes!")])
def test_the_claim_of_a_hold_is_a_row_with_the_hold(row: IdempotencyRow) -> None:
    claim = HoldClaim("quiet_hours", 1_760_000_060.5, "quiet_hours", {"time_zone": "Europe/Vienna"})
    packed = encode_hold_claim(encode_row(row), claim)
    assert (decode_row(packed), decode_hold_claim(packed)) == (row, claim)
    assert (decode_hold_claim(encode_row(row)), decode_hold_claim(None)) == (None, None)


@pytest.mark.parametrize("packed", [encode_row(ROW)[:-1], encode_row(ROW) + b"1", encode_row(ROW) + b"9 bytes!!"])
def test_a_row_of_another_length_is_an_error(packed: bytes) -> None:
    with pytest.raises(struct.error, match=f"{len(packed)} bytes"):
        decode_row(packed)


@pytest.mark.parametrize(
    ("at", "valid"),
    [
        (ROW.received_at, True),
        (ROW.received_at + IDEMPOTENCY_HORIZON, True),
        (ROW.received_at + IDEMPOTENCY_HORIZON + 0.001, False),
        (ROW.received_at - 3600, True),  # a record from before the row, consumed again
    ],
)
def test_a_row_is_valid_for_a_day_of_broker_time(at: float, valid: bool) -> None:
    assert decode_unexpired_row(encode_row(ROW), at) == (ROW if valid else None)


def test_without_a_row_there_is_no_first_notification() -> None:
    assert decode_unexpired_row(None, 0.0) is None


def test_keys_differ_by_user_key_and_resume_count() -> None:
    keys = {encode_key("u", "k"), encode_key("u", "k", 1), encode_key("u", "k", 2), encode_key("u2", "k"), encode_key("u", "k2")}
    assert len(keys) == 5
    assert encode_key("u", "k") == encode_key("u", "k", 0) == b"u" + encode_key_suffix("k") == b"u\0k"
    assert encode_key_suffix("k", 0, 1) == b"\0k\x000\x001"
    assert encode_key_suffix("k", 1) != encode_key_suffix("k", 0, 1) != encode_key_suffix("k", 1, 1)
    assert "ü".encode() + encode_claim_key_suffix("é") == "ü\0é\0claim".encode()
