"""One task commits groups in order; what is lost is dropped, what fails ends the process, and nothing is called too early."""

import asyncio
from collections.abc import Callable

import pytest
from aiokafka.errors import NotLeaderForPartitionError

from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.shared_outbox import GroupCommitOutbox
from schemas.errors import RecordTooLargeError
from tests.unit.app.streaming.fake_membership import FakeMembership
from tests.unit.app.streaming.fake_producer import FakeBatchProducer, TopicRecord
from tests.unit.app.streaming.fake_table import FakeBatchTable

CHANGELOG = "attempts-changelog"


class SharedOutboxHarness:
    def __init__(self, linger: float = 0.0, max_records: int = 1000) -> None:
        self.events: list[str] = []
        self.producer = FakeBatchProducer()
        self.producer.before_ack = lambda topic: self.events.append(f"acknowledged {topic}")
        self.membership = FakeMembership()
        self.table = FakeBatchTable("attempts", self.events)
        self.failures: list[BaseException] = []
        self.failed = asyncio.Event()
        ownership = GenerationFence(self.membership, session_timeout=15.0, monotonic=lambda: 1.0)
        self.outbox = GroupCommitOutbox(
            lambda: self.producer,
            lambda topic: 1000,
            ownership,
            self.table,
            linger=linger,
            max_records=max_records,
            on_failure=self._record_failure,
        )

    def _record_failure(self, error: BaseException) -> None:
        self.failures.append(error)
        self.failed.set()

    def add_work(self, name: str, partition: int = 0) -> asyncio.Event:
        """An output, a row and a callback; the event is set when it is safe."""
        self.outbox.add("status", partition, b"u", name.encode())
        self.outbox.stage_row(partition, name.encode(), b"row")
        return self.add_callback(name)

    def add_callback(self, name: str) -> asyncio.Event:
        safe = asyncio.Event()

        def mark_committed() -> None:
            self.events.append(f"done {name}")
            safe.set()

        self.outbox.on_committed(mark_committed)
        return safe


@pytest.fixture
def harness() -> SharedOutboxHarness:
    return SharedOutboxHarness()


async def test_outputs_then_rows_then_callbacks(harness: SharedOutboxHarness) -> None:
    await harness.add_work("a").wait()
    assert harness.events == ["acknowledged status", f"acknowledged {CHANGELOG}", "apply attempts 0", "done a"]
    assert harness.producer.log[CHANGELOG, 0] == [TopicRecord(b"a", b"row")]


async def test_what_comes_together_is_one_group(harness: SharedOutboxHarness) -> None:
    first, second = harness.add_work("a"), harness.add_work("b", partition=1)
    await first.wait()
    await second.wait()
    assert harness.producer.sends == [("status", 0), ("status", 1), (CHANGELOG, 0), (CHANGELOG, 1)]


async def test_what_comes_during_a_commit_is_the_next_group_in_order(harness: SharedOutboxHarness) -> None:
    harness.producer.acks_allowed.clear()
    harness.add_work("a")
    await _wait_until(lambda: bool(harness.producer.sends))
    last = harness.add_work("b")
    harness.producer.acks_allowed.set()
    await last.wait()
    assert [event for event in harness.events if event.startswith(("apply", "done"))] == [
        "apply attempts 0",
        "done a",
        "apply attempts 0",
        "done b",
    ]
    assert harness.table.offsets == {0: 1}


async def test_of_two_rows_with_one_key_the_later_stays(harness: SharedOutboxHarness) -> None:
    harness.outbox.stage_row(0, b"a", b"intent")
    harness.outbox.stage_row(0, b"a", b"outcome")
    await harness.add_callback("a").wait()
    assert harness.table.rows == {(0, b"a"): b"outcome"}


async def test_callbacks_alone_are_called(harness: SharedOutboxHarness) -> None:
    await harness.add_callback("all of it already done").wait()
    assert harness.producer.sends == []


async def test_outputs_without_rows_are_committed_in_one_step(harness: SharedOutboxHarness) -> None:
    harness.outbox.add("status", 0, b"u", b"v")
    await harness.add_callback("a").wait()
    assert harness.events == ["acknowledged status", "done a"]


async def test_a_group_waits_for_company_but_not_beyond_its_size() -> None:
    world = SharedOutboxHarness(linger=3600.0, max_records=4)
    world.add_work("a")
    assert world.producer.sends == []
    await world.add_work("b").wait()  # the fourth record or row makes the group whole
    assert world.producer.sends == [("status", 0), (CHANGELOG, 0)]


async def test_a_group_waits_no_longer_than_its_linger() -> None:
    world = SharedOutboxHarness(linger=0.001, max_records=1000)
    await world.add_work("a").wait()


async def test_a_record_too_large_is_refused_alone(harness: SharedOutboxHarness) -> None:
    with pytest.raises(RecordTooLargeError):
        harness.outbox.add("status", 0, b"u", b"x" * 2000)
    await harness.add_work("a").wait()
    assert harness.producer.log["status", 0] == [TopicRecord(b"u", b"a")]


async def test_a_generation_that_ends_drops_rows_and_callbacks_but_tells_what_happened(harness: SharedOutboxHarness) -> None:
    lost = harness.add_work("a")
    harness.membership.lose_membership()
    await _wait_until(lambda: bool(harness.producer.log["status", 0]))
    harness.membership.current_generation = harness.membership.confirmed_generation
    await harness.add_work("b").wait()
    assert not lost.is_set()
    assert [line.value for line in harness.producer.log["status", 0]] == [b"a", b"b"]
    assert harness.table.rows == {(0, b"b"): b"row"}


async def test_work_of_the_next_generation_drops_the_rows_that_wait_from_the_last() -> None:
    world = SharedOutboxHarness(linger=3600.0, max_records=4)
    lost = world.add_work("a")
    world.membership.current_generation = world.membership.confirmed_generation = 8
    await world.add_work("b").wait()
    assert not lost.is_set()
    assert world.table.rows == {(0, b"b"): b"row"}
    assert [line.value for line in world.producer.log["status", 0]] == [b"a", b"b"]


async def test_a_generation_that_ends_during_the_commit_writes_no_row(harness: SharedOutboxHarness) -> None:
    harness.producer.before_ack = lambda topic: harness.membership.lose_membership() if topic == CHANGELOG else None
    lost = harness.add_work("a")
    await _wait_until(lambda: bool(harness.producer.log[CHANGELOG, 0]))
    harness.membership.current_generation = harness.membership.confirmed_generation
    await harness.add_callback("b").wait()
    assert not lost.is_set()
    assert harness.table.rows == {}


async def test_a_row_of_a_partition_that_is_not_ours_is_dropped(harness: SharedOutboxHarness) -> None:
    harness.membership.partitions = {0}
    await harness.add_work("a", partition=3).wait()
    assert harness.table.rows == {}
    assert (CHANGELOG, 3) not in harness.producer.sends


@pytest.mark.parametrize("fails", ["status", CHANGELOG])
async def test_a_failure_ends_the_process_and_calls_nothing(harness: SharedOutboxHarness, fails: str) -> None:
    def fail_topic(topic: str) -> None:
        if topic == fails:
            raise NotLeaderForPartitionError

    harness.producer.before_ack = fail_topic
    safe = harness.add_work("a")
    await harness.failed.wait()
    assert isinstance(harness.failures[0], NotLeaderForPartitionError)
    assert not safe.is_set()
    assert harness.table.rows == {}


async def test_after_a_failure_nothing_more_is_committed(harness: SharedOutboxHarness) -> None:
    def fail_topic(topic: str) -> None:
        raise NotLeaderForPartitionError

    harness.producer.before_ack = fail_topic
    harness.add_work("a")
    await harness.failed.wait()
    harness.producer.before_ack = lambda topic: None
    harness.add_work("b")
    await asyncio.sleep(0)
    assert harness.producer.log == {}


async def test_a_callback_may_begin_the_next_group(harness: SharedOutboxHarness) -> None:
    safe = asyncio.Event()
    harness.outbox.on_committed(lambda: harness.outbox.on_committed(safe.set))
    await safe.wait()


async def test_it_is_crowded_while_its_size_is_not_safe() -> None:
    world = SharedOutboxHarness(max_records=4)
    world.producer.acks_allowed.clear()
    world.add_work("a")
    assert not world.outbox.is_full
    await _wait_until(lambda: bool(world.producer.sends))
    last = world.add_work("b")
    assert world.outbox.is_full, "two records and rows on their way, two that wait"
    world.producer.acks_allowed.set()
    await last.wait()
    assert not world.outbox.is_full


async def _wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)
