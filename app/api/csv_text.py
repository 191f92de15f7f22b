"""CSV that a spreadsheet opens without executing what is in it.

A cell that begins as a formula gets an apostrophe in front (https://owasp.org/www-community/attacks/CSV_Injection). Every cell is quoted,
and quotes in it are doubled (RFC 4180), so that no text ends its cell.
"""

from collections.abc import Iterable, Sequence

from app.formula_cells import FORMULA_STARTS

CSV_MEDIA_TYPE = "text/csv"


def encode_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV document with this header; lines end with CR LF."""
    return encode_rows((header, *rows))


def encode_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """Lines of a CSV document, each with CR LF at its end."""
    return "".join(map(_encode_row, rows)).encode()


def _encode_row(row: Sequence[str]) -> str:
    return ",".join(map(_encode_cell, row)) + "\r\n"


def _encode_cell(text: str) -> str:
    safe = f"'{text}" if text.lstrip(" \ufeff").startswith(FORMULA_STARTS) else text
    return '"' + safe.replace('"', '""').replace("\0", "") + '"'
