"""One task commits groups in order; what is lost is dropped, what fails ends the process, and nothing is called too early."""

import asyncio
from collections.abc import Callable

import pytest
from aiokafka.errors import NotLeaderForPartitionError

from app.streaming.ownership import Ownership
from app.streaming.shared_outbox import GroupCommit
from schemas.errors import RecordTooLarge
from tests.unit.app.streaming.members import MembersTwin
from tests.unit.app.streaming.producer_twin import Line, ProducerTwin
from tests.unit.app.streaming.table_twin import BatchTableTwin

CHANGELOG = "attempts-changelog"


class World:
    def __init__(self, linger: float = 0.0, most: int = 1000) -> None:
        self.events: list[str] = []
        self.producer = ProducerTwin()
        self.producer.before_answer = lambda topic: self.events.append(f"acknowledged {topic}")
        self.members = MembersTwin()
        self.table = BatchTableTwin("attempts", self.events)
        self.failures: list[BaseException] = []
        self.failed = asyncio.Event()
        ownership = Ownership(self.members, session=15.0, now=lambda: 1.0)
        self.outbox = GroupCommit(
            lambda: self.producer, lambda topic: 1000, ownership, self.table, linger=linger, most=most, on_failure=self._fail
        )

    def _fail(self, error: BaseException) -> None:
        self.failures.append(error)
        self.failed.set()

    def work(self, name: str, partition: int = 0) -> asyncio.Event:
        """An output, a row and a callback; the event is set when it is safe."""
        self.outbox.add("status", partition, b"u", name.encode())
        self.outbox.put(partition, name.encode(), b"row")
        return self.marked(name)

    def marked(self, name: str) -> asyncio.Event:
        safe = asyncio.Event()

        def done() -> None:
            self.events.append(f"done {name}")
            safe.set()

        self.outbox.when_committed(done)
        return safe


@pytest.fixture
def world() -> World:
    return World()


async def test_outputs_then_rows_then_callbacks(world: World) -> None:
    await world.work("a").wait()
    assert world.events == ["acknowledged status", f"acknowledged {CHANGELOG}", "apply attempts 0", "done a"]
    assert world.producer.log[CHANGELOG, 0] == [Line(b"a", b"row")]


async def test_what_comes_together_is_one_group(world: World) -> None:
    first, second = world.work("a"), world.work("b", partition=1)
    await first.wait()
    await second.wait()
    assert world.producer.sends == [("status", 0), ("status", 1), (CHANGELOG, 0), (CHANGELOG, 1)]


async def test_what_comes_during_a_commit_is_the_next_group_in_order(world: World) -> None:
    world.producer.gate.clear()
    world.work("a")
    await _until(lambda: bool(world.producer.sends))
    last = world.work("b")
    world.producer.gate.set()
    await last.wait()
    assert [event for event in world.events if event.startswith(("apply", "done"))] == [
        "apply attempts 0",
        "done a",
        "apply attempts 0",
        "done b",
    ]
    assert world.table.offsets == {0: 1}


async def test_of_two_rows_with_one_key_the_later_stays(world: World) -> None:
    world.outbox.put(0, b"a", b"intent")
    world.outbox.put(0, b"a", b"outcome")
    await world.marked("a").wait()
    assert world.table.rows == {(0, b"a"): b"outcome"}


async def test_callbacks_alone_are_called(world: World) -> None:
    await world.marked("all of it already done").wait()
    assert world.producer.sends == []


async def test_outputs_without_rows_are_committed_in_one_step(world: World) -> None:
    world.outbox.add("status", 0, b"u", b"v")
    await world.marked("a").wait()
    assert world.events == ["acknowledged status", "done a"]


async def test_a_group_waits_for_company_but_not_beyond_its_size() -> None:
    world = World(linger=3600.0, most=4)
    world.work("a")
    assert world.producer.sends == []
    await world.work("b").wait()  # the fourth record or row makes the group whole
    assert world.producer.sends == [("status", 0), (CHANGELOG, 0)]


async def test_a_group_waits_no_longer_than_its_linger() -> None:
    world = World(linger=0.001, most=1000)
    await world.work("a").wait()


async def test_a_record_too_large_is_refused_alone(world: World) -> None:
    with pytest.raises(RecordTooLarge):
        world.outbox.add("status", 0, b"u", b"x" * 2000)
    await world.work("a").wait()
    assert world.producer.log["status", 0] == [Line(b"u", b"a")]


async def test_a_generation_that_ends_drops_rows_and_callbacks_but_tells_what_happened(world: World) -> None:
    lost = world.work("a")
    world.members.lose()
    await _until(lambda: bool(world.producer.log["status", 0]))
    world.members.current = world.members.coordinator
    await world.work("b").wait()
    assert not lost.is_set()
    assert [line.value for line in world.producer.log["status", 0]] == [b"a", b"b"]
    assert world.table.rows == {(0, b"b"): b"row"}


async def test_work_of_the_next_generation_drops_the_rows_that_wait_from_the_last() -> None:
    world = World(linger=3600.0, most=4)
    lost = world.work("a")
    world.members.current = world.members.coordinator = 8
    await world.work("b").wait()
    assert not lost.is_set()
    assert world.table.rows == {(0, b"b"): b"row"}
    assert [line.value for line in world.producer.log["status", 0]] == [b"a", b"b"]


async def test_a_generation_that_ends_during_the_commit_writes_no_row(world: World) -> None:
    world.producer.before_answer = lambda topic: world.members.lose() if topic == CHANGELOG else None
    lost = world.work("a")
    await _until(lambda: bool(world.producer.log[CHANGELOG, 0]))
    world.members.current = world.members.coordinator
    await world.marked("b").wait()
    assert not lost.is_set()
    assert world.table.rows == {}


async def test_a_row_of_a_partition_that_is_not_ours_is_dropped(world: World) -> None:
    world.members.partitions = {0}
    await world.work("a", partition=3).wait()
    assert world.table.rows == {}
    assert (CHANGELOG, 3) not in world.producer.sends


@pytest.mark.parametrize("fails", ["status", CHANGELOG])
async def test_a_failure_ends_the_process_and_calls_nothing(world: World, fails: str) -> None:
    def broken(topic: str) -> None:
        if topic == fails:
            raise NotLeaderForPartitionError

    world.producer.before_answer = broken
    safe = world.work("a")
    await world.failed.wait()
    assert isinstance(world.failures[0], NotLeaderForPartitionError)
    assert not safe.is_set()
    assert world.table.rows == {}


async def test_after_a_failure_nothing_more_is_committed(world: World) -> None:
    def broken(topic: str) -> None:
        raise NotLeaderForPartitionError

    world.producer.before_answer = broken
    world.work("a")
    await world.failed.wait()
    world.producer.before_answer = lambda topic: None
    world.work("b")
    await asyncio.sleep(0)
    assert world.producer.log == {}


async def test_a_callback_may_begin_the_next_group(world: World) -> None:
    safe = asyncio.Event()
    world.outbox.when_committed(lambda: world.outbox.when_committed(safe.set))
    await safe.wait()


async def test_it_is_crowded_while_its_size_is_not_safe() -> None:
    world = World(most=4)
    world.producer.gate.clear()
    world.work("a")
    assert not world.outbox.crowded
    await _until(lambda: bool(world.producer.sends))
    last = world.work("b")
    assert world.outbox.crowded, "two records and rows on their way, two that wait"
    world.producer.gate.set()
    await last.wait()
    assert not world.outbox.crowded


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)
