"""Rows are read and written by partition with their changelog offset; writes of other workers are detected; recovery equals a replay."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest
from faust.types import TP

from app.streaming.application import add_table
from app.streaming.commit.outbox import WrittenOffsets
from app.streaming.rocksdb_table import ChangelogConflictError, RocksDBTable
from schemas.ports import Batch
from tables.idempotency import encode_key
from tests.memory_streaming import MemoryKafka, MemoryOutbox
from tests.unit.app.streaming.app_builder import build_app

CHANGELOG = "t-router-seen-changelog"


class FakeChangelogRecord(NamedTuple):
    offset: int
    timestamp: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class FakeChangelogMessage(NamedTuple):
    offset: int


class FakeChangelogEvent(NamedTuple):
    value: Batch
    message: FakeChangelogMessage


def build_changelog_event(*rows: tuple[bytes, bytes | None], partition: int = 0, start: int = 0) -> FakeChangelogEvent:
    records = [FakeChangelogRecord(start + number, 0, key, row) for number, (key, row) in enumerate(rows)]
    return FakeChangelogEvent(Batch(CHANGELOG, partition, records), FakeChangelogMessage(records[-1].offset))


@pytest.fixture
def table(tmp_path: Path) -> Iterable[RocksDBTable]:
    app = build_app(tmp_path)
    (tmp_path / "deep" / "data" / "v1" / "tables").mkdir(parents=True)
    table = add_table(app, "seen")
    yield table
    table.data._dbs.clear()


def get_persisted_offset(table: RocksDBTable, partition: int = 0) -> int | None:
    return table.persisted_offset(TP(CHANGELOG, partition))


def test_a_row_is_found_in_its_partition_only(table: RocksDBTable) -> None:
    table.apply_rows(0, {b"a": b"1", b"b": b"2"}, WrittenOffsets(0, 1, 2))
    assert table.get_many(0, [b"b", b"none", b"a"]) == [b"2", None, b"1"]
    assert table.get_many(1, [b"a"]) == [None]
    assert table.get_many(0, []) == []


def test_the_rows_of_a_user_are_listed_with_pending_ones(table: RocksDBTable) -> None:
    stored = {b"u\0a": b"1", b"u\0b": b"2", b"u\0c": b"3", b"u2\0a": b"4", b"t\0a": b"5"}
    table.apply_rows(0, stored, WrittenOffsets(0, 4, 5))
    table.pending_rows.add(0, {b"u\0a": None, b"u\0c": b"6", b"u\0d": b"7", b"u2\0b": b"8"})
    assert table.list_rows(0, b"u\0", 9) == [(b"u\0b", b"2"), (b"u\0c", b"6"), (b"u\0d", b"7")]
    assert table.list_rows(0, b"u\0", 2) == [(b"u\0b", b"2"), (b"u\0c", b"6")]
    assert table.list_rows(0, b"v\0", 9) == table.list_rows(1, b"u\0", 9) == []


def test_written_rows_of_an_open_partition_are_read_in_steps(table: RocksDBTable) -> None:
    table.apply_rows(0, {b"a": b"1", b"b": b"2", b"c": b"3"}, WrittenOffsets(0, 2, 3))
    assert table.read_rows(0, b"\1", 2) == ([(b"a", b"1"), (b"b", b"2")], b"c")
    assert table.read_rows(0, b"c", 2) == ([(b"c", b"3")], None)
    assert table.read_rows(1, b"\1", 2) == ([], None)
    assert table.open_partitions == [0]


def test_a_row_of_none_is_removed(table: RocksDBTable) -> None:
    table.apply_rows(0, {b"a": b"1"}, WrittenOffsets(0, 0, 1))
    table.apply_rows(0, {b"a": None}, WrittenOffsets(1, 1, 1))
    assert table.get_many(0, [b"a"]) == [None]


def test_the_changelog_offset_is_stored_with_the_rows(table: RocksDBTable) -> None:
    assert get_persisted_offset(table) is None
    table.apply_rows(0, {b"a": b"1", b"b": b"2"}, WrittenOffsets(0, 1, 2))
    assert get_persisted_offset(table) == 1
    assert get_persisted_offset(table, 1) is None


def test_no_row_has_the_key_of_the_changelog_offset(table: RocksDBTable) -> None:
    key = encode_key("__faust", "offset__")
    table.apply_rows(0, {key: b"1"}, WrittenOffsets(0, 0, 1))
    assert table.get_many(0, [key]) == [b"1"]
    assert get_persisted_offset(table) == 0


def test_rows_and_tombstones_are_staged_for_the_changelog(table: RocksDBTable) -> None:
    kafka = MemoryKafka()
    outbox = MemoryOutbox(kafka)
    table.stage_rows(outbox, 2, {b"a": b"1", b"b": None})
    outbox.flush()
    assert [(record.key, record.value) for record in kafka.get_records(CHANGELOG, 2)] == [(b"a", b"1"), (b"b", None)]
    assert table.changelog_topic_name == CHANGELOG


@pytest.mark.parametrize(
    "written",
    [
        WrittenOffsets(5, 5, 1),  # another worker wrote before
        WrittenOffsets(2, 4, 2),  # another worker wrote in between
        WrittenOffsets(1, 1, 1),  # the changelog topic was recreated
    ],
)
def test_changelog_writes_of_another_worker_are_detected(table: RocksDBTable, written: WrittenOffsets) -> None:
    table.apply_rows(0, {b"a": b"1", b"b": b"2"}, WrittenOffsets(0, 1, 2))
    with pytest.raises(ChangelogConflictError, match=CHANGELOG):
        table.apply_rows(0, {b"c": b"3"}, written)
    assert table.get_many(0, [b"c"]) == [None]
    assert get_persisted_offset(table) == 1  # so recovery reads the records of the other worker


def test_the_first_write_must_continue_where_recovery_ended(table: RocksDBTable) -> None:
    table.app.tables.recovery.active_highwaters[TP(CHANGELOG, 0)] = 9
    with pytest.raises(ChangelogConflictError):
        table.apply_rows(0, {b"a": b"1"}, WrittenOffsets(11, 11, 1))
    table.apply_rows(0, {b"a": b"1"}, WrittenOffsets(10, 10, 1))
    assert get_persisted_offset(table) == 10


async def test_after_a_rebalance_the_next_offset_comes_from_recovery(table: RocksDBTable) -> None:
    table.apply_rows(0, {b"a": b"1"}, WrittenOffsets(0, 0, 1))
    await table.on_rebalance(set(), set(), set(), generation_id=2)
    table.app.tables.recovery.active_highwaters[TP(CHANGELOG, 0)] = 99
    table.apply_rows(0, {b"b": b"2"}, WrittenOffsets(100, 100, 1))
    assert get_persisted_offset(table) == 100


def test_recovery_equals_a_replay_of_the_changelog(table: RocksDBTable) -> None:
    log: list[tuple[bytes, bytes | None]] = [(b"a", b"1"), (b"b", b"2"), (b"a", None), (b"c", b"3"), (b"b", b"4")]
    table.apply_changelog_batch(
        [
            build_changelog_event(*log[:2]),
            build_changelog_event(*log[2:], start=2),
            build_changelog_event((b"z", b"9"), partition=3, start=7),
        ]
    )
    replayed = {key: value for key, value in dict(log).items() if value is not None}
    assert dict(zip(b"abc", table.get_many(0, [b"a", b"b", b"c"]), strict=True)) == {ord("a"): None, ord("b"): b"4", ord("c"): b"3"}
    assert replayed == {b"b": b"4", b"c": b"3"}
    assert get_persisted_offset(table) == 4
    assert get_persisted_offset(table, 3) == 7
    assert table.get_many(3, [b"z"]) == [b"9"]


def test_rows_survive_a_restart(tmp_path: Path, table: RocksDBTable) -> None:
    table.apply_rows(0, {b"a": b"1"}, WrittenOffsets(0, 0, 1))
    table.data._dbs.clear()  # as Faust closes them
    reopened = add_table(build_app(tmp_path), "seen")
    assert reopened.get_many(0, [b"a"]) == [b"1"]
    assert get_persisted_offset(reopened) == 0
    reopened.data._dbs.clear()


def test_compaction_of_a_reopened_database_keeps_all_rows(tmp_path: Path) -> None:
    (tmp_path / "deep" / "data" / "v1" / "tables").mkdir(parents=True)
    keys = [b"%d" % number for number in range(300)]
    for start in (0, 100, 200):
        table = add_table(build_app(tmp_path), "seen")
        # the last bytes of the row are a timestamp long ago, as those of a hash may be
        table.apply_rows(0, dict.fromkeys(keys[start : start + 100], b"row" + bytes(4)), WrittenOffsets(start, start + 99, 100))
        database = table.data._db_for_partition(0)
        database.flush()
        database.compact_range(None, None)
        assert table.get_many(0, keys[: start + 100]) == [b"row" + bytes(4)] * (start + 100)
        del database
        table.data._dbs.clear()


def test_expire_rows_removes_expired_rows_and_continues_from_the_returned_key(table: RocksDBTable) -> None:
    table.apply_rows(0, {b"%d" % number: b"old" if number % 2 else b"new" for number in range(10)}, WrittenOffsets(0, 9, 10))
    start_key, calls = None, 0
    while (start_key := table.expire_rows(0, b"old".__eq__, start_key, 3)) is not None:
        calls += 1
    assert calls == 3
    assert table.get_many(0, [b"%d" % number for number in range(10)]) == [None if number % 2 else b"new" for number in range(10)]
    assert get_persisted_offset(table) == 9
    assert table.open_partitions == [0]


def test_expire_rows_of_an_empty_table_returns_none(table: RocksDBTable) -> None:
    assert table.expire_rows(0, lambda row: True, None, 3) is None
    assert get_persisted_offset(table) is None


def test_a_scan_leaves_out_rows_whose_removal_is_pending_and_shows_pending_changes_of_the_others(table: RocksDBTable) -> None:
    table.apply_rows(0, {b"a": b"1", b"b": b"2", b"c": b"3"}, WrittenOffsets(0, 2, 3))
    table.pending_rows.add(0, {b"a": None, b"b": b"4", b"aa": b"5"})
    assert table.scan(0, b"a", b"c", b"d", 10) == ([(b"b", b"4")], b"c")
    assert table.scan(0, b"a", b"d", b"d", 1) == ([(b"b", b"4")], b"c")


def test_the_size_of_a_table_is_estimated(table: RocksDBTable) -> None:
    assert table.estimate_bytes() == 0
    table.apply_rows(0, {b"a": b"1", b"b": b"2"}, WrittenOffsets(0, 1, 2))
    table.apply_rows(1, {b"c": b"3"}, WrittenOffsets(0, 0, 1))
    assert table.estimate_row_count([0, 1, 2]) == 3
    assert table.estimate_row_count([1]) == 1
    assert table.estimate_bytes() > 0
    assert table.open_partitions == [0, 1], "a partition is not opened to be measured"
