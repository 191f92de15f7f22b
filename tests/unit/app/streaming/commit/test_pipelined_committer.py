"""Claims, outputs and rows are written in this order, batch after batch, and nothing is written once the partition is fenced."""

import asyncio

import pytest
from aiokafka.errors import NotLeaderForPartitionError

from app.streaming.commit.committers import CommitEngine, PipelinedCommitter
from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.pipeline import PipelinePolicy
from schemas.errors import PartitionFencedError
from schemas.ports import TableRows
from tests.fakes import TopicRecord
from tests.memory_streaming import MemoryKafka, MemoryOutbox, MemoryTable
from tests.unit.app.streaming.fake_membership import FakeMembership
from tests.unit.app.streaming.fake_producer import FakeBatchProducer
from tests.unit.app.streaming.fake_table import FakeBatchTable
from tests.unit.app.streaming.waiting import wait_until

IDEMPOTENCY_CHANGELOG, RATE_WINDOWS_CHANGELOG = "idempotency-changelog", "rate_windows-changelog"


class CommitHarness:
    def __init__(self, linger: float = 0.0) -> None:
        self.events: list[str] = []
        self.failures: list[BaseException] = []
        self.producer = FakeBatchProducer()
        self.producer.before_ack = lambda topic: self.events.append(f"acknowledged {topic}")
        self.membership = FakeMembership()
        fence = GenerationFence(lambda: self.membership, session_timeout=15.0, monotonic=lambda: 1.0)
        self.engine = CommitEngine(lambda: self.producer, lambda topic: 100_000, fence, PipelinePolicy(linger), self.failures.append)
        self.committer = PipelinedCommitter(self.engine)
        self.idempotency = FakeBatchTable("idempotency", self.events)
        self.rate_windows = FakeBatchTable("rate_windows", self.events)

    def commit_batch(self, output: bytes, rows: TableRows, claims: TableRows | None = None, partition: int = 1) -> asyncio.Future[None]:
        """Commit a batch with one output, rows in idempotency and claims in rate_windows."""
        outbox = self.committer.create_outbox(partition)
        outbox.add("out", partition, b"k", output)
        return self.committer.commit(partition, outbox, [(self.idempotency, rows)], [(self.rate_windows, claims or {})])

    @property
    def outputs(self) -> list[bytes | None]:
        return [record.value for record in self.producer.log["out", 1]]

    async def wait_until_rows_linger(self) -> None:
        """Wait until the outputs of the first batch are acknowledged and its rows linger."""
        await self.wait_until_sent(1)
        await wait_until(lambda: bool(self.events))

    async def wait_until_sent(self, sends: int) -> None:
        """Wait until the producer has so many batches."""
        await wait_until(lambda: len(self.producer.sends) >= sends)


@pytest.fixture
def harness() -> CommitHarness:
    return CommitHarness()


async def test_the_order_is_claims_outputs_rows(harness: CommitHarness) -> None:
    await harness.commit_batch(b"v", {b"a": b"1"}, {b"u": b"2"})
    assert harness.events == [
        f"acknowledged {RATE_WINDOWS_CHANGELOG}",
        "apply rate_windows 1",
        "acknowledged out",
        f"acknowledged {IDEMPOTENCY_CHANGELOG}",
        "apply idempotency 1",
    ]
    assert harness.producer.log[IDEMPOTENCY_CHANGELOG, 1] == [TopicRecord(b"a", b"1")]
    assert harness.idempotency.offsets == {1: 0}


async def test_rows_and_claims_of_one_table_are_written_separately(harness: CommitHarness) -> None:
    outbox = harness.committer.create_outbox(1)
    await harness.committer.commit(1, outbox, [(harness.idempotency, {b"a": b"1"})], [(harness.idempotency, {b"a claim": b"1"})])
    assert harness.producer.log[IDEMPOTENCY_CHANGELOG, 1] == [TopicRecord(b"a claim", b"1"), TopicRecord(b"a", b"1")]


async def test_a_row_of_a_batch_is_written_after_its_claim_of_the_same_key(harness: CommitHarness) -> None:
    outbox = harness.committer.create_outbox(1)
    await harness.committer.commit(1, outbox, [(harness.idempotency, {b"a": None})], [(harness.idempotency, {b"a": b"claim"})])
    assert harness.producer.log[IDEMPOTENCY_CHANGELOG, 1] == [TopicRecord(b"a", b"claim"), TopicRecord(b"a", None)]
    assert harness.idempotency.get_many(1, [b"a"]) == [None]


async def test_a_batch_without_claims_sends_its_outputs_first(harness: CommitHarness) -> None:
    await harness.commit_batch(b"v", {b"a": b"1"})
    assert [topic for topic, _ in harness.producer.sends] == ["out", IDEMPOTENCY_CHANGELOG]


async def test_a_batch_without_rows_sends_only_its_outputs(harness: CommitHarness) -> None:
    await harness.commit_batch(b"v", {})
    assert harness.events == ["acknowledged out"]


async def test_an_empty_batch_writes_nothing(harness: CommitHarness) -> None:
    await harness.committer.commit(1, harness.committer.create_outbox(1), [(harness.idempotency, {})])
    await harness.committer.commit(1, harness.committer.create_outbox(1), [])
    assert harness.producer.sends == []
    assert harness.events == []


async def test_a_removed_row_is_a_tombstone(harness: CommitHarness) -> None:
    await harness.commit_batch(b"v", {b"a": None})
    assert harness.producer.log[IDEMPOTENCY_CHANGELOG, 1] == [TopicRecord(b"a", None)]
    assert harness.idempotency.rows == {(1, b"a"): None}


async def test_decided_rows_can_be_read_at_once(harness: CommitHarness) -> None:
    committed = harness.commit_batch(b"v", {b"a": b"1"}, {b"u": b"2"})
    assert (harness.idempotency.get_many(1, [b"a"]), harness.rate_windows.get_many(1, [b"u"])) == ([b"1"], [b"2"])
    assert (harness.idempotency.get_many(0, [b"a"]), harness.producer.sends) == ([None], [])
    await committed
    assert harness.idempotency.get_many(1, [b"a"]) == [b"1"]
    assert harness.idempotency.pending_rows.overlay(1, [b"a"], [None]) == [None]  # no longer pending


async def test_batches_submitted_during_a_round_form_the_next_group(harness: CommitHarness) -> None:
    first = harness.commit_batch(b"1", {b"a": b"1"}, {b"u": b"1"})
    harness.producer.acks_allowed.clear()
    await harness.wait_until_sent(1)
    both = [harness.commit_batch(b"2", {b"b": b"1"}, {b"u": b"2"}), harness.commit_batch(b"3", {b"c": b"1"}, {b"u": b"3"})]
    harness.producer.acks_allowed.set()
    await asyncio.gather(first, *both)
    topics = [topic for topic, _ in harness.producer.sends]
    assert topics == [
        RATE_WINDOWS_CHANGELOG,
        "out",
        RATE_WINDOWS_CHANGELOG,
        "out",
        IDEMPOTENCY_CHANGELOG,
        IDEMPOTENCY_CHANGELOG,
    ]  # four rounds: claims, outputs with claims, rows with outputs, rows
    assert harness.producer.log[RATE_WINDOWS_CHANGELOG, 1] == [TopicRecord(b"u", b"1"), TopicRecord(b"u", b"3")]
    assert harness.outputs == [b"1", b"2", b"3"]
    assert harness.rate_windows.rows == {(1, b"u"): b"3"}


async def test_outputs_are_sent_after_the_claims_of_earlier_batches(harness: CommitHarness) -> None:
    harness.producer.acks_allowed.clear()
    first = harness.commit_batch(b"1", {}, {b"u": b"1"})
    await harness.wait_until_sent(1)
    second = harness.commit_batch(b"2", {})
    await asyncio.sleep(0)
    assert [topic for topic, _ in harness.producer.sends] == [RATE_WINDOWS_CHANGELOG]
    harness.producer.acks_allowed.set()
    await asyncio.gather(first, second)
    assert harness.outputs == [b"1", b"2"]


async def test_batches_are_committed_in_order(harness: CommitHarness) -> None:
    order: list[int] = []
    futures = [harness.commit_batch(b"v", {b"%d" % number: b"1"}, {b"u": b"1"} if number % 2 else {}) for number in range(4)]
    for number, future in enumerate(futures):
        future.add_done_callback(lambda _, number=number: order.append(number))  # type: ignore[misc]
        await asyncio.sleep(0)
    await asyncio.gather(*futures)
    assert order == [0, 1, 2, 3]


async def test_partitions_do_not_wait_for_each_other(harness: CommitHarness) -> None:
    unblocked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    send = harness.producer.send_batch

    async def send_or_block(builder: object, topic: str, *, partition: int) -> asyncio.Future[object]:
        if partition == 0:
            await unblocked
        return await send(builder, topic, partition=partition)  # type: ignore[return-value]

    harness.producer.send_batch = send_or_block  # type: ignore[method-assign, assignment]
    blocked = harness.commit_batch(b"v", {b"a": b"1"}, partition=0)
    await harness.commit_batch(b"v", {b"a": b"1"}, partition=1)
    assert not blocked.done()
    unblocked.set_result(None)
    await blocked


async def test_rows_wait_for_the_next_batch_and_are_written_with_it() -> None:
    harness = CommitHarness(linger=3600.0)
    first = harness.commit_batch(b"1", {b"a": b"1"})
    await harness.wait_until_rows_linger()
    second = harness.commit_batch(b"2", {})
    await first
    assert [topic for topic, _ in harness.producer.sends] == ["out", "out", IDEMPOTENCY_CHANGELOG]
    third = harness.commit_batch(b"3", {})
    await second
    assert not third.done()  # its outputs are acknowledged and its rows linger
    harness.engine.get_pipeline(1)._rows_are_due.set()
    await third


async def test_rows_are_written_alone_after_the_linger() -> None:
    harness = CommitHarness(linger=0.001)
    await harness.commit_batch(b"1", {b"a": b"1"})
    assert harness.idempotency.rows == {(1, b"a"): b"1"}


async def test_an_earlier_row_does_not_overwrite_a_later_claim(harness: CommitHarness) -> None:
    harness.producer.acks_allowed.clear()
    first = harness.commit_batch(b"1", {b"a": b"old"})
    await harness.wait_until_sent(1)
    outbox = harness.committer.create_outbox(1)
    second = harness.committer.commit(1, outbox, [], [(harness.idempotency, {b"a": b"new"})])
    harness.producer.acks_allowed.set()
    await asyncio.gather(first, second)
    assert harness.idempotency.rows == {(1, b"a"): b"new"}
    assert harness.producer.log[IDEMPOTENCY_CHANGELOG, 1][-1] == TopicRecord(b"a", b"new")


async def test_an_earlier_row_is_not_written_after_a_later_claim(harness: CommitHarness) -> None:
    harness.producer.acks_allowed.clear()
    first = harness.commit_batch(b"1", {b"a": b"old", b"b": b"1"}, {b"u": b"1"})
    await harness.wait_until_sent(1)
    outbox = harness.committer.create_outbox(1)
    second = harness.committer.commit(1, outbox, [], [(harness.idempotency, {b"a": b"new"})])  # written while the outputs of the first are
    harness.producer.acks_allowed.set()
    await asyncio.gather(first, second)
    assert harness.producer.log[IDEMPOTENCY_CHANGELOG, 1] == [TopicRecord(b"a", b"new"), TopicRecord(b"b", b"1")]


@pytest.mark.parametrize("claims", [{}, {b"u": b"2"}])
async def test_a_partition_fenced_before_the_commit_sends_nothing(harness: CommitHarness, claims: TableRows) -> None:
    harness.committer.create_outbox(1)
    harness.membership.lose_membership()
    with pytest.raises(PartitionFencedError):
        await harness.commit_batch(b"v", {b"a": b"1"}, claims)
    assert harness.producer.sends == []
    assert harness.idempotency.get_many(1, [b"a"]) == [None]


async def test_a_new_generation_aborts_the_batches_of_the_one_before(harness: CommitHarness) -> None:
    harness.producer.acks_allowed.clear()
    sent, waiting = harness.commit_batch(b"1", {b"a": b"1"}, {b"u": b"1"}), harness.commit_batch(b"2", {b"b": b"1"})
    await harness.wait_until_sent(1)
    last = harness.commit_batch(b"3", {b"c": b"1"})
    harness.membership.current_generation = harness.membership.confirmed_generation = 8
    new = harness.commit_batch(b"4", {b"d": b"1"})
    assert harness.idempotency.get_many(1, [b"a", b"b", b"c", b"d"]) == [None, None, None, b"1"]
    harness.producer.acks_allowed.set()
    await new
    assert [type(future.exception()) for future in (sent, waiting, last)] == [PartitionFencedError] * 3
    assert harness.outputs == [b"4"]
    assert (harness.idempotency.rows, harness.rate_windows.rows) == ({(1, b"d"): b"1"}, {})
    assert harness.failures == []


FENCED_AT = [
    (RATE_WINDOWS_CHANGELOG, [RATE_WINDOWS_CHANGELOG]),
    ("out", [RATE_WINDOWS_CHANGELOG, "out"]),
    (IDEMPOTENCY_CHANGELOG, [RATE_WINDOWS_CHANGELOG, "out", IDEMPOTENCY_CHANGELOG]),
]


@pytest.mark.parametrize(("fenced_at", "sent"), FENCED_AT)
async def test_a_partition_fenced_between_two_steps_takes_no_further_step(harness: CommitHarness, fenced_at: str, sent: list[str]) -> None:
    harness.producer.before_ack = lambda topic: harness.membership.lose_membership() if topic == fenced_at else None
    with pytest.raises(PartitionFencedError):
        await harness.commit_batch(b"v", {b"a": b"1"}, {b"u": b"2"})
    assert [topic for topic, _ in harness.producer.sends] == sent
    assert harness.idempotency.rows == {}
    assert harness.idempotency.get_many(1, [b"a"]) == [None]
    assert harness.failures == []


@pytest.mark.parametrize("failing_topic", [RATE_WINDOWS_CHANGELOG, "out", IDEMPOTENCY_CHANGELOG])
async def test_an_error_of_kafka_is_raised_and_reported_and_no_row_is_written(
    harness: CommitHarness, failing_topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_topic(topic: str) -> None:
        if topic == failing_topic:
            raise NotLeaderForPartitionError

    harness.producer.before_ack = fail_topic
    with pytest.raises(NotLeaderForPartitionError):
        await harness.commit_batch(b"v", {b"a": b"1"}, {b"u": b"2"})
    assert harness.idempotency.rows == {}
    assert [type(error) for error in harness.failures] == [NotLeaderForPartitionError]
    assert "a commit of partition 1 failed" in caplog.text
    assert "NotLeaderForPartitionError" in caplog.text


async def test_a_foreign_outbox_or_table_is_rejected(harness: CommitHarness) -> None:
    with pytest.raises(RuntimeError, match=r"the outbox of the last create_outbox\(\)"):
        harness.committer.commit(1, MemoryOutbox(MemoryKafka()), [])
    with pytest.raises(TypeError, match="table plain cannot be written"):
        harness.committer.commit(1, harness.committer.create_outbox(1), [(MemoryTable("plain"), {b"a": b"1"})])


async def test_an_outbox_that_was_closed_meanwhile_is_rejected(harness: CommitHarness) -> None:
    outbox = harness.committer.create_outbox(1)
    await harness.commit_batch(b"v", {})
    with pytest.raises(RuntimeError, match="nothing may be awaited between the two calls"):
        harness.committer.commit(1, outbox, [])


async def test_outputs_of_a_batch_that_was_not_submitted_are_not_sent(harness: CommitHarness) -> None:
    submitted = harness.commit_batch(b"v", {b"a": b"1"})
    harness.committer.create_outbox(1).add("out", 1, b"k", b"not submitted")
    with pytest.raises(RuntimeError, match="partition 1: the batch before was not submitted"):
        harness.committer.create_outbox(1)
    await asyncio.sleep(0.01)
    assert harness.producer.sends == []
    assert not submitted.done()


async def test_a_batch_fenced_while_its_rows_linger_fails() -> None:
    harness = CommitHarness(linger=3600.0)
    fenced = harness.commit_batch(b"1", {b"a": b"1"})
    await harness.wait_until_rows_linger()
    await asyncio.sleep(0)
    harness.membership.current_generation = harness.membership.confirmed_generation = 8
    harness.committer.create_outbox(1)  # of an empty batch
    harness.engine.get_pipeline(1)._rows_are_due.set()
    with pytest.raises(PartitionFencedError):
        await fenced
    await asyncio.sleep(0)
    assert harness.failures == []
    assert harness.engine.get_pipeline(1)._task is None
