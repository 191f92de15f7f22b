"""No cell ends early, and none begins as a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.csv_text import encode_csv

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def parse(document: bytes) -> list[list[str]]:
    """The cells as a spreadsheet reads them."""
    return [*csv.reader(io.StringIO(document.decode(), newline=""), strict=True)]


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=4))
def test_cells_come_back_and_none_is_a_formula(rows: list[tuple[str, str]]) -> None:
    found = parse(encode_csv(("a", "b"), rows))
    assert [[cell.removeprefix("'") for cell in row] for row in found[1:]] == [[cell.removeprefix("'") for cell in row] for row in rows]
    assert not any(cell.strip(" \ufeff").startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for row in found for cell in row)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r\n=1", "  =1", "\ufeff=1", "＝1"])
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert parse(encode_csv(("a",), [(text,)]))[1] == [f"'{text}"]


def test_what_is_no_formula_stays() -> None:
    assert encode_csv(("id",), [('say "x", 1-1',)]) == b'"id"\r\n"say ""x"", 1-1"\r\n'
