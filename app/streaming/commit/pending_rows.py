"""Rows of a table that are decided but not written yet; later batches read them as if they were (docs/decisions/0006)."""

from collections.abc import Mapping, Sequence

from schemas.ports import TableRows


class PendingRows:
    """The newest pending row of each key, by partition."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[bytes, bytes | None]] = {}
        self._rows_by_user: dict[int, dict[bytes, dict[bytes, bytes | None]]] = {}  # made when it is asked for, dropped at a change

    def add(self, partition: int, rows: TableRows) -> None:
        """Add decided rows; they hide the stored ones."""
        self._rows.setdefault(partition, {}).update(rows)
        self._rows_by_user.pop(partition, None)

    def overlay(self, partition: int, keys: Sequence[bytes], stored: list[bytes | None]) -> list[bytes | None]:
        """The rows of the keys: the pending one if there is one, else the stored one."""
        pending = self._rows.get(partition)
        if not pending:
            return stored
        return [pending.get(key, row) for key, row in zip(keys, stored, strict=True)]

    def get_partition(self, partition: int) -> Mapping[bytes, bytes | None]:
        """The newest pending row of each key of a partition; None for a row that is to be removed."""
        return self._rows.get(partition, {})

    def select_prefix(self, partition: int, prefix: bytes) -> dict[bytes, bytes | None]:
        """The pending rows whose keys begin with `prefix`, which begins with a whole user id and a NUL."""
        by_user = self._rows_by_user.get(partition)
        if by_user is None:
            by_user = self._rows_by_user[partition] = {}
            for key, row in self.get_partition(partition).items():
                by_user.setdefault(key.partition(b"\0")[0], {})[key] = row
        rows = by_user.get(prefix.partition(b"\0")[0], {})
        return {key: row for key, row in rows.items() if key.startswith(prefix)}

    def mark_applied(self, partition: int, rows: TableRows) -> None:
        """Remove rows that the table now holds; newer rows of the same keys stay pending."""
        pending = self._rows.get(partition)
        self._rows_by_user.pop(partition, None)
        if pending:
            for key, row in rows.items():
                if key in pending and pending[key] is row:
                    del pending[key]

    def clear_partition(self, partition: int) -> None:
        """Drop the pending rows of a partition; they will not be written."""
        self._rows.pop(partition, None)
        self._rows_by_user.pop(partition, None)
