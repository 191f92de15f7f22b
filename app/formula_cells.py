"""Cells of CSV that a spreadsheet would execute: each that begins as a formula gets an apostrophe in front.

Source: https://owasp.org/www-community/attacks/CSV_Injection.
"""

import re

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # the full-width ones count, too
_match_number = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?", re.ASCII).fullmatch


def protect_cell(text: str) -> str:
    """The text as a cell that an import restores; a number, such as that of a telephone, stays as it is."""
    return f"'{text}" if _is_formula(text) else text


def restore_cell(text: str) -> str:
    """The text of a cell that `protect_cell` or a spreadsheet has written."""
    return text[1:] if text.startswith("'") and _is_formula(text[1:]) else text


def _is_formula(text: str) -> bool:
    return text.lstrip("' \ufeff").startswith(FORMULA_STARTS) and _match_number(text) is None
