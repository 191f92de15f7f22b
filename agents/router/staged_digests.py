"""The rows of the table digests as the records of a batch see them: those of the table, overlaid with those that the batch has staged."""

from collections.abc import Callable, Sequence

ReadRows = Callable[[Sequence[bytes]], Sequence[bytes | None]]
ListRows = Callable[[bytes, int], Sequence[tuple[bytes, bytes]]]
"""At most so many rows whose keys begin with a prefix, in the order of their keys."""


class StagedDigests:
    """Reads rows when they are asked for: few notifications are gathered, and their keys are known only after other gates.

    Without a table to read from, there are only the staged ones.
    """

    __slots__ = ("_list_rows", "_read_rows", "_staged", "new_claims", "new_rows")

    def __init__(self, read_rows: ReadRows = lambda keys: [None] * len(keys), list_rows: ListRows = lambda prefix, max_rows: ()) -> None:
        self._read_rows, self._list_rows = read_rows, list_rows
        self._staged: dict[bytes, dict[bytes, bytes | None]] = {}  # by user
        self.new_claims: dict[bytes, bytes | None] = {}
        self.new_rows: dict[bytes, bytes | None] = {}

    def get(self, *keys: bytes) -> list[bytes | None]:
        """The rows of the keys; None for a key without a row."""
        rows = self._read_rows(keys)
        return [self._get_staged(key).get(key, row) for key, row in zip(keys, rows, strict=True)]

    def list(self, prefix: bytes, max_rows: int) -> list[tuple[bytes, bytes]]:
        """At most `max_rows` rows whose keys begin with a prefix, in the order of their keys."""
        staged = {key: row for key, row in self._get_staged(prefix).items() if key.startswith(prefix)}
        rows = {**dict(self._list_rows(prefix, max_rows + len(staged))), **staged}
        return [(key, row) for key, row in sorted(rows.items()) if row is not None][:max_rows]

    def stage_claim(self, key: bytes, row: bytes | None) -> None:
        """Stage a row that is written before the outputs; None removes it."""
        self._get_staged(key)[key] = self.new_claims[key] = row
        self.new_rows.pop(key, None)

    def stage_row(self, key: bytes, row: bytes | None) -> None:
        """Stage a row that is written after the outputs, and after the claims; None removes it."""
        self._get_staged(key)[key] = self.new_rows[key] = row

    def _get_staged(self, key: bytes) -> dict[bytes, bytes | None]:
        """The staged rows of the user with whom a key begins."""
        return self._staged.setdefault(key.partition(b"\0")[0], {})
