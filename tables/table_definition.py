"""What each module of a RocksDB table declares: the table's name, how its rows expire, and how they are shown."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

GetRows = Callable[[Sequence[bytes]], Sequence[bytes | None]]
"""Returns the row of each key in one partition; None for a key without a row."""

RowView = dict[str, Any]
"""A decoded row, as JSON values."""


def encode_user_prefix(user_id: str) -> bytes:
    """What the keys of a user's rows begin with in most tables: no user id contains NUL."""
    return user_id.encode() + b"\0"


class CountedEntries(NamedTuple):
    """The rows that people count, of a table with several rows for each entry: whose keys begin with `prefix`, and that are entries."""

    prefix: bytes
    is_entry: Callable[[bytes], bool]


class TableDefinition(NamedTuple):
    """A table of a worker. Its time to live is in app/topology.py.

    `read_time`: the newest time in a row, in epoch seconds; a row expires one time to live after it.
    `find_row`: the decoded row of a user id and a key, None if there is none. Raises ValueError for an invalid key.
    `encode_user_prefix`: what the keys of the rows of a user that are shown begin with, in most tables of all.
    `entries`: which rows are counted for people; None for all.
    """

    name: str
    read_time: Callable[[bytes], float]
    find_row: Callable[[GetRows, str, str], RowView | None]
    encode_user_prefix: Callable[[str], bytes] = encode_user_prefix
    entries: CountedEntries | None = None


def format_time(at: float) -> str:
    """Epoch seconds in ISO 8601, UTC, with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
