"""Batch committer, shared outbox and table: one suite for the real implementations and those in memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas.errors import PartitionFencedError, RecordTooLargeError
from tests.contracts.streaming.backends import MAX_RECORD_BYTES, OUTPUT_TOPIC, MemoryBackend, StreamingBackend, open_kafka_backend


@pytest.fixture(params=["memory", "kafka"])
async def backend(request: pytest.FixtureRequest, prefix: str, tmp_path: Path) -> AsyncIterator[StreamingBackend]:
    if request.param == "memory":
        yield MemoryBackend()
        return
    async with open_kafka_backend(request.getfixturevalue("kafka_url"), prefix, tmp_path / "data") as kafka_backend:
        yield kafka_backend


async def test_outputs_are_written_by_the_commit_and_in_order(backend: StreamingBackend) -> None:
    outbox = backend.committer.create_outbox(0)
    for number in range(3):
        outbox.add(OUTPUT_TOPIC, 0, b"k", b"%d" % number, [("h", b"x")])
    assert await backend.read_records(0) == []
    await backend.committer.commit(0, outbox, [])
    assert await backend.read_records(0) == [(b"k", b"%d" % number, (("h", b"x"),)) for number in range(3)]
    assert await backend.read_records(1) == []


async def test_rows_are_written_by_the_commit_to_their_partition_only(backend: StreamingBackend) -> None:
    assert list(backend.table.get_many(0, [b"a"])) == [None]
    await backend.committer.commit(0, backend.committer.create_outbox(0), [(backend.table, {b"a": b"1", b"b": b"2"})])
    assert list(backend.table.get_many(0, [b"b", b"c", b"a"])) == [b"2", None, b"1"]
    assert list(backend.table.get_many(1, [b"a"])) == [None]


async def test_a_row_of_none_removes_it(backend: StreamingBackend) -> None:
    await backend.committer.commit(0, backend.committer.create_outbox(0), [(backend.table, {b"a": b"1"})])
    await backend.committer.commit(0, backend.committer.create_outbox(0), [(backend.table, {b"a": None})])
    assert list(backend.table.get_many(0, [b"a"])) == [None]


async def test_a_scan_returns_rows_in_the_order_of_their_keys_and_the_key_after_them(backend: StreamingBackend) -> None:
    rows: dict[bytes, bytes | None] = {b"b%d" % number: b"%d" % number for number in (3, 1, 4, 2)}
    await backend.committer.commit(0, backend.committer.create_outbox(0), [(backend.table, {**rows, b"a": b"x", b"c": b"y"})])
    await backend.committer.commit(0, backend.committer.create_outbox(0), [(backend.table, {b"b2": None})])
    assert backend.table.scan(0, b"b", b"c", b"d", 10) == ([(b"b1", b"1"), (b"b3", b"3"), (b"b4", b"4")], b"c")
    assert backend.table.scan(0, b"b1", b"c", b"d", 1) == ([(b"b1", b"1")], b"b3")
    assert backend.table.scan(0, b"b1\0", b"b3", b"d", 10) == ([], b"b3")
    assert backend.table.scan(0, b"b5", b"b9", b"c", 10) == ([], None)
    assert backend.table.scan(1, b"b", b"c", b"d", 10).rows == []


async def test_an_empty_commit_writes_nothing(backend: StreamingBackend) -> None:
    await backend.committer.commit(0, backend.committer.create_outbox(0), [])
    await backend.committer.commit(0, backend.committer.create_outbox(0), [(backend.table, {})])
    assert await backend.read_records(0) == []


async def test_only_a_record_that_is_too_large_is_rejected(backend: StreamingBackend) -> None:
    outbox = backend.committer.create_outbox(0)
    outbox.add(OUTPUT_TOPIC, 0, b"k", b"before")
    with pytest.raises(RecordTooLargeError):
        outbox.add(OUTPUT_TOPIC, 0, b"k", b"x" * (MAX_RECORD_BYTES + 1))
    outbox.add(OUTPUT_TOPIC, 0, b"k", b"after")
    await backend.committer.commit(0, outbox, [])
    assert [value for _, value, _ in await backend.read_records(0)] == [b"before", b"after"]


async def test_a_tombstone_and_an_empty_record_are_written(backend: StreamingBackend) -> None:
    outbox = backend.committer.create_outbox(0)
    outbox.add(OUTPUT_TOPIC, 0, b"k", None)
    outbox.add(OUTPUT_TOPIC, 0, None, None)
    await backend.committer.commit(0, outbox, [])
    assert await backend.read_records(0) == [(b"k", None, ()), (None, None, ())]


async def test_a_lost_partition_writes_nothing(backend: StreamingBackend) -> None:
    outbox = backend.committer.create_outbox(0)
    outbox.add(OUTPUT_TOPIC, 0, b"k", b"v")
    backend.lose_partition(0)
    with pytest.raises(PartitionFencedError):
        await backend.committer.commit(0, outbox, [(backend.table, {b"a": b"1"})])
    assert await backend.read_records(0) == []
    assert list(backend.table.get_many(0, [b"a"])) == [None]


async def test_the_shared_outbox_calls_back_after_the_commit(backend: StreamingBackend) -> None:
    called: list[str] = []
    backend.shared_outbox.add(OUTPUT_TOPIC, 0, b"k", b"v")
    backend.shared_outbox.stage_row(0, b"a", b"1")
    backend.shared_outbox.on_committed(0, lambda: called.append("first"))
    backend.shared_outbox.on_committed(0, lambda: called.append("second"))
    assert called == []
    await backend.wait_until_committed()
    assert called == ["first", "second"]
    assert list(backend.table.get_many(0, [b"a"])) == [b"1"]
    assert await backend.read_records(0) == [(b"k", b"v", ())]


async def test_the_later_of_two_rows_is_written(backend: StreamingBackend) -> None:
    backend.shared_outbox.stage_row(0, b"a", b"intent")
    backend.shared_outbox.stage_row(0, b"a", b"outcome")
    backend.shared_outbox.stage_row(1, b"a", b"other")
    await backend.wait_until_committed()
    assert list(backend.table.get_many(0, [b"a"])) == [b"outcome"]
    assert list(backend.table.get_many(1, [b"a"])) == [b"other"]


async def test_a_callback_without_work_is_called(backend: StreamingBackend) -> None:
    called: list[bool] = []
    backend.shared_outbox.on_committed(0, lambda: called.append(True))
    await backend.wait_until_committed()
    assert called == [True]


async def test_the_shared_outbox_drops_rows_and_callbacks_of_a_lost_partition_but_sends_outputs(backend: StreamingBackend) -> None:
    called: list[bool] = []
    backend.shared_outbox.add(OUTPUT_TOPIC, 0, b"k", b"v")
    backend.shared_outbox.stage_row(0, b"a", b"1")
    backend.shared_outbox.on_committed(0, lambda: called.append(True))
    backend.lose_partition(0)
    backend.shared_outbox.stage_row(0, b"b", b"2")
    await backend.wait_until_committed()
    assert called == []
    assert list(backend.table.get_many(0, [b"a", b"b"])) == [None, None]
    assert await backend.read_records(0) == [(b"k", b"v", ())]


async def test_rows_of_another_table_are_seen_at_once_and_written_by_the_commit(backend: StreamingBackend) -> None:
    outbox, table = backend.shared_outbox, backend.table
    outbox.add(OUTPUT_TOPIC, 0, b"k", b"v")
    for row in (b"1", None, b"2"):
        outbox.stage_row_of(table, 0, b"a", row)
        assert list(outbox.get_rows(table, 0, [b"a", b"b"])) == [row, None]
    outbox.stage_row_of(table, 0, b"b", b"3")
    assert list(outbox.get_rows(table, 1, [b"a"])) == [None]
    await backend.wait_until_committed()
    assert list(table.get_many(0, [b"a", b"b"])) == list(outbox.get_rows(table, 0, [b"a", b"b"])) == [b"2", b"3"]


async def test_rows_of_another_table_are_dropped_with_their_generation(backend: StreamingBackend) -> None:
    outbox, table = backend.shared_outbox, backend.table
    outbox.stage_row_of(table, 0, b"a", b"1")
    await backend.wait_until_committed()
    outbox.stage_row_of(table, 0, b"a", b"2")
    backend.lose_partition(0)
    await backend.wait_until_committed()
    assert list(outbox.get_rows(table, 0, [b"a"])) == [b"1"]
    outbox.stage_row_of(table, 0, b"a", b"3")
    await backend.wait_until_committed()
    assert list(outbox.get_rows(table, 0, [b"a"])) == list(table.get_many(0, [b"a"])) == [b"1"]
