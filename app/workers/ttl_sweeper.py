"""Removes expired rows from the tables of a worker, a few rows at a time, so that the event loop is never blocked for long."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from app.streaming.rocksdb_table import RocksDBTable
from schemas.ports import Clock
from tables.table_definition import TableDefinition

SWEEP_INTERVAL = 2.5  # seconds in which each partition of each table gets one step
MAX_ROWS_PER_STEP = 500  # rows of a partition in one step, a few milliseconds; 17 million a day

TablePartition = tuple[TableDefinition, int]


@dataclass
class SweepProgress:
    """The progress of a sweep of one partition: the key to continue from, the time of the oldest row kept, and when to sweep again."""

    next_key: bytes | None = None
    oldest_row_time: float = 0.0
    next_sweep_at: float = 0.0


class TtlSweeper:
    """Sweeps each open partition of the tables in turn.

    The next sweep of a partition begins when the oldest row kept by the previous one expires; before that it would find nothing. Rows that
    arrive later from a changelog may be older. They stay until that sweep, which costs only space: no row decides anything after its time.
    """

    def __init__(
        self,
        ttls: Mapping[TableDefinition, int | None],
        tables: Mapping[str, RocksDBTable],
        clock: Clock,
        is_time_confirmed: Callable[[], bool],
    ) -> None:
        """`ttls`: the time to live of the rows of each table in seconds, None if they do not expire; `tables`: by name.

        While `is_time_confirmed` is false nothing is removed: the clock may be wrong, and a row that is removed early is lost for good.
        """
        self._ttls = {definition: ttl for definition, ttl in ttls.items() if ttl is not None}
        self._tables, self._clock, self._is_time_confirmed = tables, clock, is_time_confirmed
        self._progress_by_partition: dict[TablePartition, SweepProgress] = {}

    @property
    def table_partitions(self) -> list[TablePartition]:
        """The open partitions of all tables, in the order of their steps."""
        return [(definition, partition) for definition in self._ttls for partition in self._tables[definition.name].open_partitions]

    def find_due(self) -> list[TablePartition]:
        """Those of them whose next sweep is due, or has begun; none while the time is not confirmed."""
        if not self._is_time_confirmed():
            return []
        return [one for one in self.table_partitions if self._is_due(self._get_progress(one))]

    def sweep_step(self, table_partition: TablePartition) -> None:
        """Check the next rows of a partition, if it is still open and its next sweep is due."""
        definition, partition = table_partition
        table, ttl, now = self._tables[definition.name], self._ttls[definition], self._clock()
        progress = self._get_progress(table_partition)
        if not self._is_time_confirmed() or not self._is_due(progress) or partition not in table.open_partitions:
            return
        if progress.next_key is None:
            progress.oldest_row_time = now
        oldest_valid_time = now - ttl

        def is_expired(row: bytes) -> bool:
            row_time = definition.read_time(row)
            if row_time >= oldest_valid_time:
                progress.oldest_row_time = min(progress.oldest_row_time, row_time)
            return row_time < oldest_valid_time

        progress.next_key = table.expire_rows(partition, is_expired, progress.next_key, MAX_ROWS_PER_STEP)
        if progress.next_key is None:
            progress.next_sweep_at = progress.oldest_row_time + ttl

    def _get_progress(self, table_partition: TablePartition) -> SweepProgress:
        return self._progress_by_partition.setdefault(table_partition, SweepProgress())

    def _is_due(self, progress: SweepProgress) -> bool:
        return self._clock() >= progress.next_sweep_at

    async def run_forever(self, sleep: Callable[[float], Awaitable[object]]) -> None:
        """Sweep the partitions that are due step by step until cancelled."""
        while True:
            due = self.find_due()
            for table_partition in due:
                await sleep(SWEEP_INTERVAL / len(due))
                self.sweep_step(table_partition)
            if not due:
                await sleep(SWEEP_INTERVAL)
