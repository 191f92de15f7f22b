"""Partitions are fetched only after a rebalance, and a rebalance waits a limited time for batches in flight."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from app.streaming.consumer.batch_consumer import BatchConsumer
from app.streaming.consumer.faust_batch import BatchMessage, build_message
from schemas.ports import Batch
from tests.fakes import FakeRecord
from tests.unit.app.streaming.app_builder import build_app

FIRST, SECOND = TP("t-notifications.high", 0), TP("t-notifications.high", 1)


async def test_partitions_are_fetched_after_the_flow_resumes(consumer: BatchConsumer) -> None:
    consumer.resume_partitions({FIRST})
    assert consumer._get_active_partitions() == set()
    consumer.resume_flow()
    assert consumer._get_active_partitions() == {FIRST}
    assert consumer.flow_active


async def test_partitions_resumed_before_a_new_rebalance_are_not_fetched(consumer: BatchConsumer) -> None:
    consumer.resume_partitions({FIRST})
    consumer.stop_flow()
    consumer.resume_partitions({SECOND})
    consumer.resume_flow()
    assert consumer._get_active_partitions() == {SECOND}


async def test_partitions_paused_by_a_new_assignment_are_not_fetched_during_its_recovery(consumer: BatchConsumer) -> None:
    consumer.resume_partitions({FIRST, SECOND})  # a recovery ends while the group already rebalances
    consumer.pause_partitions({FIRST})
    consumer.resume_flow()
    assert consumer._get_active_partitions() == {SECOND}


async def test_a_member_removed_from_the_group_waits_for_no_batch(consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer.membership, "generation", 7)
    monkeypatch.setattr(consumer._thread, "get_coordinator_generation", lambda: -1)
    message: Any = FakeBatchMessage()
    consumer._unacked_messages.add(message)
    await asyncio.wait_for(consumer.wait_empty(), 10)  # the drain timeout is longer
    assert not consumer._unacked_messages


@pytest.fixture
def unacked_at_commits(consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of batches in flight at each commit of a consumer that is a member of its group."""
    commits: list[int] = []

    async def commit() -> None:
        commits.append(len(consumer._unacked_messages))

    monkeypatch.setattr(consumer.membership, "generation", 7)
    monkeypatch.setattr(consumer._thread, "get_coordinator_generation", lambda: 7)
    monkeypatch.setattr(consumer, "commit_and_end_transactions", commit)
    return commits


async def test_an_acknowledged_batch_releases_its_records_while_it_waits_for_earlier_ones(consumer: BatchConsumer) -> None:
    message: Any = FakeBatchMessage()
    message.value = Batch("t", 0, [])
    assert consumer.ack(message)
    assert message.value is None
    assert not consumer.ack(message)


async def test_a_member_of_the_group_waits_for_batches_in_flight(consumer: BatchConsumer, unacked_at_commits: list[int]) -> None:
    message: Any = FakeBatchMessage()
    consumer._unacked_messages.add(message)
    consumer.release(message)
    consumer.hold(message)
    waiting = asyncio.create_task(consumer.wait_empty())
    await asyncio.sleep(0)
    assert not waiting.done()
    consumer.release(message)
    await asyncio.wait_for(waiting, 10)
    assert unacked_at_commits == [0]


async def test_after_an_error_the_drain_waits_only_for_batches_before_the_failed_one(
    consumer: BatchConsumer, unacked_at_commits: list[int]
) -> None:
    earlier, failed, later, other = (
        FakeBatchMessage(FIRST, 9),
        FakeBatchMessage(FIRST, 19),
        FakeBatchMessage(FIRST, 29),
        FakeBatchMessage(SECOND, 99),
    )
    messages: list[Any] = [earlier, failed, later, other]
    consumer._unacked_messages.update(messages)
    consumer.limit_drain(failed, 3600.0)
    waiting = asyncio.create_task(consumer.wait_empty())
    consumer.release(earlier)
    await asyncio.sleep(0)
    assert not waiting.done()
    consumer.release(other)
    await asyncio.wait_for(waiting, 10)
    assert unacked_at_commits == [2]


async def test_acknowledged_batches_are_committed_although_the_drain_timed_out(
    consumer: BatchConsumer, unacked_at_commits: list[int]
) -> None:
    message: Any = FakeBatchMessage()
    consumer._unacked_messages.add(message)
    consumer.limit_drain(None, 0.001)
    await asyncio.wait_for(consumer.wait_empty(), 10)
    assert unacked_at_commits == [1]
    assert not consumer._unacked_messages


async def test_the_last_commit_follows_one_that_is_under_way(consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[bool] = []

    async def force_commit(topics: Any, start_new_transaction: bool) -> bool:
        commits.append(start_new_transaction)
        return True

    monkeypatch.setattr(consumer, "force_commit", force_commit)
    consumer._commit_fut = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(consumer.wait_empty())
    for _ in range(10):
        await asyncio.sleep(0)
    assert commits == []
    consumer._commit_fut.set_result(None)
    consumer._commit_fut = None
    await asyncio.wait_for(waiting, 10)
    assert commits == [False]


@pytest.fixture
async def enqueued(consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is enqueued by a consumer whose flow stops during a fetch."""
    batches: list[Any] = []

    async def fetch() -> Any:
        consumer.stop_flow()
        return {FIRST: ["a record"]}

    consumer.resume_flow()
    monkeypatch.setattr(consumer, "_fetch", fetch)
    monkeypatch.setattr(consumer, "_enqueue_all", lambda fetched, generation: batches.append(fetched))
    return batches


async def start_fetch(consumer: BatchConsumer) -> asyncio.Task[None]:
    """A fetch that has its record and waits for the flow to resume."""
    fetching = asyncio.create_task(consumer._drain_once())
    while consumer.flow_active:
        await asyncio.sleep(0)
    return fetching


async def test_records_fetched_when_a_rebalance_begins_are_dropped_and_batches_in_flight_kept(
    consumer: BatchConsumer, enqueued: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    message: Any = FakeBatchMessage()
    consumer._unacked_messages.add(message)
    fetching = await start_fetch(consumer)
    assert set(consumer._unacked_messages) == {message}
    monkeypatch.setattr(consumer.app, "consumer_generation_id", consumer.app.consumer_generation_id + 1)
    consumer.resume_flow()
    await asyncio.wait_for(fetching, 10)
    assert enqueued == []  # the rebalance reset all positions


async def test_records_fetched_before_a_pause_without_rebalance_are_enqueued_after_it(consumer: BatchConsumer, enqueued: list[Any]) -> None:
    fetching = await start_fetch(consumer)
    assert enqueued == []
    consumer.resume_flow()
    await asyncio.wait_for(fetching, 10)
    assert enqueued == [{FIRST: ["a record"]}]


@pytest.fixture
async def full_partition(consumer: BatchConsumer) -> BatchMessage:
    """The first of three batches of a partition that leave no room for a fourth."""
    consumer.resume_partitions({FIRST})
    consumer.resume_flow()
    messages = []
    for first in (0, 500, 1000):
        records = [ConsumedRecord(offset, key=b"k", value=b"v" * 10) for offset in range(first, first + 500)]
        messages.append(build_message(FIRST, records, records[-1].offset + 1, 1))
        consumer._offset_tracker.track(FIRST, messages[-1])
    assert not consumer._build_fetch_request()
    return messages[0]


async def test_finished_records_of_a_batch_make_room_before_it_is_acknowledged(
    consumer: BatchConsumer, full_partition: BatchMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    wakeups: list[int] = []
    monkeypatch.setattr(consumer._thread, "wakeup", lambda: wakeups.append(1))
    consumer._offset_tracker.set_unfinished(FIRST, full_partition, 400, 4400)
    consumer.set_unfinished(full_partition, 300, 3300)
    assert not wakeups, "1,300 records are unfinished"
    for message in list(consumer._offset_tracker._partitions[FIRST].batches)[1:]:
        consumer.set_unfinished(message, 1, 11)
    assert wakeups == [1]
    assert list(consumer._build_fetch_request().partitions_by_priority[0]) == [FIRST]


async def test_a_partition_with_too_many_unfinished_bytes_is_not_fetched(tmp_path: Path) -> None:
    consumer = build_app(tmp_path, max_in_flight_bytes=4_000_000).consumer
    consumer.resume_partitions({FIRST, SECOND})
    consumer.resume_flow()
    large = build_message(FIRST, [ConsumedRecord(offset, key=b"", value=bytes(20_480)) for offset in range(98)], 98, 1)
    consumer._offset_tracker.track(FIRST, large)
    assert set(consumer._build_fetch_request().partitions_by_priority[0]) == {SECOND}, "half of the bytes are for each partition"
    consumer.set_unfinished(large, 97, 97 * 20_480)
    assert set(consumer._build_fetch_request().partitions_by_priority[0]) == {FIRST, SECOND}


async def test_fetched_records_that_nobody_reads_are_an_error(consumer: BatchConsumer) -> None:
    with pytest.raises(RuntimeError, match="other partition 3 is fetched, but no agent or table reads it"):
        consumer._enqueue(TP("other", 3), [ConsumedRecord()], 1, 1)


class ConsumedRecord(FakeRecord):
    """A record with the type of its time, as aiokafka returns it."""

    timestamp_type = 1


class FakeBatchMessage:
    """The Faust message of a batch in flight."""

    def __init__(self, tp: TP = FIRST, offset: int = 0) -> None:
        self.tp = tp
        self.offset = offset
        self.acked = self.is_tracked = False
        self.first_offset, self.unfinished_records, self.unfinished_bytes = offset, 0, 0
        self.value: Batch | None = None
