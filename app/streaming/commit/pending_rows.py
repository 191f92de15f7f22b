"""Rows of a table that are decided and on their way there: later batches are decided on them as if they had arrived."""

from collections.abc import Sequence

from schemas.ports import TableRows


class PendingRows:
    """The rows on their way, the newest of each key, by partition."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[bytes, bytes | None]] = {}

    def add(self, partition: int, rows: TableRows) -> None:
        """These rows are decided; they hide what the table holds."""
        self._rows.setdefault(partition, {}).update(rows)

    def overlay(self, partition: int, keys: Sequence[bytes], stored: list[bytes | None]) -> list[bytes | None]:
        """What the table holds for the keys, and what is on its way instead."""
        coming = self._rows.get(partition)
        if not coming:
            return stored
        return [coming.get(key, row) for key, row in zip(keys, stored, strict=True)]

    def select_pending(self, partition: int, rows: TableRows) -> dict[bytes, bytes | None]:
        """Those of the rows that no later one of the same key has overtaken: it would be written already, and they must not replace it."""
        coming = self._rows.get(partition, {})
        return {key: row for key, row in rows.items() if key in coming}

    def mark_applied(self, partition: int, rows: TableRows) -> None:
        """The table holds these rows now; newer ones of the same keys are still on their way."""
        coming = self._rows.get(partition)
        if coming:
            for key, row in rows.items():
                if key in coming and coming[key] is row:
                    del coming[key]

    def clear_partition(self, partition: int) -> None:
        """Nothing that is on its way to the partition arrives."""
        self._rows.pop(partition, None)
