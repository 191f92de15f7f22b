"""Rows of the idempotency table."""

import struct

import pytest

from schemas.ids import derived_id
from tables.idempotency import HORIZON, First, claim_key_end, claim_key_of, first_of, key_end, key_of, packed, unpacked

FIRST = First(derived_id("ntf_", 1_760_000_000.0, "a"), 1_760_000_000.123, "low", 11, 2**40)


def test_a_row_says_what_was_packed() -> None:
    assert unpacked(packed(FIRST)) == FIRST
    assert len(packed(FIRST)) == 35


def test_a_row_of_another_length_is_no_row() -> None:
    with pytest.raises(struct.error):
        unpacked(packed(FIRST)[:-1])


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        (FIRST.at, True),
        (FIRST.at + HORIZON, True),
        (FIRST.at + HORIZON + 0.001, False),
        (FIRST.at - 3600, True),  # an earlier record that is read again later
    ],
)
def test_a_row_counts_for_a_day_of_broker_time(at: float, counts: bool) -> None:
    assert first_of(packed(FIRST), at) == (FIRST if counts else None)


def test_without_a_row_there_was_no_first() -> None:
    assert first_of(None, 0.0) is None


def test_keys_tell_users_keys_and_passes_apart() -> None:
    keys = {key_of("u", "k"), key_of("u", "k", 1), key_of("u", "k", 2), key_of("u2", "k"), key_of("u", "k2")}
    assert len(keys) == 5
    assert key_of("u", "k") == key_of("u", "k", 0) == b"u" + key_end("k") == b"u\0k"
    assert claim_key_of("ü", "é") == "ü".encode() + claim_key_end("é") == "ü\0é\0claim".encode()
