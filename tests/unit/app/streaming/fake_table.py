"""A batch table in memory that records the order of events."""

from collections.abc import Sequence

from app.streaming.commit.outbox import WrittenOffsets
from app.streaming.commit.pending_rows import PendingRows
from schemas.ports import Outbox, TableRows


class FakeBatchTable:
    """Implements app.streaming.commit.pipeline.BatchTable."""

    def __init__(self, name: str = "attempts", events: list[str] | None = None) -> None:
        self.name = name
        self.rows: dict[tuple[int, bytes], bytes | None] = {}
        self.offsets: dict[int, int] = {}
        self.events = events if events is not None else []
        self.pending_rows = PendingRows()

    @property
    def changelog_topic_name(self) -> str:
        return f"{self.name}-changelog"

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return self.pending_rows.overlay(partition, keys, [self.rows.get((partition, key)) for key in keys])

    def stage_rows(self, outbox: Outbox, partition: int, rows: TableRows) -> None:
        for key, row in rows.items():
            outbox.add(self.changelog_topic_name, partition, key, row)

    def apply_rows(self, partition: int, rows: TableRows, written: WrittenOffsets) -> None:
        self.events.append(f"apply {self.name} {partition}")
        self.rows.update({(partition, key): row for key, row in rows.items()})
        self.offsets[partition] = written.last
        self.pending_rows.mark_applied(partition, rows)
