"""Claims, outputs, rows, each by way of its changelog; batch behind batch; and nothing more once the partition is another worker's."""

import asyncio

import pytest
from aiokafka.errors import NotLeaderForPartitionError

from app.streaming.commit import BatchCommit
from app.streaming.ownership import Ownership
from schemas.errors import PartitionLost
from schemas.ports import Rows
from tests.memory import MemoryKafka, MemoryOutbox, MemoryTable
from tests.unit.app.streaming.members import MembersTwin
from tests.unit.app.streaming.producer_twin import Line, ProducerTwin
from tests.unit.app.streaming.table_twin import BatchTableTwin

SEEN, WINDOWS = "idempotency-changelog", "rate_windows-changelog"


class World:
    def __init__(self, linger: float = 0.0) -> None:
        self.events: list[str] = []
        self.failures: list[BaseException] = []
        self.producer = ProducerTwin()
        self.producer.before_answer = lambda topic: self.events.append(f"acknowledged {topic}")
        self.members = MembersTwin()
        ownership = Ownership(self.members, session=15.0, now=lambda: 1.0)
        self.commit = BatchCommit(lambda: self.producer, lambda topic: 100_000, ownership, linger=linger, on_failure=self.failures.append)
        self.seen = BatchTableTwin("idempotency", self.events)
        self.windows = BatchTableTwin("rate_windows", self.events)

    def finish(self, output: bytes, rows: Rows, claims: Rows | None = None, partition: int = 1) -> asyncio.Future[None]:
        """Begin to finish a batch with one output, rows of idempotency and claims in rate_windows."""
        outbox = self.commit.outbox(partition)
        outbox.add("out", partition, b"k", output)
        return self.commit.commit(partition, outbox, [(self.seen, rows)], [(self.windows, claims or {})])

    @property
    def out(self) -> list[bytes | None]:
        return [line.value for line in self.producer.log["out", 1]]

    async def until_rows_wait(self) -> None:
        """Wait until the outputs of the first batch are out, and its rows wait for company."""
        await self.until(1)
        while not self.events:
            await asyncio.sleep(0)

    async def until(self, sends: int) -> None:
        """Until so many batches were given to the producer."""
        while len(self.producer.sends) < sends:
            await asyncio.sleep(0)


@pytest.fixture
def world() -> World:
    return World()


async def test_the_order_is_claims_outputs_rows(world: World) -> None:
    await world.finish(b"v", {b"a": b"1"}, {b"u": b"2"})
    assert world.events == [
        f"acknowledged {WINDOWS}",
        "apply rate_windows 1",
        "acknowledged out",
        f"acknowledged {SEEN}",
        "apply idempotency 1",
    ]
    assert world.producer.log[SEEN, 1] == [Line(b"a", b"1")]
    assert world.seen.offsets == {1: 0}


async def test_rows_and_claims_of_one_table_go_their_own_ways(world: World) -> None:
    outbox = world.commit.outbox(1)
    await world.commit.commit(1, outbox, [(world.seen, {b"a": b"1"})], [(world.seen, {b"a claim": b"1"})])
    assert world.producer.log[SEEN, 1] == [Line(b"a claim", b"1"), Line(b"a", b"1")]


async def test_a_batch_without_claims_sends_its_outputs_at_once(world: World) -> None:
    await world.finish(b"v", {b"a": b"1"})
    assert [topic for topic, _ in world.producer.sends] == ["out", SEEN]


async def test_a_batch_without_changed_rows_only_sends_its_outputs(world: World) -> None:
    await world.finish(b"v", {})
    assert world.events == ["acknowledged out"]


async def test_a_batch_with_nothing_at_all_writes_nothing(world: World) -> None:
    await world.commit.commit(1, world.commit.outbox(1), [(world.seen, {})])
    await world.commit.commit(1, world.commit.outbox(1), [])
    assert world.producer.sends == []
    assert world.events == []


async def test_a_removed_row_is_a_tombstone(world: World) -> None:
    await world.finish(b"v", {b"a": None})
    assert world.producer.log[SEEN, 1] == [Line(b"a", None)]
    assert world.seen.rows == {(1, b"a"): None}


async def test_tables_show_at_once_what_is_decided(world: World) -> None:
    safe = world.finish(b"v", {b"a": b"1"}, {b"u": b"2"})
    assert (world.seen.get_many(1, [b"a"]), world.windows.get_many(1, [b"u"])) == ([b"1"], [b"2"])
    assert (world.seen.get_many(0, [b"a"]), world.producer.sends) == ([None], [])
    await safe
    assert world.seen.get_many(1, [b"a"]) == [b"1"]
    assert world.seen.expected.still(1, {b"a": b"1"}) == {}  # it has arrived


async def test_batches_decided_meanwhile_go_together_one_stage_behind(world: World) -> None:
    first = world.finish(b"1", {b"a": b"1"}, {b"u": b"1"})
    world.producer.gate.clear()
    await world.until(1)
    both = [world.finish(b"2", {b"b": b"1"}, {b"u": b"2"}), world.finish(b"3", {b"c": b"1"}, {b"u": b"3"})]
    world.producer.gate.set()
    await asyncio.gather(first, *both)
    topics = [topic for topic, _ in world.producer.sends]
    assert topics == [WINDOWS, "out", WINDOWS, "out", SEEN, SEEN]  # four rounds: claims, outputs with claims, rows with outputs, rows
    assert world.producer.log[WINDOWS, 1] == [Line(b"u", b"1"), Line(b"u", b"3")]
    assert world.out == [b"1", b"2", b"3"]
    assert world.windows.rows == {(1, b"u"): b"3"}


async def test_outputs_wait_for_the_claims_that_they_were_decided_on(world: World) -> None:
    world.producer.gate.clear()
    first = world.finish(b"1", {}, {b"u": b"1"})
    await world.until(1)
    second = world.finish(b"2", {})
    await asyncio.sleep(0)
    assert [topic for topic, _ in world.producer.sends] == [WINDOWS]
    world.producer.gate.set()
    await asyncio.gather(first, second)
    assert world.out == [b"1", b"2"]


async def test_batches_are_safe_in_their_order(world: World) -> None:
    order: list[int] = []
    futures = [world.finish(b"v", {b"%d" % number: b"1"}, {b"u": b"1"} if number % 2 else {}) for number in range(4)]
    for number, safe in enumerate(futures):
        safe.add_done_callback(lambda _, number=number: order.append(number))  # type: ignore[misc]
        await asyncio.sleep(0)
    await asyncio.gather(*futures)
    assert order == [0, 1, 2, 3]


async def test_partitions_do_not_wait_for_each_other(world: World) -> None:
    stuck: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    send = world.producer.send_batch

    async def one_is_stuck(builder: object, topic: str, *, partition: int) -> asyncio.Future[object]:
        if partition == 0:
            await stuck
        return await send(builder, topic, partition=partition)  # type: ignore[return-value]

    world.producer.send_batch = one_is_stuck  # type: ignore[method-assign, assignment]
    waits = world.finish(b"v", {b"a": b"1"}, partition=0)
    await world.finish(b"v", {b"a": b"1"}, partition=1)
    assert not waits.done()
    stuck.set_result(None)
    await waits


async def test_rows_wait_for_the_next_batch_and_go_with_it() -> None:
    world = World(linger=3600.0)
    first = world.finish(b"1", {b"a": b"1"})
    await world.until_rows_wait()
    second = world.finish(b"2", {})
    await first
    assert [topic for topic, _ in world.producer.sends] == ["out", "out", SEEN]
    third = world.finish(b"3", {})
    await second
    assert not third.done()  # its outputs are out, and it waits for company: nobody comes
    world.commit._lines[1]._news.set()
    await third


async def test_rows_go_alone_when_nobody_comes() -> None:
    world = World(linger=0.001)
    await world.finish(b"1", {b"a": b"1"})
    assert world.seen.rows == {(1, b"a"): b"1"}


async def test_a_row_overtaken_by_a_claim_is_not_written_over_it(world: World) -> None:
    world.producer.gate.clear()
    first = world.finish(b"1", {b"a": b"old"})
    await world.until(1)
    outbox = world.commit.outbox(1)
    second = world.commit.commit(1, outbox, [], [(world.seen, {b"a": b"new"})])
    world.producer.gate.set()
    await asyncio.gather(first, second)
    assert world.seen.rows == {(1, b"a"): b"new"}
    assert world.producer.log[SEEN, 1][-1] == Line(b"a", b"new")


@pytest.mark.parametrize("claims", [{}, {b"u": b"2"}])
async def test_a_partition_lost_before_the_commit_sends_nothing(world: World, claims: Rows) -> None:
    world.commit.outbox(1)
    world.members.lose()
    with pytest.raises(PartitionLost):
        await world.finish(b"v", {b"a": b"1"}, claims)
    assert world.producer.sends == []
    assert world.seen.get_many(1, [b"a"]) == [None]


async def test_what_an_earlier_generation_decided_is_lost_when_the_next_one_begins(world: World) -> None:
    world.producer.gate.clear()
    on_its_way, behind = world.finish(b"1", {b"a": b"1"}, {b"u": b"1"}), world.finish(b"2", {b"b": b"1"})
    await world.until(1)
    late = world.finish(b"3", {b"c": b"1"})
    world.members.current = world.members.coordinator = 8
    new = world.finish(b"4", {b"d": b"1"})
    assert world.seen.get_many(1, [b"a", b"b", b"c", b"d"]) == [None, None, None, b"1"]
    world.producer.gate.set()
    await new
    assert [type(one.exception()) for one in (on_its_way, behind, late)] == [PartitionLost] * 3
    assert world.out == [b"4"]
    assert (world.seen.rows, world.windows.rows) == ({(1, b"d"): b"1"}, {})
    assert world.failures == []


LOST_AT = [(WINDOWS, [WINDOWS]), ("out", [WINDOWS, "out"]), (SEEN, [WINDOWS, "out", SEEN])]


@pytest.mark.parametrize(("lost_at", "sent"), LOST_AT)
async def test_a_partition_lost_between_two_steps_takes_no_further_step(world: World, lost_at: str, sent: list[str]) -> None:
    world.producer.before_answer = lambda topic: world.members.lose() if topic == lost_at else None
    with pytest.raises(PartitionLost):
        await world.finish(b"v", {b"a": b"1"}, {b"u": b"2"})
    assert [topic for topic, _ in world.producer.sends] == sent
    assert world.seen.rows == {}
    assert world.seen.get_many(1, [b"a"]) == [None]
    assert world.failures == []


@pytest.mark.parametrize("fails", [WINDOWS, "out", SEEN])
async def test_an_error_of_kafka_is_raised_told_and_no_row_is_written(world: World, fails: str, caplog: pytest.LogCaptureFixture) -> None:
    def broken(topic: str) -> None:
        if topic == fails:
            raise NotLeaderForPartitionError

    world.producer.before_answer = broken
    with pytest.raises(NotLeaderForPartitionError):
        await world.finish(b"v", {b"a": b"1"}, {b"u": b"2"})
    assert world.seen.rows == {}
    assert [type(error) for error in world.failures] == [NotLeaderForPartitionError]
    assert "a commit of partition 1 failed" in caplog.text
    assert "NotLeaderForPartitionError" in caplog.text


async def test_what_it_did_not_give_is_refused(world: World) -> None:
    with pytest.raises(RuntimeError, match="an outbox that it has just given"):
        world.commit.commit(1, MemoryOutbox(MemoryKafka()), [])
    with pytest.raises(TypeError, match="table plain cannot be written"):
        world.commit.commit(1, world.commit.outbox(1), [(MemoryTable("plain"), {b"a": b"1"})])


async def test_an_outbox_that_was_closed_meanwhile_is_refused(world: World) -> None:
    outbox = world.commit.outbox(1)
    await world.finish(b"v", {})
    with pytest.raises(RuntimeError, match="nothing may be awaited in between"):
        world.commit.commit(1, outbox, [])


async def test_a_batch_left_half_decided_is_never_sent(world: World) -> None:
    safe = world.finish(b"v", {b"a": b"1"})
    world.commit.outbox(1).add("out", 1, b"k", b"half")
    with pytest.raises(RuntimeError, match="partition 1 was left half decided"):
        world.commit.outbox(1)
    await asyncio.sleep(0.01)
    assert world.producer.sends == []
    assert not safe.done()


async def test_what_is_lost_while_its_rows_wait_for_company_ends_there() -> None:
    world = World(linger=3600.0)
    lost = world.finish(b"1", {b"a": b"1"})
    await world.until_rows_wait()
    await asyncio.sleep(0)
    world.members.current = world.members.coordinator = 8
    world.commit.outbox(1)  # of a batch that has nothing to say
    world.commit._lines[1]._news.set()
    with pytest.raises(PartitionLost):
        await lost
    await asyncio.sleep(0)
    assert world.failures == []
    assert world.commit._lines[1]._task is None
