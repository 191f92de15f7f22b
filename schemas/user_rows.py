"""What a worker's web view returns about a user: the rows of its tables as they are, for the gateway to decode."""

from msgspec import Struct

MAX_ROWS = 500  # of a user in one table


class UserRow(Struct, frozen=True):
    """A row of a table; `key` is what follows the user in its key. Base64 in JSON."""

    key: bytes
    row: bytes


class UserRows(Struct, frozen=True):
    """The rows of a user by table, at most MAX_ROWS of each, with the worker that holds the user's partition."""

    role: str
    partition: int
    worker: str
    tables: dict[str, list[UserRow]]


class RemovedRows(Struct, frozen=True):
    """The keys of the rows that were removed: what follows the user in them. Base64 in JSON."""

    partition: int
    worker: str
    keys: list[bytes]
