"""Bytes are shown as `hexdump -C` shows them."""

import re

from hypothesis import given
from hypothesis import strategies as st

from app.api.hex_view import MAX_VIEW_BYTES, build_hex_view


def test_a_line_has_the_offset_the_digits_and_the_text() -> None:
    assert build_hex_view(b"Hello, \xffworld\n~") == ["00000000  48 65 6c 6c 6f 2c 20 ff  77 6f 72 6c 64 0a 7e     |Hello, .world.~|"]
    assert build_hex_view(b"") == []


@given(st.binary(max_size=200))
def test_the_digits_are_the_bytes(data: bytes) -> None:
    lines = build_hex_view(data)
    digits = "".join(re.split(r"\s\s\|", line, maxsplit=1)[0][10:] for line in lines)
    assert bytes.fromhex(digits) == data
    assert all(character.isprintable() for line in lines for character in line)


def test_a_large_value_is_cut() -> None:
    assert len(build_hex_view(bytes(1_000_000))) == MAX_VIEW_BYTES // 16
