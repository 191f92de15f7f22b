"""What waits in the scheduler for its turn is counted from all rows of the worker's partitions."""

import asyncio
from collections import defaultdict

import pytest

from app.workers import ordered_waiting
from app.workers.ordered_waiting import ScheduledOrder
from schemas.ports import ScannedRows
from tables.endpoint_order import OrderedEntry, Place, encode_row

OFFSET_KEY = b"\0changelog_offset"


def build_row(*places: Place) -> bytes:
    return encode_row([OrderedEntry(bytes([255, number] * 8), "medium", 1e9, place) for number, place in enumerate(places)], 1e9)


class Rows:
    """The rows of open partitions, and the partitions that are assigned; the offset of the changelog is the first row, as in RocksDB."""

    def __init__(self) -> None:
        self.rows: defaultdict[int, dict[bytes, bytes]] = defaultdict(lambda: {OFFSET_KEY: b"4" * 200})
        self.assigned = {0, 1}
        self.steps: list[tuple[int, int]] = []

    def read_rows(self, partition: int, start_key: bytes, max_rows: int) -> ScannedRows:
        keys = sorted(key for key in self.rows[partition] if key >= start_key)
        found = keys[:max_rows]
        self.steps.append((partition, len(found)))
        return ScannedRows([(key, self.rows[partition][key]) for key in found], keys[max_rows] if len(keys) > max_rows else None)

    def build_count(self) -> ScheduledOrder:
        return ScheduledOrder(self, lambda: self.assigned, asyncio.sleep, lambda: 0.0)


async def test_the_waiting_of_all_rows_of_assigned_partitions_are_counted() -> None:
    rows = Rows()
    rows.rows[0] = {
        OFFSET_KEY: b"4" * 200,
        b"u-1\0whe": build_row(Place.RETRYING, Place.WAITING, Place.WAITING),
        b"u-2\0whe": build_row(Place.WORKER, Place.WORKER),
        b"u-3\0whe": build_row(),
    }
    rows.rows[1][b"u-4\0whe"] = build_row(Place.WORKER, Place.WAITING)
    rows.rows[2][b"u-5\0whe"] = build_row(Place.WAITING)  # a standby
    count = rows.build_count()
    await count.count_once()
    assert count.count == 3
    rows.rows[0].clear()
    await count.count_once()
    assert count.count == 1


async def test_many_rows_are_read_a_few_at_a_time_until_their_partition_is_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordered_waiting, "ROWS_PER_STEP", 2)
    rows = Rows()
    rows.rows[0] = {b"u-%d\0whe" % number: build_row(Place.RETRYING, Place.WAITING) for number in range(5)}
    rows.rows[1] = dict(rows.rows[0])
    count = rows.build_count()
    await count.count_once()
    assert (count.count, rows.steps) == (10, [(0, 2), (0, 2), (0, 1), (1, 2), (1, 2), (1, 1)])

    rows.steps.clear()
    reading = asyncio.create_task(count.count_once())
    await asyncio.sleep(0)
    rows.assigned = {1}
    await reading
    assert (count.count, rows.steps) == (7, [(0, 2), (1, 2), (1, 2), (1, 1)])


async def test_a_count_that_takes_long_is_made_less_often() -> None:
    """A count of 0.03 s fits into the usual interval; one of 3 s takes a hundredth of the time, too."""
    now, durations, waits = [0.0], [0.03, 3.0], list[float]()

    def list_partitions() -> set[int]:
        now[0] += durations.pop(0)
        return set()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if not durations:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await ScheduledOrder(Rows(), list_partitions, sleep, lambda: now[0]).count_forever()
    assert waits == [pytest.approx(5), pytest.approx(300)]
