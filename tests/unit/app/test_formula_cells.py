"""No cell of an export is a formula, and an import gets back what was exported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.formula_cells import FORMULA_STARTS, protect_cell, restore_cell

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.text("'=+-@ \t\ufeff1", max_size=6)


@given(TEXTS)
def test_a_cell_is_no_formula_and_comes_back(text: str) -> None:
    cell = protect_cell(text)
    assert restore_cell(cell) == text
    assert cell == text or cell.startswith("'")
    assert not cell.lstrip(" \ufeff").startswith(FORMULA_STARTS) or cell.strip("+-").replace(".", "").isdigit()


@pytest.mark.parametrize("text", ["=1+1", "@sum(a)", "+1+cmd|' /C calc'!A0", "-2+3", "\t=1", " =1", "＝1", "'=1"])
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert protect_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["+436641234567", "-3.5", "ada@example.org", "'quoted'", "", "1-1"])
def test_what_is_no_formula_stays(text: str) -> None:
    assert protect_cell(text) == restore_cell(text) == text
