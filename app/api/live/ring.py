"""The newest records of `notifications.status`, which clients of the live view read at their own pace."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from app.api.live.cursor import Cursor
from app.api.live.rows import LiveRow


class Entry(NamedTuple):
    """A record: its position in the ring's count of records, its partition and offset, and its row if it has one."""

    position: int
    partition: int
    offset: int
    row: LiveRow | None


class Replay(NamedTuple):
    """What a client that comes with a cursor gets: how many records after it are no longer here, the cursor after those, and the rest."""

    missed: int
    cursor: Cursor
    entries: list[Entry]


class LiveRing:
    """The last `capacity` records in the order of their arrival; positions count all records since the start.

    A client has seen all before its position, so what it has missed is the difference, exactly.
    """

    def __init__(self, capacity: int, start: Cursor) -> None:
        """`start`: the offset of each partition with which the ring begins."""
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._oldest, self._next = dict(start), dict(start)
        self.head = 0

    @property
    def first(self) -> int:
        """The position of the oldest entry; that of the next one if there is none."""
        return self._entries[0].position if self._entries else self.head

    def copy_cursor(self) -> Cursor:
        """The cursor after the newest entry."""
        return dict(self._next)

    def copy_oldest_cursor(self) -> Cursor:
        """The cursor before the oldest entry."""
        return dict(self._oldest)

    def append(self, records: Iterable[tuple[int, int, LiveRow | None]]) -> list[Entry]:
        """Append records (partition, offset, row); the oldest ones make room. The new entries."""
        appended = []
        for partition, offset, row in records:
            if len(self._entries) == self._entries.maxlen:
                oldest = self._entries[0]
                self._oldest[oldest.partition] = oldest.offset + 1
            entry = Entry(self.head, partition, offset, row)
            self._entries.append(entry)
            self._next[partition] = offset + 1
            self.head += 1
            appended.append(entry)
        return appended

    def replay(self, cursor: Cursor) -> Replay:
        """What came after a cursor. A partition that it does not have, or has further ahead, is read from where the ring is now."""
        start = {partition: min(cursor.get(partition, offset), offset) for partition, offset in self._next.items()}
        missed = sum(max(0, oldest - start[partition]) for partition, oldest in self._oldest.items())
        cursor = {partition: max(offset, self._oldest[partition]) for partition, offset in start.items()}
        return Replay(missed, cursor, [entry for entry in self._entries if entry.offset >= start[entry.partition]])
