"""Rows of the table `endpoint_order`: their encoding, and how they are shown."""

from collections.abc import Sequence
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.enums import PRIORITIES
from tables.endpoint_order import OrderedEntry, Place, count_waiting, decode_row, encode_key, encode_row, find_row, read_time
from tests.delivery_builders import NOW

ENDPOINT = "whe_0199c8c4b0007000800000000000002a"
ENTRIES = st.lists(
    st.builds(
        OrderedEntry,
        key=st.binary(min_size=16, max_size=16),
        priority=st.sampled_from(PRIORITIES),
        expires_at=st.floats(0, 4e9),
        place=st.sampled_from(Place),
    )
)
ENTRY = OrderedEntry(bytes(range(16)), "low", NOW + 0.25, Place.RETRYING)


@given(ENTRIES, st.floats(0, 1e11))
def test_a_row_keeps_its_deliveries_in_their_order(entries: list[OrderedEntry], written_at: float) -> None:
    packed = encode_row(entries, written_at)
    row = decode_row(packed)
    rounded = [OrderedEntry(one.key, one.priority, ceil(one.expires_at), one.place) for one in entries]
    assert (row.entries, row.written_at, read_time(packed)) == (rounded, written_at, written_at)
    assert len(packed) == 9 + 21 * len(entries)
    assert count_waiting(packed) == sum(one.place is Place.WAITING for one in entries)


def test_an_expiry_beyond_what_a_row_can_hold_is_the_latest() -> None:
    assert decode_row(encode_row([OrderedEntry(bytes(16), "high", 1e11)], NOW)).entries[0].expires_at == 2**32 - 1


@pytest.mark.parametrize("packed", [b"", b"\x01", b"\x02" + encode_row([], NOW)[1:], encode_row([ENTRY], NOW)[:-1]])
def test_other_bytes_are_no_row(packed: bytes) -> None:
    with pytest.raises(ValueError, match="not a row of the table endpoint_order"):
        decode_row(packed)


def test_the_key_begins_with_the_user() -> None:
    assert encode_key("zoë", ENDPOINT) == "zoë".encode() + b"\0" + ENDPOINT.encode()


def test_a_row_is_shown_with_its_deliveries() -> None:
    def get_rows(keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [encode_row([ENTRY], NOW) if key == encode_key("u-1", ENDPOINT) else None for key in keys]

    assert find_row(get_rows, "u-2", ENDPOINT) is None
    assert find_row(get_rows, "u-1", ENDPOINT) == {
        "endpoint_id": ENDPOINT,
        "written_at": "2025-10-09T08:53:20.000+00:00",
        "deliveries": [
            {
                "delivery_id": "dlv_000102030405060708090a0b0c0d0e0f",
                "priority": "low",
                "place": "retrying",
                "expires_at": "2025-10-09T08:53:21.000+00:00",
            }
        ],
    }
    with pytest.raises(ValueError, match="missing key"):
        find_row(get_rows, "u-1", "")
