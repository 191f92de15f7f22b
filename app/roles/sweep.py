"""Rows that have outlived their use are removed from a worker's tables, some at a time, so that nothing has to wait for it."""

from collections.abc import Awaitable, Callable, Mapping

from app.roles import rows
from app.streaming.table import Table
from schemas.ports import Clock

EVERY = 10.0
AT_ONCE = 2000  # rows of a partition: some milliseconds; 17 million a day


class Sweep:
    """Goes round the rows of each partition; `ttls` are seconds by table."""

    def __init__(self, tables: Mapping[str, Table], ttls: Mapping[str, int], clock: Clock) -> None:
        self._tables, self._ttls, self._clock = tables, ttls, clock
        self._next: dict[tuple[str, int], bytes | None] = {}

    def step(self) -> None:
        """Go on a little in each partition that is here."""
        for name, table in self._tables.items():
            outlived = rows.outlived(name, self._ttls[name], self._clock())
            for partition in table.partitions_open:
                start = self._next.get((name, partition))
                self._next[name, partition] = table.sweep(partition, outlived, start, AT_ONCE)

    async def keep(self, pause: Callable[[float], Awaitable[object]]) -> None:
        """Step after step, for ever."""
        while True:
            await pause(EVERY)
            self.step()
