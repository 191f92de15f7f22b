"""Rows that have outlived their use go, step by step, in each partition that is here."""

from collections.abc import Callable

import pytest

from app.roles.rows import TIMES
from app.roles.sweep import AT_ONCE, EVERY, Sweep
from app.streaming.table import Table
from schemas.ids import NOTIFICATION, new_id
from schemas.rules import RateLimit
from schemas.words import Outcome, StatusName
from tables import attempts, idempotency, rate_windows

NOW = 1_760_000_000.0
HOUR = 3600.0


class TableTwin:
    """Holds rows by partition, and looks at two of them in a step."""

    def __init__(self, **rows: bytes) -> None:
        self.rows = {key.encode(): row for key, row in rows.items()}
        self.partitions_open = [1]
        self.calls: list[tuple[int, bytes | None, int]] = []

    def sweep(self, partition: int, outlived: Callable[[bytes], bool], start: bytes | None, most: int) -> bytes | None:
        self.calls.append((partition, start, most))
        keys = sorted(key for key in self.rows if start is None or key >= start)
        for key in keys[:2]:
            if outlived(self.rows[key]):
                del self.rows[key]
        return keys[2] if len(keys) > 2 else None


class Hand:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def first(at: float) -> bytes:
    return idempotency.packed(idempotency.First(new_id(NOTIFICATION, at, 1), at, "low", 1, 2))


def window(at: float, most: int) -> bytes:
    limits = rate_windows.windows_of([RateLimit("sms", most, 3600)])["sms"]
    return rate_windows.admitted(rate_windows.admitted(None, limits, at - 10, b"old!"), limits, at, b"mark")


def attempt(at: float) -> bytes:
    return attempts.pack(attempts.Row(0, 1, Outcome.ACCEPTED, StatusName.SENT, attempts.Follows.END, 202, at, "id"))


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("idempotency", first),
        ("rate_windows", lambda at: window(at, 10)),
        ("rate_windows", lambda at: window(at, 1000)),
        ("attempts", attempt),
    ],
)
def test_the_time_of_a_row_is_its_newest(name: str, row: Callable[[float], bytes]) -> None:
    assert TIMES[name](row(NOW)) == NOW


def test_a_window_without_entries_counts_for_nothing() -> None:
    assert TIMES["rate_windows"](b"\0\0") == 0.0


def sweep_of(twin: TableTwin, clock: Hand) -> Sweep:
    tables: dict[str, Table] = {"attempts": twin}  # type: ignore[dict-item]
    return Sweep(tables, {"attempts": int(HOUR)}, clock)


def test_what_is_older_than_its_table_lasts_goes_and_a_round_goes_on_where_it_was() -> None:
    twin = TableTwin(a=attempt(NOW - HOUR - 1), b=attempt(NOW - HOUR + 1), c=attempt(NOW - 2 * HOUR), d=attempt(NOW))
    sweep = sweep_of(twin, Hand())
    sweep.step(("attempts", 1))
    sweep.step(("attempts", 1))
    assert list(twin.rows) == [b"b", b"d"]
    assert twin.calls == [(1, None, AT_ONCE), (1, b"c", AT_ONCE)]


def test_the_next_round_begins_when_the_oldest_row_left_is_outlived() -> None:
    twin, clock = TableTwin(a=attempt(NOW - 100), b=attempt(NOW - 200), c=attempt(NOW - 50)), Hand()
    sweep = sweep_of(twin, clock)
    seen = []
    for clock.now in (NOW, NOW + 1, NOW + 2, NOW + HOUR - 201, NOW + HOUR - 199, NOW + HOUR - 198):  # two steps are a round here
        sweep.step(("attempts", 1))
        seen.append(len(twin.calls))
    assert seen == [1, 2, 2, 2, 3, 4]
    assert list(twin.rows) == [b"a", b"c"]


def test_a_table_without_rows_is_looked_at_again_when_one_that_came_since_can_be_outlived() -> None:
    twin, clock = TableTwin(), Hand()
    sweep = sweep_of(twin, clock)
    sweep.step(("attempts", 1))
    twin.rows[b"a"] = attempt(NOW + 1)
    for clock.now in (NOW + 2, NOW + HOUR + 2):
        sweep.step(("attempts", 1))
    assert not twin.rows


def test_a_partition_that_has_gone_elsewhere_is_not_opened_again() -> None:
    twin = TableTwin(a=attempt(0.0))
    sweep = sweep_of(twin, Hand())
    twin.partitions_open.clear()
    sweep.step(("attempts", 1))
    assert not twin.calls


async def test_every_partition_has_its_turn_and_no_two_at_once() -> None:
    twin, done = TableTwin(), []
    twin.partitions_open = [1, 3]

    async def pause(seconds: float) -> None:
        done.append((seconds, len(twin.calls)))
        if len(done) == 4:
            twin.partitions_open = []
        if len(done) == 5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await sweep_of(twin, Hand()).keep(pause)
    assert done == [(EVERY / 2, 0), (EVERY / 2, 1), (EVERY / 2, 2), (EVERY / 2, 2), (EVERY, 2)]
    assert [partition for partition, _, _ in twin.calls] == [1, 3]
