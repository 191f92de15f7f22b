"""Files that are small for a sender and large for a reader: each is a problem of its line, and the next line is read."""

from pathlib import Path

import pytest

from app.admin.bulk.records import USER_COLUMNS, ParsedRecord, parse_user
from app.admin.bulk.source_lines import InvalidFileError, LineProblem, read_records

JSON_LINES = {
    "deep and closed": b'{"id":"u","attributes":{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}}",
    "deep and cut": b'{"id":"u","devices":' + b"[" * 900_000,
    "a long number": b'{"id":"u","attributes":{"n":' + b"9" * 900_000 + b"}}",
    "many names": b'{"id":"u","attributes":{' + b",".join(b'"a%d":1' % number for number in range(60_000)) + b"}}",
    "a long line": b'{"id":"' + b"u" * 2_000_000 + b'"}',
    "compressed": b"\x1f\x8b\x08\x00" + bytes(100),
}
CSV_LINES = {
    "a deep cell": 'u,"{""a"":' + "[" * 100_000 + '}"',
    "a long cell": "u," + "a" * 900_000,
    "many cells": "," * 500_000,
    "NUL": "u,a\0b",
}


def read_problems(path: Path, file_format: str, content: bytes) -> list[bool]:
    """Of each record whether it is rejected."""
    path.write_bytes(content)
    parsed = [parse_user(record) for record in read_records(path, file_format, USER_COLUMNS)]
    assert all(isinstance(one, ParsedRecord) or isinstance(one[0], LineProblem) for one in parsed)
    return [isinstance(one, list) for one in parsed]


@pytest.mark.parametrize("name", JSON_LINES)
def test_a_line_of_json_that_is_a_bomb_is_a_problem(tmp_path: Path, name: str) -> None:
    assert read_problems(tmp_path / "users.jsonl", "jsonl", JSON_LINES[name] + b'\n{"id":"u-2"}\n') == [True, False]


@pytest.mark.parametrize("name", CSV_LINES)
def test_a_line_of_csv_that_is_a_bomb_is_a_problem(tmp_path: Path, name: str) -> None:
    content = f"id,attributes\n{CSV_LINES[name]}\nu-2,\n".encode()
    assert read_problems(tmp_path / "users.csv", "csv", content) == [True, False]


def test_a_quote_that_is_not_closed_ends_at_the_limit_of_a_cell(tmp_path: Path) -> None:
    problems = read_problems(tmp_path / "users.csv", "csv", b'id,tier\nu,"' + b"a\n" * 300_000)
    assert len(problems) > 1
    assert all(problems)


def test_a_header_of_very_many_columns_is_not_read_further(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="twice"):
        read_problems(tmp_path / "users.csv", "csv", b",".join([b"id"] * 100_000) + b"\nu\n")
