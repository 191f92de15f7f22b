"""A batch table in memory that notes what happened in which order."""

from collections.abc import Sequence

from app.streaming.expected import Expected
from app.streaming.outbox import Written
from schemas.ports import Outbox, Rows


class BatchTableTwin:
    """Implements app.streaming.commit_line.BatchTable."""

    def __init__(self, name: str = "attempts", events: list[str] | None = None) -> None:
        self.name = name
        self.rows: dict[tuple[int, bytes], bytes | None] = {}
        self.offsets: dict[int, int] = {}
        self.events = events if events is not None else []
        self.expected = Expected()

    @property
    def changelog(self) -> str:
        return f"{self.name}-changelog"

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return self.expected.shown(partition, keys, [self.rows.get((partition, key)) for key in keys])

    def stage(self, outbox: Outbox, partition: int, rows: Rows) -> None:
        for key, row in rows.items():
            outbox.add(self.changelog, partition, key, row)

    def apply(self, partition: int, rows: Rows, written: Written) -> None:
        self.events.append(f"apply {self.name} {partition}")
        self.rows.update({(partition, key): row for key, row in rows.items()})
        self.offsets[partition] = written.last
        self.expected.arrived(partition, rows)
