"""Claims, outputs, rows, each by way of its changelog; and nothing more once the partition is another worker's."""

import pytest
from aiokafka.errors import NotLeaderForPartitionError

from app.streaming.commit import BatchCommit
from app.streaming.ownership import Ownership
from schemas.errors import PartitionLost
from tests.memory import MemoryKafka, MemoryOutbox, MemoryTable
from tests.unit.app.streaming.members import MembersTwin
from tests.unit.app.streaming.producer_twin import Line, ProducerTwin
from tests.unit.app.streaming.table_twin import BatchTableTwin


class World:
    def __init__(self) -> None:
        self.events: list[str] = []
        self.producer = ProducerTwin()
        self.producer.before_answer = lambda topic: self.events.append(f"acknowledged {topic}")
        self.members = MembersTwin()
        ownership = Ownership(self.members, session=15.0, now=lambda: 1.0)
        self.commit = BatchCommit(lambda: self.producer, lambda topic: 100_000, ownership)
        self.seen = BatchTableTwin("idempotency", self.events)
        self.windows = BatchTableTwin("rate_windows", self.events)

    async def finish(self, seen: dict[bytes, bytes | None], windows: dict[bytes, bytes | None]) -> None:
        outbox = self.commit.outbox()
        outbox.add("out", 1, b"k", b"v")
        await self.commit.commit(1, outbox, [(self.seen, seen), (self.windows, windows)])


@pytest.fixture
def world() -> World:
    return World()


async def test_the_order_is_outputs_changelogs_rows(world: World) -> None:
    await world.finish({b"a": b"1"}, {b"u": b"2"})
    assert world.events[0] == "acknowledged out"
    assert sorted(world.events[1:3]) == ["acknowledged idempotency-changelog", "acknowledged rate_windows-changelog"]
    assert world.events[3:] == ["apply idempotency 1", "apply rate_windows 1"]
    assert world.producer.log["idempotency-changelog", 1] == [Line(b"a", b"1")]
    assert world.seen.offsets == {1: 0}


async def test_claims_are_safe_before_the_outputs_are_out(world: World) -> None:
    outbox = world.commit.outbox()
    outbox.add("out", 1, b"k", b"v")
    await world.commit.commit(1, outbox, [(world.seen, {b"a": b"1"})], [(world.windows, {b"u": b"2"}), (world.seen, {b"a claim": b"1"})])
    assert sorted(world.events[:2]) == ["acknowledged idempotency-changelog", "acknowledged rate_windows-changelog"]
    assert sorted(world.events[2:4]) == ["apply idempotency 1", "apply rate_windows 1"]
    assert world.events[4:] == ["acknowledged out", "acknowledged idempotency-changelog", "apply idempotency 1"]
    assert world.producer.log["idempotency-changelog", 1] == [Line(b"a claim", b"1"), Line(b"a", b"1")]


async def test_a_partition_lost_with_its_claims_sends_no_outputs(world: World) -> None:
    world.producer.before_answer = lambda topic: world.members.lose()
    outbox = world.commit.outbox()
    outbox.add("out", 1, b"k", b"v")
    with pytest.raises(PartitionLost):
        await world.commit.commit(1, outbox, [], [(world.windows, {b"u": b"2"})])
    assert [topic for topic, _ in world.producer.sends] == ["rate_windows-changelog"]
    assert world.windows.rows == {}


async def test_a_removed_row_is_a_tombstone(world: World) -> None:
    await world.finish({b"a": None}, {})
    assert world.producer.log["idempotency-changelog", 1] == [Line(b"a", None)]
    assert world.seen.rows == {(1, b"a"): None}


async def test_a_batch_without_changed_rows_only_sends_its_outputs(world: World) -> None:
    await world.finish({}, {})
    assert world.events == ["acknowledged out"]


async def test_a_batch_of_which_all_was_done_already_writes_nothing(world: World) -> None:
    await world.commit.commit(1, world.commit.outbox(), [(world.seen, {})])
    await world.commit.commit(1, world.commit.outbox(), [])
    assert world.producer.sends == []
    assert world.events == []


async def test_a_partition_lost_before_the_commit_sends_nothing(world: World) -> None:
    outbox = world.commit.outbox()
    outbox.add("out", 1, b"k", b"v")
    world.members.lose()
    with pytest.raises(PartitionLost):
        await world.commit.commit(1, outbox, [(world.seen, {b"a": b"1"})])
    assert world.producer.sends == []


async def test_an_outbox_of_an_earlier_generation_sends_nothing(world: World) -> None:
    outbox = world.commit.outbox()
    outbox.add("out", 1, b"k", b"v")
    world.members.current = world.members.coordinator = 8
    with pytest.raises(PartitionLost):
        await world.commit.commit(1, outbox, [])
    assert world.producer.sends == []


@pytest.mark.parametrize(("lost_at", "sent"), [("out", ["out"]), ("idempotency-changelog", ["out", "idempotency-changelog"])])
async def test_a_partition_lost_between_two_steps_takes_no_further_step(world: World, lost_at: str, sent: list[str]) -> None:
    world.producer.before_answer = lambda topic: world.members.lose() if topic == lost_at else None
    with pytest.raises(PartitionLost):
        await world.finish({b"a": b"1"}, {})
    assert [topic for topic, _ in world.producer.sends] == sent
    assert world.seen.rows == {}


@pytest.mark.parametrize("fails", ["out", "idempotency-changelog"])
async def test_an_error_of_kafka_is_raised_and_no_row_is_written(world: World, fails: str) -> None:
    def broken(topic: str) -> None:
        if topic == fails:
            raise NotLeaderForPartitionError

    world.producer.before_answer = broken
    with pytest.raises(NotLeaderForPartitionError):
        await world.finish({b"a": b"1"}, {b"u": b"2"})
    assert world.seen.rows == {}
    assert world.windows.rows == {}


async def test_what_it_did_not_make_is_refused(world: World) -> None:
    with pytest.raises(TypeError, match="an outbox that it made itself"):
        await world.commit.commit(1, MemoryOutbox(MemoryKafka()), [])
    with pytest.raises(TypeError, match="table plain cannot be written"):
        await world.commit.commit(1, world.commit.outbox(), [(MemoryTable("plain"), {b"a": b"1"})])
