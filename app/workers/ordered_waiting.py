"""How many deliveries to ordered endpoints wait behind another one, as metrics: those in the worker, and those in the scheduler."""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final, Protocol

from agents.delivery.endpoint_order import EndpointOrder
from app.workers.worker_builder import WorkerBuilder
from schemas.metrics import ORDERED_DELIVERIES_WAITING
from schemas.ports import Clock, ScannedRows, Sleep
from tables.endpoint_order import count_waiting

COUNT_INTERVAL: Final = 5.0  # seconds between two counts of what the table has, at least
MAX_COUNT_SHARE: Final = 0.01  # of the time; a line that has ended leaves a row for days, so that a table may have a million
ROWS_PER_STEP: Final = 500  # read at once, at most some milliseconds: a row may have 21 kB
_FIRST_KEY: Final = b"\1"  # after the offset of the changelog; no user id begins with NUL


class OpenTable(Protocol):
    """What is read of a table of the worker."""

    def read_rows(self, partition: int, start_key: bytes, max_rows: int) -> ScannedRows: ...


class ScheduledOrder:
    """Counts what waits in the scheduler for its turn, of the worker's partitions: the rows of the table say it, and nothing else does."""

    def __init__(self, table: OpenTable, list_partitions: Callable[[], Collection[int]], sleep: Sleep, monotonic: Clock) -> None:
        """`list_partitions`: those that are assigned. `monotonic` in seconds."""
        self._table, self._list_partitions, self._sleep, self._monotonic = table, list_partitions, sleep, monotonic
        self.count = 0  # as of the last time that all rows were read

    async def count_forever(self) -> None:
        """Count again and again, until cancelled; the longer a count takes, the less often."""
        while True:
            began_at = self._monotonic()
            await self.count_once()
            await self._sleep(max(COUNT_INTERVAL, (self._monotonic() - began_at) / MAX_COUNT_SHARE))

    async def count_once(self) -> None:
        """Read all rows, a few at a time; those of a partition that is revoked meanwhile no more."""
        total = 0
        for partition in self._list_partitions():
            key: bytes | None = _FIRST_KEY
            while key is not None and partition in self._list_partitions():
                rows, key = self._table.read_rows(partition, key, ROWS_PER_STEP)
                total += sum(count_waiting(row) for _, row in rows)
                if key is not None:
                    await self._sleep(0)
        self.count = total


def show_waiting(worker: WorkerBuilder, order: EndpointOrder, table: OpenTable) -> None:
    """Add the metrics of what waits for its turn."""
    scheduled = ScheduledOrder(table, lambda: worker.app.consumer.membership.get_assigned(), asyncio.sleep, time.monotonic)
    worker.add_task("ordered_waiting", scheduled.count_forever)
    worker.metrics.set_gauge_function(ORDERED_DELIVERIES_WAITING, order.count_waiting, "worker")
    worker.metrics.set_gauge_function(ORDERED_DELIVERIES_WAITING, lambda: scheduled.count, "scheduler")
