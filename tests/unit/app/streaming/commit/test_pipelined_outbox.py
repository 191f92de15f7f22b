"""Groups are committed in order; fenced rows are dropped, an error stops the worker, and no callback is called early."""

import asyncio

import pytest
from aiokafka.errors import NotLeaderForPartitionError

from app.streaming.commit.committers import CommitEngine, PipelinedOutbox
from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.pipeline import PipelinePolicy
from schemas.errors import RecordTooLargeError
from tests.fakes import TopicRecord
from tests.unit.app.streaming.fake_membership import FakeMembership
from tests.unit.app.streaming.fake_producer import FakeBatchProducer
from tests.unit.app.streaming.fake_table import FakeBatchTable
from tests.unit.app.streaming.waiting import wait_until

CHANGELOG = "attempts-changelog"


class SharedOutboxHarness:
    def __init__(self, linger: float = 0.0, max_records: int = 1000, row_linger: float = 0.0) -> None:
        self.events: list[str] = []
        self.producer = FakeBatchProducer()
        self.producer.before_ack = lambda topic: self.events.append(f"acknowledged {topic}")
        self.membership = FakeMembership()
        self.table = FakeBatchTable("attempts", self.events)
        self.failures: list[BaseException] = []
        self.failed = asyncio.Event()
        fence = GenerationFence(lambda: self.membership, session_timeout=15.0, monotonic=lambda: 1.0)
        policy = PipelinePolicy(row_linger=row_linger, group_linger=linger, max_size=max_records, keep_fenced_outputs=True)
        engine = CommitEngine(lambda: self.producer, lambda topic: 1000, fence, policy, self._record_failure)
        self.outbox = PipelinedOutbox(engine, self.table)

    def _record_failure(self, error: BaseException) -> None:
        self.failures.append(error)
        self.failed.set()

    def add_claimed_work(self, name: str) -> asyncio.Event:
        """The same, with a claim of its row."""
        self.outbox.stage_claim(0, name.encode(), b"claim")
        return self.add_work(name)

    def add_work(self, name: str, partition: int = 0) -> asyncio.Event:
        """Add an output, a row and a callback; the event is set when they are committed."""
        self.outbox.add("status", partition, b"u", name.encode())
        self.outbox.stage_row(partition, name.encode(), b"row")
        return self.add_callback(name, partition)

    def add_callback(self, name: str, partition: int = 0) -> asyncio.Event:
        committed = asyncio.Event()

        def mark_committed() -> None:
            self.events.append(f"done {name}")
            committed.set()

        self.outbox.on_committed(partition, mark_committed)
        return committed


@pytest.fixture
def harness() -> SharedOutboxHarness:
    return SharedOutboxHarness()


async def test_the_order_is_outputs_rows_callbacks(harness: SharedOutboxHarness) -> None:
    await harness.add_work("a").wait()
    assert harness.events == ["acknowledged status", f"acknowledged {CHANGELOG}", "apply attempts 0", "done a"]
    assert harness.producer.log[CHANGELOG, 0] == [TopicRecord(b"a", b"row")]


async def test_work_added_together_is_one_group(harness: SharedOutboxHarness) -> None:
    first, second = harness.add_work("a"), harness.add_work("b", partition=1)
    await first.wait()
    await second.wait()
    assert harness.producer.sends == [("status", 0), ("status", 1), (CHANGELOG, 0), (CHANGELOG, 1)]


async def test_work_added_during_a_commit_is_the_next_group(harness: SharedOutboxHarness) -> None:
    harness.producer.acks_allowed.clear()
    harness.add_work("a")
    await wait_until(lambda: bool(harness.producer.sends))
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


async def test_the_later_of_two_rows_of_one_key_is_written(harness: SharedOutboxHarness) -> None:
    harness.outbox.stage_row(0, b"a", b"intent")
    harness.outbox.stage_row(0, b"a", b"outcome")
    await harness.add_callback("a").wait()
    assert harness.table.rows == {(0, b"a"): b"outcome"}


async def test_a_callback_without_work_is_called(harness: SharedOutboxHarness) -> None:
    await harness.add_callback("no work").wait()
    assert harness.producer.sends == []


async def test_outputs_without_rows_are_committed_in_one_step(harness: SharedOutboxHarness) -> None:
    harness.outbox.add("status", 0, b"u", b"v")
    await harness.add_callback("a").wait()
    assert harness.events == ["acknowledged status", "done a"]


async def test_half_of_its_share_closes_a_group() -> None:
    harness = SharedOutboxHarness(linger=3600.0, max_records=32)  # eight for each of four partitions
    harness.add_work("a")
    assert harness.producer.sends == []
    await harness.add_work("b").wait()
    assert harness.producer.sends == [("status", 0), (CHANGELOG, 0)]


async def test_rows_are_sent_with_the_outputs_of_the_next_group() -> None:
    harness = SharedOutboxHarness(row_linger=3600.0)
    first = harness.add_work("a")
    await wait_until(lambda: "acknowledged status" in harness.events)
    assert harness.producer.sends == [("status", 0)]
    harness.add_work("b")
    await first.wait()
    assert harness.producer.sends == [("status", 0), ("status", 0), (CHANGELOG, 0)]


async def test_rows_do_not_wait_while_the_partition_is_full() -> None:
    harness = SharedOutboxHarness(row_linger=3600.0, max_records=8)  # two for each of four partitions
    committed = harness.add_work("a")
    await wait_until(lambda: "acknowledged status" in harness.events)
    await harness.add_callback("held").wait()
    assert committed.is_set()


async def test_a_group_that_is_not_full_is_committed_after_its_linger() -> None:
    harness = SharedOutboxHarness(linger=0.001, max_records=1000)
    await harness.add_work("a").wait()


async def test_only_a_record_that_is_too_large_is_rejected(harness: SharedOutboxHarness) -> None:
    with pytest.raises(RecordTooLargeError):
        harness.outbox.add("status", 0, b"u", b"x" * 2000)
    await harness.add_work("a").wait()
    assert harness.producer.log["status", 0] == [TopicRecord(b"u", b"a")]


async def test_a_claim_is_written_before_the_outputs_and_the_row_after_them(harness: SharedOutboxHarness) -> None:
    await harness.add_claimed_work("a").wait()
    acknowledged = [event for event in harness.events if event.startswith("acknowledged")]
    assert acknowledged == [f"acknowledged {CHANGELOG}", "acknowledged status", f"acknowledged {CHANGELOG}"]
    assert [record.value for record in harness.producer.log[CHANGELOG, 0]] == [b"claim", b"row"]
    assert harness.table.rows == {(0, b"a"): b"row"}


async def test_a_generation_that_ends_while_claims_are_written_sends_the_outputs_all_the_same(harness: SharedOutboxHarness) -> None:
    harness.producer.before_ack = lambda topic: harness.membership.lose_membership() if topic == CHANGELOG else None
    fenced = harness.add_claimed_work("a")
    await wait_until(lambda: bool(harness.producer.log["status", 0]))
    harness.producer.before_ack = lambda topic: None
    harness.membership.current_generation = harness.membership.confirmed_generation
    await harness.add_work("b").wait()
    assert not fenced.is_set()
    assert [record.value for record in harness.producer.log["status", 0]] == [b"a", b"b"]
    assert harness.table.rows == {(0, b"b"): b"row"}


async def test_what_follows_claims_that_are_being_written_is_sent_although_its_generation_has_ended(harness: SharedOutboxHarness) -> None:
    """The outputs of one group and the claims of the next are being written when the generation ends."""

    acts = [lambda: harness.add_claimed_work("b"), harness.membership.lose_membership]

    def add_next(topic: str) -> None:
        if topic == CHANGELOG and acts:
            acts.pop(0)()

    harness.producer.before_ack = add_next
    harness.add_claimed_work("a")
    await wait_until(lambda: len(harness.producer.log["status", 0]) == 2)
    assert [record.value for record in harness.producer.log["status", 0]] == [b"a", b"b"]
    assert harness.table.rows == {(0, b"a"): b"claim"}


async def test_the_next_generation_drops_claims_that_were_not_sent() -> None:
    harness = SharedOutboxHarness(linger=3600.0, max_records=32)
    harness.add_claimed_work("a")
    harness.membership.current_generation = harness.membership.confirmed_generation = 8
    harness.add_work("b")
    await harness.add_work("c").wait()
    assert [record.value for record in harness.producer.log[CHANGELOG, 0]] == [b"row", b"row"]
    harness.membership.partitions = {0}
    harness.outbox.stage_claim(3, b"x", b"claim")
    await harness.outbox.flush()
    assert (3, b"x") not in harness.table.rows


async def test_a_generation_that_ends_drops_rows_and_callbacks_but_sends_outputs(harness: SharedOutboxHarness) -> None:
    fenced = harness.add_work("a")
    harness.membership.lose_membership()
    await wait_until(lambda: bool(harness.producer.log["status", 0]))
    harness.membership.current_generation = harness.membership.confirmed_generation
    await harness.add_work("b").wait()
    assert not fenced.is_set()
    assert [record.value for record in harness.producer.log["status", 0]] == [b"a", b"b"]
    assert harness.table.rows == {(0, b"b"): b"row"}


async def test_work_of_the_next_generation_drops_the_rows_of_the_one_before() -> None:
    harness = SharedOutboxHarness(linger=3600.0, max_records=32)  # eight for each of four partitions
    fenced = harness.add_work("a")
    harness.membership.current_generation = harness.membership.confirmed_generation = 8
    harness.add_work("b")
    await harness.add_work("c").wait()
    assert not fenced.is_set()
    assert harness.table.rows == {(0, b"b"): b"row", (0, b"c"): b"row"}
    assert [record.value for record in harness.producer.log["status", 0]] == [b"a", b"b", b"c"]


async def test_a_generation_that_ends_during_the_commit_writes_no_row(harness: SharedOutboxHarness) -> None:
    harness.producer.before_ack = lambda topic: harness.membership.lose_membership() if topic == CHANGELOG else None
    fenced = harness.add_work("a")
    await wait_until(lambda: bool(harness.producer.log[CHANGELOG, 0]))
    harness.membership.current_generation = harness.membership.confirmed_generation
    await harness.add_callback("b").wait()
    assert not fenced.is_set()
    assert harness.table.rows == {}


async def test_a_row_of_a_partition_that_is_not_assigned_is_dropped(harness: SharedOutboxHarness) -> None:
    harness.membership.partitions = {0}
    await harness.add_work("a", partition=3).wait()
    assert harness.table.rows == {}
    assert (CHANGELOG, 3) not in harness.producer.sends


@pytest.mark.parametrize("failing_topic", ["status", CHANGELOG])
async def test_an_error_stops_the_worker_and_calls_no_callback(harness: SharedOutboxHarness, failing_topic: str) -> None:
    def fail_topic(topic: str) -> None:
        if topic == failing_topic:
            raise NotLeaderForPartitionError

    harness.producer.before_ack = fail_topic
    committed = harness.add_work("a")
    await harness.failed.wait()
    assert isinstance(harness.failures[0], NotLeaderForPartitionError)
    assert not committed.is_set()
    assert harness.table.rows == {}


async def test_after_an_error_nothing_more_is_committed(harness: SharedOutboxHarness) -> None:
    def fail_topic(topic: str) -> None:
        raise NotLeaderForPartitionError

    harness.producer.before_ack = fail_topic
    harness.add_work("a")
    await harness.failed.wait()
    harness.producer.before_ack = lambda topic: None
    harness.add_work("b")
    await asyncio.sleep(0)
    assert harness.producer.log == {}


async def test_a_flush_waits_for_no_linger() -> None:
    harness = SharedOutboxHarness(linger=3600.0, row_linger=3600.0)
    harness.add_work("a")
    harness.add_work("b", partition=1)
    await harness.outbox.flush()
    assert harness.table.rows == {(0, b"a"): b"row", (1, b"b"): b"row"}


async def test_a_callback_may_open_the_next_group(harness: SharedOutboxHarness) -> None:
    committed = asyncio.Event()
    harness.outbox.on_committed(0, lambda: harness.outbox.on_committed(0, committed.set))
    await committed.wait()


async def test_it_is_full_while_too_much_is_uncommitted() -> None:
    harness = SharedOutboxHarness(max_records=16)  # for four partitions
    harness.producer.acks_allowed.clear()
    harness.add_work("a")
    assert not harness.outbox.is_full(0)
    await wait_until(lambda: bool(harness.producer.sends))
    last = harness.add_work("b")
    assert harness.outbox.is_full(0), "two records and rows are being committed, two are waiting"
    harness.producer.acks_allowed.set()
    await last.wait()
    assert not harness.outbox.is_full(0)


@pytest.mark.parametrize("topic", ["status", CHANGELOG])
async def test_a_partition_without_a_leader_holds_up_no_other(topic: str) -> None:
    harness = SharedOutboxHarness(max_records=16)  # four for each partition
    harness.producer.leaderless_partitions.add((topic, 1))
    stuck = [harness.add_work(f"stuck {number}", partition=1) for number in range(3)]
    for number in range(3):
        await harness.add_work(f"{number}", partition=0).wait()
    assert not any(event.is_set() for event in stuck)
    assert [harness.outbox.is_full(partition) for partition in range(4)] == [False, True, False, False]


async def test_the_groups_of_all_partitions_close_together() -> None:
    harness = SharedOutboxHarness(linger=0.001)
    events = [harness.add_work("a", partition) for partition in range(4)]
    await asyncio.gather(*[event.wait() for event in events])
    assert harness.producer.sends == [*[("status", number) for number in range(4)], *[(CHANGELOG, number) for number in range(4)]]
