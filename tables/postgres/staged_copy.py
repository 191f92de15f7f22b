"""Writes rows by COPY: new ones into their table, those that may exist into a staging table, from which one statement merges them."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from tables.postgres import binary_copy
from tables.postgres.database import Connection, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("staged_copy")


class CopyData(NamedTuple):
    """COPY streams for one table: `new_rows` are expected not to exist, `existing_rows` may exist.

    `merge_arguments`: those of each statement that merges the existing rows, in order.
    """

    table: str
    columns: str
    new_rows: bytes
    existing_rows: bytes
    existing_row_count: int
    merge_arguments: Sequence[tuple[int, ...]] = ((),)


def split_copy_data(
    table: str, columns: str, rows: list[tuple[str, bytes, bool]], merge_arguments: Sequence[tuple[int, ...]] = ((),)
) -> CopyData:
    """The streams of a table's rows, each with its id and whether it may exist, in the order of ids: two workers cannot deadlock."""
    rows.sort()
    new_rows = [row for _, row, may_exist in rows if not may_exist]
    existing_rows = [row for _, row, may_exist in rows if may_exist]
    return CopyData(table, columns, _build_stream(new_rows), _build_stream(existing_rows), len(existing_rows), merge_arguments)


def _build_stream(rows: Sequence[bytes]) -> bytes:
    return binary_copy.build_copy_stream(rows) if rows else b""


async def merge_rows(connection: Connection, data: CopyData) -> list[DatabaseRow]:
    """Merge the rows that may exist; returns the ids of those that are new or changed, and what counts of them, before and now."""
    await connection.execute(_SQL[f"create_staging_{data.table}"])
    await copy_rows(connection, f"staging_{data.table}", data.columns, data.existing_rows)
    return [row for arguments in data.merge_arguments for row in await connection.fetch(_SQL[f"merge_{data.table}"], *arguments)]


async def copy_rows(connection: Connection, table: str, columns: str, stream: bytes) -> None:
    """Append the rows of a stream to a table."""
    await connection.copy_to_table(table, source=_yield_once(stream), columns=columns.split(), format="binary")


async def _yield_once(stream: bytes) -> AsyncIterator[bytes]:
    yield stream
