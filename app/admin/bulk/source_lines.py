"""Reads the records of a CSV or JSONL file one by one, whatever its size; what is wrong with a line belongs to that line."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from msgspec import Struct

from app.formula_cells import restore_cell
from schemas.json_errors import BYTE_ORDER_MARK

MAX_LINE_BYTES = 1024 * 1024
DELIMITERS = ",;\t"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
ENCODING_ADVICE = "save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"


class InvalidFileError(Exception):
    """A file cannot be imported as a whole; the text says why and what to do."""


class LineProblem(Struct, frozen=True):
    """What is wrong with a line, in which field, and what to do. The field is empty if it is the whole line."""

    line: int
    field: str
    text: str


class SourceRecord(NamedTuple):
    """A record with the number of its first line, the bytes read up to its end, and its JSON or its cells by column, or what is wrong."""

    line: int
    position: int
    content: bytes | dict[str, str] | LineProblem


def read_records(path: Path, file_format: str, columns: Sequence[str], open_columns: str = "") -> Iterator[SourceRecord]:
    """The records of a file; a CSV file may have these columns and any that begin with `open_columns`. Raises InvalidFileError."""
    with path.open("rb") as file:
        if file.read(2) in UTF16_MARKS:
            raise InvalidFileError(f"{path} is UTF-16: {ENCODING_ADVICE}")
        file.seek(len(BYTE_ORDER_MARK) if _begins_with_mark(file) else 0)
        yield from _read_json_lines(file) if file_format == "jsonl" else _read_csv(path, file, columns, open_columns)


def _begins_with_mark(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK


def _read_json_lines(file: BinaryIO) -> Iterator[SourceRecord]:
    for number, line in enumerate(_read_lines(file), 1):
        if len(line) > MAX_LINE_BYTES:
            yield SourceRecord(
                number, file.tell(), LineProblem(number, "", f"is longer than {MAX_LINE_BYTES} bytes: write one object on a line")
            )
        elif line.strip():
            yield SourceRecord(number, file.tell(), line)


def _read_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines; of one that is too long, the first bytes."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        yield line
        rest = line
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE_BYTES + 1)


class _CountedLines:
    """The lines of a file as text; a byte that is not UTF-8 becomes half a surrogate pair, which _find_bad_byte finds."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = _read_lines(file)
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.count += 1
            yield line.decode(errors="surrogateescape")


def _read_csv(path: Path, file: BinaryIO, columns: Sequence[str], open_columns: str) -> Iterator[SourceRecord]:
    lines = _CountedLines(file)
    text = iter(lines)
    header_line = next(text, "")
    delimiter = max(DELIMITERS, key=header_line.count)
    header = [name.strip() for name in next(csv.reader([header_line], delimiter=delimiter), [])]
    _check_header(path, header, columns, open_columns)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        first_line = lines.count + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = LineProblem(first_line, "", f"is not CSV: {error}; a quote in a quoted cell is written twice")
            yield SourceRecord(first_line, file.tell(), problem)
            continue
        if cells:
            yield SourceRecord(first_line, file.tell(), _build_cells(first_line, header, cells))


def _check_header(path: Path, header: Sequence[str], columns: Sequence[str], open_columns: str) -> None:
    known = ", ".join([*columns, *([f"{open_columns}..."] if open_columns else [])])
    unknown = [name for name in header if name not in columns and not (open_columns and name.startswith(open_columns))]
    if unknown:
        raise InvalidFileError(f"{path}:1: {unknown[0]!r} is not a known column; the first line must name columns of: {known}")
    if columns[0] not in header:
        raise InvalidFileError(f"{path}:1: there is no column {columns[0]}; the first line must name columns of: {known}")
    if repeated := next((name for name in header if header.count(name) > 1), ""):
        raise InvalidFileError(f"{path}:1: the column {repeated} is there twice: remove one")


def _build_cells(line: int, header: Sequence[str], cells: Sequence[str]) -> dict[str, str] | LineProblem:
    if len(cells) != len(header):
        return LineProblem(line, "", f"has {len(cells)} cells, the first line has {len(header)}: put a cell with the delimiter in quotes")
    for name, cell in zip(header, cells, strict=True):
        if not cell.isascii() and (byte := _find_bad_byte(cell)):
            return LineProblem(line, name, f"is not UTF-8 (byte {byte:#04x}), perhaps it is Windows-1252: {ENCODING_ADVICE}")
    return dict(zip(header, map(restore_cell, cells), strict=True))


def _find_bad_byte(text: str) -> int:
    """The first byte that was not UTF-8; 0 if there is none."""
    return next((ord(character) - 0xDC00 for character in text if "\udc80" <= character <= "\udcff"), 0)


def describe_json_record(content: bytes) -> Any:
    """Where a line of JSON is not UTF-8; None if it is."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return f"is not UTF-8 (byte {content[error.start]:#04x} at position {error.start + 1}): {ENCODING_ADVICE}"
    return None
