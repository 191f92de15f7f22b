"""When partitions are fetched: not before a rebalance is over; and how long a rebalance waits for the batches in hand."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from app.streaming.consumer.batch_consumer import BatchConsumer
from schemas.ports import Batch
from tests.unit.app.streaming.app_builder import build_app

FIRST, SECOND = TP("t-notifications.high", 0), TP("t-notifications.high", 1)


@pytest.fixture
async def consumer(tmp_path: Path) -> AsyncIterator[BatchConsumer]:
    consumer = build_app(tmp_path).consumer
    assert isinstance(consumer, BatchConsumer)
    consumer.stop_flow()
    yield consumer
    consumer._thread.thread_loop.close()


async def test_partitions_are_fetched_when_the_flow_goes_on(consumer: BatchConsumer) -> None:
    consumer.resume_partitions({FIRST})
    assert consumer._get_active_partitions() == set()
    consumer.resume_flow()
    assert consumer._get_active_partitions() == {FIRST}
    assert consumer.flow_active


async def test_what_a_new_rebalance_stops_waits_for_its_end(consumer: BatchConsumer) -> None:
    consumer.resume_partitions({FIRST})
    consumer.stop_flow()
    consumer.resume_partitions({SECOND})
    consumer.resume_flow()
    assert consumer._get_active_partitions() == {SECOND}


async def test_a_member_that_the_group_has_given_up_waits_for_no_batch(consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "_batch_generation", 7)
    monkeypatch.setattr(consumer._thread, "get_coordinator_generation", lambda: -1)
    in_hand: Any = FakeBatchMessage()
    consumer._unacked_messages.add(in_hand)
    await asyncio.wait_for(consumer.wait_empty(), 10)  # the drain time is longer
    assert not consumer._unacked_messages


@pytest.fixture
def unacked_at_commits(consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many batches were in hand at each commit of a consumer that its group knows."""
    commits: list[int] = []

    async def commit() -> None:
        commits.append(len(consumer._unacked_messages))

    monkeypatch.setattr(consumer, "_batch_generation", 7)
    monkeypatch.setattr(consumer._thread, "get_coordinator_generation", lambda: 7)
    monkeypatch.setattr(consumer, "commit_and_end_transactions", commit)
    return commits


async def test_an_acknowledged_batch_keeps_no_records_while_it_waits_for_those_before_it(consumer: BatchConsumer) -> None:
    message: Any = FakeBatchMessage()
    message.value = Batch("t", 0, [])
    assert consumer.ack(message)
    assert message.value is None
    assert not consumer.ack(message)


async def test_a_member_of_the_group_waits_for_the_batches_in_hand(consumer: BatchConsumer, unacked_at_commits: list[int]) -> None:
    in_hand: Any = FakeBatchMessage()
    consumer._unacked_messages.add(in_hand)
    waiting = asyncio.create_task(consumer.wait_empty())
    await asyncio.sleep(0)
    assert not waiting.done()
    consumer.release(in_hand)
    await asyncio.wait_for(waiting, 10)
    assert unacked_at_commits == [0]


async def test_an_error_waits_for_the_batches_before_the_failed_one_only(consumer: BatchConsumer, unacked_at_commits: list[int]) -> None:
    before, failed, behind, other = (
        FakeBatchMessage(FIRST, 9),
        FakeBatchMessage(FIRST, 19),
        FakeBatchMessage(FIRST, 29),
        FakeBatchMessage(SECOND, 99),
    )
    in_hand: list[Any] = [before, failed, behind, other]
    consumer._unacked_messages.update(in_hand)
    consumer.limit_drain(failed, 3600.0)
    waiting = asyncio.create_task(consumer.wait_empty())
    consumer.release(before)
    await asyncio.sleep(0)
    assert not waiting.done()
    consumer.release(other)
    await asyncio.wait_for(waiting, 10)
    assert unacked_at_commits == [2]


async def test_what_has_ended_is_committed_although_other_batches_did_not_in_time(
    consumer: BatchConsumer, unacked_at_commits: list[int]
) -> None:
    in_hand: Any = FakeBatchMessage()
    consumer._unacked_messages.add(in_hand)
    consumer.limit_drain(None, 0.001)
    await asyncio.wait_for(consumer.wait_empty(), 10)
    assert unacked_at_commits == [1]
    assert not consumer._unacked_messages


@pytest.fixture
async def enqueued(consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is given to agents, by a consumer whose flow stops while it fetches a record."""
    taken: list[Any] = []

    async def fetch() -> Any:
        consumer.stop_flow()
        return {FIRST: ["a record"]}

    consumer.resume_flow()
    monkeypatch.setattr(consumer, "_fetch", fetch)
    monkeypatch.setattr(consumer, "_enqueue_all", lambda records, generation: taken.append(records))
    return taken


async def start_fetch(consumer: BatchConsumer) -> asyncio.Task[None]:
    """A fetch that has its record, and waits for the flow to go on."""
    fetching = asyncio.create_task(consumer._drain_once())
    while consumer.flow_active:
        await asyncio.sleep(0)
    return fetching


async def test_what_was_fetched_while_a_rebalance_began_leaves_the_batches_in_hand_alone(
    consumer: BatchConsumer, enqueued: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_hand: Any = FakeBatchMessage()
    consumer._unacked_messages.add(in_hand)
    fetching = await start_fetch(consumer)
    assert set(consumer._unacked_messages) == {in_hand}
    monkeypatch.setattr(consumer.app, "consumer_generation_id", consumer.app.consumer_generation_id + 1)
    consumer.resume_flow()
    await asyncio.wait_for(fetching, 10)
    assert enqueued == []  # the rebalance set all positions anew


async def test_what_was_fetched_before_a_pause_without_rebalance_is_given_after_it(consumer: BatchConsumer, enqueued: list[Any]) -> None:
    fetching = await start_fetch(consumer)
    assert enqueued == []
    consumer.resume_flow()
    await asyncio.wait_for(fetching, 10)
    assert enqueued == [{FIRST: ["a record"]}]


async def test_to_stand_by_for_a_partition_is_not_to_own_it(consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch) -> None:
    changelog = TP("t-router-seen-changelog", 3)
    monkeypatch.setattr(consumer, "_is_changelog_tp", lambda tp: tp == changelog)
    monkeypatch.setattr(consumer.app, "_assignment", {FIRST, changelog})
    assert [consumer.is_assigned(number) for number in (0, 3, 1)] == [True, False, False]


async def test_what_is_owned_follows_each_assignment(consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch) -> None:
    owned = []
    for assignment in (None, {TP("t", 1)}, {TP("t", 1), TP("t", 2)}, set()):
        monkeypatch.setattr(consumer.app, "_assignment", assignment)
        owned.append([consumer.is_assigned(number) for number in (1, 2)])
    assert owned == [[False, False], [True, False], [True, True], [False, False]]


class FakeBatchMessage:
    """A batch in hand."""

    def __init__(self, tp: TP = FIRST, offset: int = 0) -> None:
        self.tp = tp
        self.offset = offset
        self.acked = False
        self.value: Batch | None = None
