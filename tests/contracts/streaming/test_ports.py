"""Commit, shared outbox and table: one suite for the real ones and their twins in memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas.errors import PartitionLost, RecordTooLarge
from tests.contracts.streaming.worlds import LIMIT, OUT, MemoryWorld, World, kafka_world


@pytest.fixture(params=["memory", "kafka"])
async def world(request: pytest.FixtureRequest, prefix: str, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
        return
    async with kafka_world(request.getfixturevalue("kafka_url"), prefix, tmp_path / "data") as made:
        yield made


async def test_nothing_is_out_before_the_commit_and_all_is_in_order_after(world: World) -> None:
    outbox = world.commit.outbox(0)
    for number in range(3):
        outbox.add(OUT, 0, b"k", b"%d" % number, [("h", b"x")])
    assert await world.written(0) == []
    await world.commit.commit(0, outbox, [])
    assert await world.written(0) == [(b"k", b"%d" % number, (("h", b"x"),)) for number in range(3)]
    assert await world.written(1) == []


async def test_rows_are_there_after_the_commit_in_their_partition_only(world: World) -> None:
    assert list(world.table.get_many(0, [b"a"])) == [None]
    await world.commit.commit(0, world.commit.outbox(0), [(world.table, {b"a": b"1", b"b": b"2"})])
    assert list(world.table.get_many(0, [b"b", b"c", b"a"])) == [b"2", None, b"1"]
    assert list(world.table.get_many(1, [b"a"])) == [None]


async def test_a_row_of_none_removes_it(world: World) -> None:
    await world.commit.commit(0, world.commit.outbox(0), [(world.table, {b"a": b"1"})])
    await world.commit.commit(0, world.commit.outbox(0), [(world.table, {b"a": None})])
    assert list(world.table.get_many(0, [b"a"])) == [None]


async def test_a_commit_of_nothing_is_harmless(world: World) -> None:
    await world.commit.commit(0, world.commit.outbox(0), [])
    await world.commit.commit(0, world.commit.outbox(0), [(world.table, {})])
    assert await world.written(0) == []


async def test_a_record_too_large_is_refused_alone(world: World) -> None:
    outbox = world.commit.outbox(0)
    outbox.add(OUT, 0, b"k", b"before")
    with pytest.raises(RecordTooLarge):
        outbox.add(OUT, 0, b"k", b"x" * (LIMIT + 1))
    outbox.add(OUT, 0, b"k", b"after")
    await world.commit.commit(0, outbox, [])
    assert [value for _, value, _ in await world.written(0)] == [b"before", b"after"]


async def test_a_tombstone_and_a_record_of_nothing_pass(world: World) -> None:
    outbox = world.commit.outbox(0)
    outbox.add(OUT, 0, b"k", None)
    outbox.add(OUT, 0, None, None)
    await world.commit.commit(0, outbox, [])
    assert await world.written(0) == [(b"k", None, ()), (None, None, ())]


async def test_a_lost_partition_writes_nothing(world: World) -> None:
    outbox = world.commit.outbox(0)
    outbox.add(OUT, 0, b"k", b"v")
    world.lose(0)
    with pytest.raises(PartitionLost):
        await world.commit.commit(0, outbox, [(world.table, {b"a": b"1"})])
    assert await world.written(0) == []
    assert list(world.table.get_many(0, [b"a"])) == [None]


async def test_the_shared_outbox_calls_back_once_all_is_safe(world: World) -> None:
    safe: list[str] = []
    world.shared.add(OUT, 0, b"k", b"v")
    world.shared.put(0, b"a", b"1")
    world.shared.when_committed(lambda: safe.append("first"))
    world.shared.when_committed(lambda: safe.append("second"))
    assert safe == []
    await world.settle()
    assert safe == ["first", "second"]
    assert list(world.table.get_many(0, [b"a"])) == [b"1"]
    assert await world.written(0) == [(b"k", b"v", ())]


async def test_the_later_of_two_rows_stays(world: World) -> None:
    world.shared.put(0, b"a", b"intent")
    world.shared.put(0, b"a", b"outcome")
    world.shared.put(1, b"a", b"other")
    await world.settle()
    assert list(world.table.get_many(0, [b"a"])) == [b"outcome"]
    assert list(world.table.get_many(1, [b"a"])) == [b"other"]


async def test_a_callback_without_work_is_called(world: World) -> None:
    safe: list[bool] = []
    world.shared.when_committed(lambda: safe.append(True))
    await world.settle()
    assert safe == [True]


async def test_the_shared_outbox_drops_rows_and_callbacks_of_what_is_lost_but_tells_what_happened(world: World) -> None:
    safe: list[bool] = []
    world.shared.add(OUT, 0, b"k", b"v")
    world.shared.put(0, b"a", b"1")
    world.shared.when_committed(lambda: safe.append(True))
    world.lose(0)
    world.shared.put(0, b"b", b"2")
    await world.settle()
    assert safe == []
    assert list(world.table.get_many(0, [b"a", b"b"])) == [None, None]
    assert await world.written(0) == [(b"k", b"v", ())]
