"""Writes all users or all preferences as CSV or JSONL, in the form that an import reads."""

import csv
from collections.abc import AsyncIterator, Callable, Sequence
from typing import IO, Any

import msgspec

from app.admin.bulk.records import (
    PREFERENCE_COLUMNS,
    USER_COLUMNS,
    DeviceLine,
    PreferenceLine,
    UserLine,
    format_preference_cells,
    format_user_cells,
)
from app.formula_cells import protect_cell
from schemas.profile import QuietHours
from tables.postgres.database import DatabaseRow

Page = Sequence[DatabaseRow]

_decode = msgspec.json.decode


async def export_users(pages: AsyncIterator[Page], file_format: str, file: IO[str], advance: Callable[[int], None]) -> int:
    """Write the users of all pages; returns their number."""
    return await _export(pages, file_format, file, advance, USER_COLUMNS, _build_user_line, format_user_cells)


async def export_preferences(pages: AsyncIterator[Page], file_format: str, file: IO[str], advance: Callable[[int], None]) -> int:
    """Write the preferences of all pages; returns their number."""
    return await _export(pages, file_format, file, advance, PREFERENCE_COLUMNS, _build_preference_line, format_preference_cells)


async def _export(
    pages: AsyncIterator[Page],
    file_format: str,
    file: IO[str],
    advance: Callable[[int], None],
    columns: Sequence[str],
    build: Callable[[DatabaseRow], Any],
    format_cells: Callable[[Any], dict[str, str]],
) -> int:
    count = 0
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    if file_format == "csv":
        writer.writeheader()
    async for page in pages:
        lines = [build(row) for row in page]
        if file_format == "csv":
            writer.writerows({name: protect_cell(cell) for name, cell in format_cells(line).items()} for line in lines)
        else:
            file.writelines(f"{msgspec.json.encode(line).decode()}\n" for line in lines)
        count += len(page)
        advance(count)
    return count


def _build_user_line(row: DatabaseRow) -> UserLine:
    return UserLine(
        id=row["id"],
        addresses=_decode(row["addresses"]),
        locale=row["locale"],
        time_zone=row["time_zone"],
        tier=row["tier"],
        attributes=_decode(row["attributes"]),
        quiet_hours=_decode(row["quiet_hours"], type=QuietHours) if row["quiet_hours"] else None,
        devices=_decode(row["devices"], type=list[DeviceLine]),
    )


def _build_preference_line(row: DatabaseRow) -> PreferenceLine:
    return PreferenceLine(
        user_id=row["user_id"], choice=row["choice"], category=row["category"], channel=row["channel"], digest=row["digest"]
    )
