"""Rows are read and written by partition; the changelog offset stands with them; foreign writes are noticed; recovery equals a replay."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest
from faust.types import TP

from app.streaming.application import add_table
from app.streaming.outbox import Written
from app.streaming.table import ChangelogShared, Table
from schemas.ports import Batch
from tests.memory import MemoryKafka, MemoryOutbox
from tests.unit.app.streaming.apps import an_app

CHANGELOG = "t-router-seen-changelog"


class Record(NamedTuple):
    offset: int
    timestamp: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Message(NamedTuple):
    offset: int


class Event(NamedTuple):
    value: Batch
    message: Message


def changes(*rows: tuple[bytes, bytes | None], partition: int = 0, start: int = 0) -> Event:
    records = [Record(start + number, 0, key, row) for number, (key, row) in enumerate(rows)]
    return Event(Batch(CHANGELOG, partition, records), Message(records[-1].offset))


@pytest.fixture
def table(tmp_path: Path) -> Iterable[Table]:
    app = an_app(tmp_path)
    (tmp_path / "deep" / "data" / "v1" / "tables").mkdir(parents=True)
    table = add_table(app, "seen")
    yield table
    table.data._dbs.clear()


def offset_of(table: Table, partition: int = 0) -> int | None:
    return table.persisted_offset(TP(CHANGELOG, partition))


def test_a_row_is_found_in_its_partition_only(table: Table) -> None:
    table.apply(0, {b"a": b"1", b"b": b"2"}, Written(0, 1, 2))
    assert table.get_many(0, [b"b", b"none", b"a"]) == [b"2", None, b"1"]
    assert table.get_many(1, [b"a"]) == [None]
    assert table.get_many(0, []) == []


def test_a_row_of_none_is_removed(table: Table) -> None:
    table.apply(0, {b"a": b"1"}, Written(0, 0, 1))
    table.apply(0, {b"a": None}, Written(1, 1, 1))
    assert table.get_many(0, [b"a"]) == [None]


def test_the_offset_stands_with_the_rows(table: Table) -> None:
    assert offset_of(table) is None
    table.apply(0, {b"a": b"1", b"b": b"2"}, Written(0, 1, 2))
    assert offset_of(table) == 1
    assert offset_of(table, 1) is None


def test_rows_and_tombstones_are_staged_for_the_changelog(table: Table) -> None:
    kafka = MemoryKafka()
    outbox = MemoryOutbox(kafka)
    table.stage(outbox, 2, {b"a": b"1", b"b": None})
    outbox.flush()
    assert [(record.key, record.value) for record in kafka.records(CHANGELOG, 2)] == [(b"a", b"1"), (b"b", None)]
    assert table.changelog == CHANGELOG


@pytest.mark.parametrize(
    "written",
    [
        Written(5, 5, 1),  # others wrote before
        Written(2, 4, 2),  # others wrote in between
        Written(1, 1, 1),  # the changelog was made anew
    ],
)
def test_foreign_writes_in_the_changelog_are_noticed(table: Table, written: Written) -> None:
    table.apply(0, {b"a": b"1", b"b": b"2"}, Written(0, 1, 2))
    with pytest.raises(ChangelogShared, match=CHANGELOG):
        table.apply(0, {b"c": b"3"}, written)
    assert table.get_many(0, [b"c"]) == [None]
    assert offset_of(table) == 1  # so recovery reads what the others wrote


def test_the_first_write_must_continue_where_recovery_ended(table: Table) -> None:
    table.app.tables.recovery.active_highwaters[TP(CHANGELOG, 0)] = 9
    with pytest.raises(ChangelogShared):
        table.apply(0, {b"a": b"1"}, Written(11, 11, 1))
    table.apply(0, {b"a": b"1"}, Written(10, 10, 1))
    assert offset_of(table) == 10


async def test_after_a_rebalance_it_is_recovery_that_says_where_the_changelog_ends(table: Table) -> None:
    table.apply(0, {b"a": b"1"}, Written(0, 0, 1))
    await table.on_rebalance(set(), set(), set(), generation_id=2)
    table.app.tables.recovery.active_highwaters[TP(CHANGELOG, 0)] = 99
    table.apply(0, {b"b": b"2"}, Written(100, 100, 1))
    assert offset_of(table) == 100


def test_recovery_equals_a_replay_of_the_changelog(table: Table) -> None:
    log: list[tuple[bytes, bytes | None]] = [(b"a", b"1"), (b"b", b"2"), (b"a", None), (b"c", b"3"), (b"b", b"4")]
    table.apply_changelog_batch([changes(*log[:2]), changes(*log[2:], start=2), changes((b"z", b"9"), partition=3, start=7)])
    replayed = {key: value for key, value in dict(log).items() if value is not None}
    assert dict(zip(b"abc", table.get_many(0, [b"a", b"b", b"c"]), strict=True)) == {ord("a"): None, ord("b"): b"4", ord("c"): b"3"}
    assert replayed == {b"b": b"4", b"c": b"3"}
    assert offset_of(table) == 4
    assert offset_of(table, 3) == 7
    assert table.get_many(3, [b"z"]) == [b"9"]


def test_rows_survive_a_restart(tmp_path: Path, table: Table) -> None:
    table.apply(0, {b"a": b"1"}, Written(0, 0, 1))
    table.data._dbs.clear()  # as Faust closes them
    again = add_table(an_app(tmp_path), "seen")
    assert again.get_many(0, [b"a"]) == [b"1"]
    assert offset_of(again) == 0
    again.data._dbs.clear()


def test_what_a_reopened_database_compacts_stays_whole(tmp_path: Path) -> None:
    (tmp_path / "deep" / "data" / "v1" / "tables").mkdir(parents=True)
    keys = [b"%d" % number for number in range(300)]
    for start in (0, 100, 200):
        table = add_table(an_app(tmp_path), "seen")
        # the last bytes of a row read as a time long ago, as those of a hash may
        table.apply(0, dict.fromkeys(keys[start : start + 100], b"row" + bytes(4)), Written(start, start + 99, 100))
        database = table.data._db_for_partition(0)
        database.flush()
        database.compact_range(None, None)
        assert table.get_many(0, keys[: start + 100]) == [b"row" + bytes(4)] * (start + 100)
        del database
        table.data._dbs.clear()


def test_the_changelog_is_kept_as_long_as_it_is_told(tmp_path: Path) -> None:
    table = add_table(an_app(tmp_path), "short", keep=7200)
    assert table.extra_topic_configs == {"cleanup.policy": "compact,delete", "retention.ms": "7200000"}


def test_a_sweep_removes_what_is_outlived_and_goes_on_where_it_was(table: Table) -> None:
    table.apply(0, {b"%d" % number: b"old" if number % 2 else b"new" for number in range(10)}, Written(0, 9, 10))
    start, steps = None, 0
    while (start := table.sweep(0, b"old".__eq__, start, 3)) is not None:
        steps += 1
    assert steps == 3
    assert table.get_many(0, [b"%d" % number for number in range(10)]) == [None if number % 2 else b"new" for number in range(10)]
    assert offset_of(table) == 9
    assert table.partitions_open == [0]


def test_a_sweep_of_nothing_is_over_at_once(table: Table) -> None:
    assert table.sweep(0, lambda row: True, None, 3) is None
    assert offset_of(table) is None
