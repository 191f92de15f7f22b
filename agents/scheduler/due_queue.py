"""What the scheduler knows of the entries of one partition beside their rows: how far each priority is released, and what is under way."""

from collections.abc import Mapping
from math import ceil

from schemas.enums import PRIORITIES, Priority
from schemas.ports import Table
from tables import due

FirstTimes = Mapping[Priority, int]
"""The earliest time of new entries by priority, in milliseconds of their keys."""


class DueQueue:
    """The progress of one partition.

    A release pops entries in the order of their keys and goes on from the last one. So no later entry may have a key before it: its time is
    then later than `due_at`. And an entry that is not committed yet is not seen by a scan, so that a scan ends before it.
    """

    def __init__(self, released_until: Mapping[Priority, int]) -> None:
        """`released_until`: the time of the last entry that was popped, in milliseconds, by priority."""
        self.released_until = dict(released_until)
        self.next_keys = {priority: due.encode_entry_key(priority, due_ms) for priority, due_ms in released_until.items()}
        self.next_due_ms: int | None = 0  # when the next scan may find an entry; None: nothing waits; at first unknown
        self.releases_in_flight = 0
        self._uncommitted: list[FirstTimes] = []

    def compute_due_ms(self, priority: Priority, due_at: float) -> int:
        """The time in the key of a new entry, in milliseconds: not before `due_at` (epoch seconds), nor before what is released."""
        return max(ceil(due_at * 1000), self.released_until[priority] + 1)

    def begin_commit(self, first_times: FirstTimes) -> None:
        """Take new entries that are decided and not committed."""
        self._uncommitted.append(first_times)

    def end_commit(self, first_times: FirstTimes) -> None:
        """Take new entries that scans can see from now on."""
        self._uncommitted.remove(first_times)
        for due_ms in first_times.values():
            self.next_due_ms = due_ms if self.next_due_ms is None else min(self.next_due_ms, due_ms)

    def compute_scan_end(self, priority: Priority, now_ms: int) -> int:
        """The time before which the entries of a priority are due and can all be seen, in milliseconds."""
        return min([now_ms + 1, *(times[priority] for times in self._uncommitted if priority in times)])

    def pop(self, priority: Priority, entry_key: bytes) -> None:
        """Go on after this entry, which is released."""
        self.next_keys[priority] = entry_key + b"\0"
        self.released_until[priority] = due.decode_due_ms(entry_key)


def load_queue(table: Table, partition: int) -> DueQueue:
    """The queue of a partition that was just assigned: it goes on where the worker before has stopped."""
    rows = table.get_many(partition, [due.encode_released_until_key(priority) for priority in PRIORITIES])
    return DueQueue({priority: due.decode_released_until(row) for priority, row in zip(PRIORITIES, rows, strict=True)})
