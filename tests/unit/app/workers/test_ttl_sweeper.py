"""Rows that have outlived their use go, step by step, in each partition that is here."""

from collections.abc import Callable

import pytest

from app.streaming.rocksdb_table import RocksDBTable
from app.workers.table_inspection import ROW_TIME_READERS
from app.workers.ttl_sweeper import MAX_ROWS_PER_STEP, SWEEP_INTERVAL, TtlSweeper
from schemas.enums import Outcome, Status
from schemas.ids import NOTIFICATION_PREFIX, make_id
from schemas.policy import RateLimit
from tables import attempts, idempotency, rate_windows

NOW = 1_760_000_000.0
HOUR = 3600.0


class FakeTable:
    """Holds rows by partition, and looks at two of them in a step."""

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
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def build_idempotency_row(at: float) -> bytes:
    return idempotency.encode_row(idempotency.IdempotencyRow(make_id(NOTIFICATION_PREFIX, at, 1), at, "low", 1, 2))


def build_rate_window_row(at: float, most: int) -> bytes:
    limits = rate_windows.build_channel_windows([RateLimit("sms", most, 3600)])["sms"]
    return rate_windows.add_entry(rate_windows.add_entry(None, limits, at - 10, b"old!"), limits, at, b"mark")


def build_attempt_row(at: float) -> bytes:
    return attempts.encode_row(attempts.AttemptRow(0, 1, Outcome.ACCEPTED, Status.SENT, attempts.NextAction.DONE, 202, at, "id"))


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("idempotency", build_idempotency_row),
        ("rate_windows", lambda at: build_rate_window_row(at, 10)),
        ("rate_windows", lambda at: build_rate_window_row(at, 1000)),
        ("attempts", build_attempt_row),
    ],
)
def test_the_time_of_a_row_is_its_newest(name: str, row: Callable[[float], bytes]) -> None:
    assert ROW_TIME_READERS[name](row(NOW)) == NOW


def test_a_window_without_entries_counts_for_nothing() -> None:
    assert ROW_TIME_READERS["rate_windows"](b"\0\0") == 0.0


def build_sweeper(table: FakeTable, clock: ManualClock) -> TtlSweeper:
    tables: dict[str, RocksDBTable] = {"attempts": table}  # type: ignore[dict-item]
    return TtlSweeper(tables, {"attempts": int(HOUR)}, clock)


def test_what_is_older_than_its_table_lasts_goes_and_a_round_goes_on_where_it_was() -> None:
    table = FakeTable(
        a=build_attempt_row(NOW - HOUR - 1),
        b=build_attempt_row(NOW - HOUR + 1),
        c=build_attempt_row(NOW - 2 * HOUR),
        d=build_attempt_row(NOW),
    )
    sweep = build_sweeper(table, ManualClock())
    sweep.sweep_step(("attempts", 1))
    sweep.sweep_step(("attempts", 1))
    assert list(table.rows) == [b"b", b"d"]
    assert table.calls == [(1, None, MAX_ROWS_PER_STEP), (1, b"c", MAX_ROWS_PER_STEP)]


def test_the_next_round_begins_when_the_oldest_row_left_is_outlived() -> None:
    table, clock = (
        FakeTable(a=build_attempt_row(NOW - 100), b=build_attempt_row(NOW - 200), c=build_attempt_row(NOW - 50)),
        ManualClock(),
    )
    sweep = build_sweeper(table, clock)
    seen = []
    for clock.now in (NOW, NOW + 1, NOW + 2, NOW + HOUR - 201, NOW + HOUR - 199, NOW + HOUR - 198):  # two steps are a round here
        sweep.sweep_step(("attempts", 1))
        seen.append(len(table.calls))
    assert seen == [1, 2, 2, 2, 3, 4]
    assert list(table.rows) == [b"a", b"c"]


def test_a_table_without_rows_is_looked_at_again_when_one_that_came_since_can_be_outlived() -> None:
    table, clock = FakeTable(), ManualClock()
    sweep = build_sweeper(table, clock)
    sweep.sweep_step(("attempts", 1))
    table.rows[b"a"] = build_attempt_row(NOW + 1)
    for clock.now in (NOW + 2, NOW + HOUR + 2):
        sweep.sweep_step(("attempts", 1))
    assert not table.rows


def test_a_partition_that_has_gone_elsewhere_is_not_opened_again() -> None:
    table = FakeTable(a=build_attempt_row(0.0))
    sweep = build_sweeper(table, ManualClock())
    table.open_partitions.clear()
    sweep.sweep_step(("attempts", 1))
    assert not table.calls


async def test_every_partition_has_its_turn_and_no_two_at_once() -> None:
    table, done = FakeTable(), []
    table.open_partitions = [1, 3]

    async def pause(seconds: float) -> None:
        done.append((seconds, len(table.calls)))
        if len(done) == 4:
            table.open_partitions = []
        if len(done) == 5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await build_sweeper(table, ManualClock()).run_forever(pause)
    assert done == [(SWEEP_INTERVAL / 2, 0), (SWEEP_INTERVAL / 2, 1), (SWEEP_INTERVAL / 2, 2), (SWEEP_INTERVAL / 2, 2), (SWEEP_INTERVAL, 2)]
    assert [partition for partition, _, _ in table.calls] == [1, 3]
