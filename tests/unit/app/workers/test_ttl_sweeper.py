"""Expired rows are removed step by step from each open partition."""

from collections.abc import Callable

import pytest

from app.streaming.rocksdb_table import RocksDBTable
from app.workers.ttl_sweeper import MAX_ROWS_PER_STEP, SWEEP_INTERVAL, TtlSweeper
from schemas.enums import Outcome, Status
from tables import attempts

NOW = 1_760_000_000.0
HOUR = 3600.0
PARTITION = (attempts.TABLE, 1)


class FakeTable:
    """Rows of one partition, two of which are checked in a step."""

    def __init__(self, **rows: bytes) -> None:
        self.rows = {key.encode(): row for key, row in rows.items()}
        self.open_partitions = [1]
        self.calls: list[tuple[int, bytes | None, int]] = []

    def expire_rows(self, partition: int, is_expired: Callable[[bytes], bool], start_key: bytes | None, max_rows: int) -> bytes | None:
        self.calls.append((partition, start_key, max_rows))
        keys = sorted(key for key in self.rows if start_key is None or key >= start_key)
        for key in keys[:2]:
            if is_expired(self.rows[key]):
                del self.rows[key]
        return keys[2] if len(keys) > 2 else None


class ManualClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now, self.is_confirmed = NOW, True

    def __call__(self) -> float:
        return self.now


def build_row(at: float) -> bytes:
    return attempts.encode_row(attempts.AttemptRow(0, 1, Outcome.ACCEPTED, Status.SENT, attempts.NextAction.DONE, 202, at, "id"))


def build_sweeper(table: FakeTable, clock: ManualClock) -> TtlSweeper:
    tables: dict[str, RocksDBTable] = {"attempts": table}  # type: ignore[dict-item]
    return TtlSweeper({attempts.TABLE: int(HOUR)}, tables, clock, lambda: clock.is_confirmed)


def test_expired_rows_are_removed_and_the_next_step_continues_where_the_last_one_ended() -> None:
    table = FakeTable(a=build_row(NOW - HOUR - 1), b=build_row(NOW - HOUR + 1), c=build_row(NOW - 2 * HOUR), d=build_row(NOW))
    sweeper = build_sweeper(table, ManualClock())
    sweeper.sweep_step(PARTITION)
    sweeper.sweep_step(PARTITION)
    assert list(table.rows) == [b"b", b"d"]
    assert table.calls == [(1, None, MAX_ROWS_PER_STEP), (1, b"c", MAX_ROWS_PER_STEP)]


def test_the_next_sweep_begins_when_the_oldest_row_kept_expires() -> None:
    table, clock = FakeTable(a=build_row(NOW - 100), b=build_row(NOW - 200), c=build_row(NOW - 50)), ManualClock()
    sweeper = build_sweeper(table, clock)
    call_counts = []
    for clock.now in (NOW, NOW + 1, NOW + 2, NOW + HOUR - 201, NOW + HOUR - 199, NOW + HOUR - 198):  # two steps are a sweep here
        sweeper.sweep_step(PARTITION)
        call_counts.append(len(table.calls))
    assert call_counts == [1, 2, 2, 2, 3, 4]
    assert list(table.rows) == [b"a", b"c"]


def test_an_empty_table_is_swept_again_when_a_row_added_since_can_have_expired() -> None:
    table, clock = FakeTable(), ManualClock()
    sweeper = build_sweeper(table, clock)
    sweeper.sweep_step(PARTITION)
    table.rows[b"a"] = build_row(NOW + 1)
    for clock.now in (NOW + 2, NOW + HOUR + 2):
        sweeper.sweep_step(PARTITION)
    assert not table.rows


def test_no_row_is_removed_while_the_time_is_not_confirmed() -> None:
    table, clock = FakeTable(a=build_row(NOW - 100), b=build_row(NOW)), ManualClock()
    sweeper = build_sweeper(table, clock)
    for clock.now, clock.is_confirmed in ((NOW + 24 * HOUR, False), (NOW - 24 * HOUR, False), (NOW + 1, True)):
        sweeper.sweep_step(PARTITION)
    assert list(table.rows) == [b"a", b"b"]
    assert len(table.calls) == 1


def test_a_partition_that_is_closed_is_not_opened_again() -> None:
    table = FakeTable(a=build_row(0.0))
    sweeper = build_sweeper(table, ManualClock())
    table.open_partitions.clear()
    sweeper.sweep_step(PARTITION)
    assert not table.calls


async def test_every_open_partition_that_is_due_gets_one_step_in_an_interval() -> None:
    table, clock, sleeps = FakeTable(a=build_row(NOW - 100)), ManualClock(), []

    async def sleep(seconds: float) -> None:
        sleeps.append((seconds, len(table.calls)))
        if len(sleeps) == 3:
            clock.now += HOUR
        if len(sleeps) == 5:
            raise InterruptedError

    table.open_partitions = [1, 3]
    with pytest.raises(InterruptedError):
        await build_sweeper(table, clock).run_forever(sleep)
    half = SWEEP_INTERVAL / 2
    assert sleeps == [(half, 0), (half, 1), (SWEEP_INTERVAL, 2), (half, 2), (half, 3)]
    assert [partition for partition, _, _ in table.calls] == [1, 3, 1]


async def test_nothing_is_swept_while_the_time_is_not_confirmed() -> None:
    clock = ManualClock()
    clock.is_confirmed = False
    assert not build_sweeper(FakeTable(a=build_row(0.0)), clock).find_due()
