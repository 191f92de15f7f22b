"""Rows that have outlived their use go, step by step, in each partition that is here."""

from collections.abc import Callable

import pytest

from app.roles.rows import outlived
from app.roles.sweep import AT_ONCE, EVERY, Sweep
from app.streaming.table import Table
from schemas.ids import NOTIFICATION, new_id
from schemas.rules import RateLimit
from schemas.words import Outcome, StatusName
from tables import attempts, idempotency, rate_windows

NOW = 1_760_000_000.0
HOUR = 3600.0


class TableTwin:
    """Takes two steps for each partition."""

    def __init__(self) -> None:
        self.partitions_open = [1, 3]
        self.calls: list[tuple[int, bytes | None, int]] = []

    def sweep(self, partition: int, outlived: Callable[[bytes], bool], start: bytes | None, most: int) -> bytes | None:
        self.calls.append((partition, start, most))
        return b"half" if start is None else None


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
def test_a_row_is_outlived_when_its_newest_time_is_longer_ago_than_its_table_lasts(name: str, row: Callable[[float], bytes]) -> None:
    of_an_hour = outlived(name, HOUR, NOW)
    assert of_an_hour(row(NOW - HOUR - 1))
    assert not of_an_hour(row(NOW - HOUR + 1))


def test_a_window_without_entries_counts_for_nothing() -> None:
    assert outlived("rate_windows", HOUR, NOW)(b"\0\0")


async def test_each_partition_goes_on_where_it_was_and_begins_anew_at_its_end() -> None:
    twin, pauses = TableTwin(), []
    tables: dict[str, Table] = {"attempts": twin}  # type: ignore[dict-item]

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await Sweep(tables, {"attempts": 60}, lambda: NOW).keep(pause)
    assert twin.calls == [(number, start, AT_ONCE) for start in (None, b"half", None) for number in (1, 3)]
    assert pauses == [EVERY] * 4
