"""Rows that have outlived their use are removed from a worker's tables, some at a time, so that nothing has to wait for it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from app.streaming.rocksdb_table import RocksDBTable
from app.workers import table_inspection
from schemas.ports import Clock

SWEEP_INTERVAL = 2.5  # seconds in which each partition of each table has its turn
MAX_ROWS_PER_STEP = 500  # rows of a partition: a few milliseconds; 17 million a day

TablePartition = tuple[str, int]  # a table and one of its partitions


@dataclass
class SweepProgress:
    """How far the sweep of a partition is: the key to go on from, the time of the oldest row it has left, and when it is worth a look."""

    next_key: bytes | None = None
    oldest_row_time: float = 0.0
    next_sweep_at: float = 0.0


class TtlSweeper:
    """Goes round the rows of each partition; `ttls` are seconds by table.

    Until the oldest row that a round has left is outlived too, another round would find nothing: it begins then. Rows that come from a
    changelog later may be older, and stay so much longer: only space, for who reads a row looks at its time.
    """

    def __init__(self, tables: Mapping[str, RocksDBTable], ttls: Mapping[str, int], clock: Clock) -> None:
        self._tables, self._ttls, self._clock = tables, ttls, clock
        self._progress_by_partition: dict[TablePartition, SweepProgress] = {}

    @property
    def table_partitions(self) -> list[TablePartition]:
        """What is here now, in the order of its turns."""
        return [(name, partition) for name, table in self._tables.items() for partition in table.open_partitions]

    def sweep_step(self, table_partition: TablePartition) -> None:
        """Go on a little with a partition, if it is still here and there may be something to find."""
        name, partition = table_partition
        table, ttl, now = self._tables[name], self._ttls[name], self._clock()
        at = self._progress_by_partition.setdefault(table_partition, SweepProgress())
        if now < at.next_sweep_at or partition not in table.open_partitions:
            return
        if at.next_key is None:
            at.oldest_row_time = now
        at.next_key = table.expire_rows(partition, lambda row: self._is_expired(name, row, now - ttl, at), at.next_key, MAX_ROWS_PER_STEP)
        if at.next_key is None:
            at.next_sweep_at = at.oldest_row_time + ttl

    @staticmethod
    def _is_expired(name: str, row: bytes, oldest_valid_time: float, progress: SweepProgress) -> bool:
        time = table_inspection.ROW_TIME_READERS[name](row)
        if time >= oldest_valid_time:
            progress.oldest_row_time = min(progress.oldest_row_time, time)
        return time < oldest_valid_time

    async def run_forever(self, sleep: Callable[[float], Awaitable[object]]) -> None:
        """Step after step, for ever."""
        while True:
            places = self.table_partitions
            for place in places:
                await sleep(SWEEP_INTERVAL / len(places))
                self.sweep_step(place)
            if not places:
                await sleep(SWEEP_INTERVAL)
