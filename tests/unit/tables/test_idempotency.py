"""Rows of the idempotency table."""

import struct

import pytest

from schemas.ids import derive_id
from tables.idempotency import (
    HORIZON_SECONDS,
    IdempotencyRow,
    decode_row,
    decode_unexpired_row,
    encode_claim_key,
    encode_claim_key_suffix,
    encode_key,
    encode_key_suffix,
    encode_row,
)

FIRST = IdempotencyRow(derive_id("ntf_", 1_760_000_000.0, "a"), 1_760_000_000.123, "low", 11, 2**40)


def test_a_row_says_what_was_packed() -> None:
    assert decode_row(encode_row(FIRST)) == FIRST
    assert len(encode_row(FIRST)) == 35


def test_a_row_of_another_length_is_no_row() -> None:
    with pytest.raises(struct.error):
        decode_row(encode_row(FIRST)[:-1])


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        (FIRST.received_at, True),
        (FIRST.received_at + HORIZON_SECONDS, True),
        (FIRST.received_at + HORIZON_SECONDS + 0.001, False),
        (FIRST.received_at - 3600, True),  # an earlier record that is read again later
    ],
)
def test_a_row_counts_for_a_day_of_broker_time(at: float, counts: bool) -> None:
    assert decode_unexpired_row(encode_row(FIRST), at) == (FIRST if counts else None)


def test_without_a_row_there_was_no_first() -> None:
    assert decode_unexpired_row(None, 0.0) is None


def test_keys_tell_users_keys_and_passes_apart() -> None:
    keys = {encode_key("u", "k"), encode_key("u", "k", 1), encode_key("u", "k", 2), encode_key("u2", "k"), encode_key("u", "k2")}
    assert len(keys) == 5
    assert encode_key("u", "k") == encode_key("u", "k", 0) == b"u" + encode_key_suffix("k") == b"u\0k"
    assert encode_claim_key("ü", "é") == "ü".encode() + encode_claim_key_suffix("é") == "ü\0é\0claim".encode()
