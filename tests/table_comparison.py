"""Compares the tables of a stopped worker with replays of their changelogs."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rocksdict
from aiokafka import TopicPartition

from app.streaming.rocksdb_table import OFFSET_KEY
from tests.topic_reader import open_topic_reader


@dataclass(frozen=True)
class PartitionComparison:
    """A partition of a table against a replay of its changelog up to `stored_offset`.

    `stored_offset`: of the changelog, up to which the table was written; -1 if none. `last_offset`: of the changelog; -1 if it is empty.
    `row_count`: rows of the replay. `missing`: those that the table does not have. `extra`: rows that only the table has. `changed`: rows
    that differ.
    """

    table: str
    partition: int
    stored_offset: int
    last_offset: int
    row_count: int
    missing: int
    extra: int
    changed: int

    @property
    def is_equal(self) -> bool:
        """Whether the table has exactly the rows of the replay."""
        return not (self.missing or self.extra or self.changed)

    @property
    def is_complete(self) -> bool:
        """Whether the table was written up to the end of its changelog."""
        return self.stored_offset == self.last_offset


async def compare_tables(kafka: str, app_id: str, data_dir: Path) -> list[PartitionComparison]:
    """Compare all partitions, standbys included, in the data directory of a worker that has stopped or was killed.

    Rows that a sweeper removed from the table count as missing, and rows that compaction or retention removed from the changelog as extra.
    """
    comparisons: list[PartitionComparison] = []
    async with open_topic_reader(kafka) as reader:
        for table, paths in sorted(_find_table_paths(data_dir).items()):
            topic = f"{app_id}-{table}-changelog"
            end_offsets = await reader.get_end_offsets([topic])
            records: dict[int, list[Any]] = defaultdict(list)
            async for record in reader.read_records([topic]):
                records[record.partition].append(record)
            for partition, path in sorted(paths.items()):
                last_offset = end_offsets[TopicPartition(topic, partition)] - 1
                comparisons.append(_compare_rows(table, partition, _read_rows(path), records[partition], last_offset))
    return comparisons


def _find_table_paths(data_dir: Path) -> dict[str, dict[int, Path]]:
    """The RocksDB directories of each table by partition."""
    paths: dict[str, dict[int, Path]] = defaultdict(dict)
    for path in data_dir.glob("v*/tables/*.db"):
        table, _, partition = path.stem.rpartition("-")
        paths[table][int(partition)] = path
    return paths


def _read_rows(path: Path) -> dict[bytes, bytes]:
    database = rocksdict.Rdict(str(path), rocksdict.Options(raw_mode=True), access_type=rocksdict.AccessType.read_only())
    try:
        return dict(database.items())
    finally:
        database.close()


def _compare_rows(table: str, partition: int, rows: dict[bytes, bytes], records: Iterable[Any], last_offset: int) -> PartitionComparison:
    stored_offset = int(rows.pop(OFFSET_KEY, b"-1"))
    values = {record.key: record.value for record in records if record.offset <= stored_offset}
    replay = {key: row for key, row in values.items() if row is not None}
    changed = sum(rows[key] != row for key, row in replay.items() if key in rows)
    counts = len(replay), len(replay.keys() - rows), len(rows.keys() - replay), changed
    return PartitionComparison(table, partition, stored_offset, last_offset, *counts)
