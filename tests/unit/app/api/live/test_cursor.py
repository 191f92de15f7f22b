"""The text of cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.live.cursor import format_cursor, parse_cursor


@given(st.dictionaries(st.integers(0, 999), st.integers(0, 10**15), min_size=1, max_size=20))
def test_a_cursor_survives_its_text(cursor: dict[int, int]) -> None:
    assert parse_cursor(format_cursor(cursor)) == cursor


@pytest.mark.parametrize(
    "text", ["", "0", "0:", "0:1,", "a:1", "0:-1", "0:1;1:2", "0:1 ", "0:1\n", "\u0660:1", "0:1,0:2", "9" * 7 + ":1", "0:1," * 2000]
)
def test_any_other_text_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        parse_cursor(text)
