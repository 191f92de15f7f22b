"""Rows that have outlived their use are removed from a worker's tables, some at a time, so that nothing has to wait for it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from app.roles import rows
from app.streaming.table import Table
from schemas.ports import Clock

EVERY = 2.5  # seconds in which each partition of each table has its turn
AT_ONCE = 500  # rows of a partition: a few milliseconds; 17 million a day

Place = tuple[str, int]  # a table and one of its partitions


@dataclass
class Round:
    """How far the sweep of a partition is: the key to go on from, the time of the oldest row it has left, and when it is worth a look."""

    start: bytes | None = None
    oldest: float = 0.0
    due: float = 0.0


class Sweep:
    """Goes round the rows of each partition; `ttls` are seconds by table.

    Until the oldest row that a round has left is outlived too, another round would find nothing: it begins then. Rows that come from a
    changelog later may be older, and stay so much longer: only space, for who reads a row looks at its time.
    """

    def __init__(self, tables: Mapping[str, Table], ttls: Mapping[str, int], clock: Clock) -> None:
        self._tables, self._ttls, self._clock = tables, ttls, clock
        self._rounds: dict[Place, Round] = {}

    @property
    def places(self) -> list[Place]:
        """What is here now, in the order of its turns."""
        return [(name, partition) for name, table in self._tables.items() for partition in table.partitions_open]

    def step(self, place: Place) -> None:
        """Go on a little with a partition, if it is still here and there may be something to find."""
        name, partition = place
        table, ttl, now = self._tables[name], self._ttls[name], self._clock()
        at = self._rounds.setdefault(place, Round())
        if now < at.due or partition not in table.partitions_open:
            return
        if at.start is None:
            at.oldest = now
        at.start = table.sweep(partition, lambda row: self._outlived(name, row, now - ttl, at), at.start, AT_ONCE)
        if at.start is None:
            at.due = at.oldest + ttl

    @staticmethod
    def _outlived(name: str, row: bytes, since: float, at: Round) -> bool:
        time = rows.TIMES[name](row)
        if time >= since:
            at.oldest = min(at.oldest, time)
        return time < since

    async def keep(self, pause: Callable[[float], Awaitable[object]]) -> None:
        """Step after step, for ever."""
        while True:
            places = self.places
            for place in places:
                await pause(EVERY / len(places))
                self.step(place)
            if not places:
                await pause(EVERY)
