"""A consumer reports where a partition jumped, and goes on or ends as the settings say."""

from dataclasses import replace

import pytest
from faust.transport.consumer import ThreadDelegateConsumer
from faust.types import TP

from app.streaming.consumer.batch_consumer import BatchConsumer
from app.streaming.consumer.buffered_records import TakenRecords
from app.streaming.consumer.faust_batch import build_message
from app.streaming.consumer.position_check import PositionJumpError
from tests.fakes import FakeRecord

FIRST, SECOND = TP("t-notifications.high", 0), TP("t-notifications.high", 1)


class ConsumedRecord(FakeRecord):
    """A record with the type of its time, as aiokafka returns it."""

    timestamp_type = 1


@pytest.fixture
def committed(consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch) -> dict[TP, int | None]:
    """What the group has committed; a consumer that seeks to it, checks no topic ids, and whose topics have an agent."""
    offsets: dict[TP, int | None] = {FIRST: 10}

    async def seek_to_committed() -> dict[TP, int | None]:
        return offsets

    async def check() -> None:
        pass

    monkeypatch.setattr(consumer, "seek_to_committed", seek_to_committed)
    monkeypatch.setattr(consumer._topic_watch, "check", check)
    monkeypatch.setattr(consumer, "_enqueue", lambda tp, records, position, generation: track(consumer, tp, position))
    return offsets


def track(consumer: BatchConsumer, tp: TP, position: int) -> None:
    """Track a batch of one record that ends before this position."""
    consumer._offset_tracker.track(tp, build_message(tp, [ConsumedRecord(position - 1)], position, 1))


@pytest.fixture
def jumps(consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The jumps that the app reports."""
    reported: list[tuple[int, int]] = []
    consumer.app.position_jump_callbacks.append(lambda jump: reported.append((jump.from_offset, jump.to_offset)))
    return reported


async def test_a_seek_to_the_commits_forgets_the_batches_in_flight_and_where_reading_was(
    consumer: BatchConsumer, committed: dict[TP, int | None], jumps: list[tuple[int, int]]
) -> None:
    consumer._committed_offset[SECOND] = 99
    track(consumer, FIRST, 50)
    await consumer.perform_seek()
    assert consumer._offset_tracker.get_partitions() == []
    assert consumer._committed_offset == {FIRST: 10}
    consumer._enqueue_all({FIRST: TakenRecords(10, ["a record"], 11)}, 1)
    assert jumps == []


async def test_after_a_jump_back_lower_offsets_are_committed(
    consumer: BatchConsumer, committed: dict[TP, int | None], jumps: list[tuple[int, int]]
) -> None:
    await consumer.perform_seek()
    consumer._enqueue_all({FIRST: TakenRecords(10, ["a record"], 11)}, 1)
    consumer._enqueue_all({FIRST: TakenRecords(0, (), 0)}, 1)
    assert jumps == [(11, 0)]
    assert consumer._offset_tracker.get_partitions() == []
    consumer._enqueue_all({FIRST: TakenRecords(0, (), 2)}, 1)  # rolled-back records
    assert consumer._filter_committable_offsets([FIRST]) == {FIRST: 2}
    assert jumps == [(11, 0)]


async def test_a_commit_under_way_during_a_jump_back_does_not_keep_lower_offsets_from_being_committed(
    consumer: BatchConsumer, committed: dict[TP, int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    offsets: list[int] = []

    async def commit_offset(self: BatchConsumer, by_partition: dict[TP, int]) -> bool:
        offsets.append(by_partition[FIRST])
        if len(offsets) == 1:
            consumer._enqueue_all({FIRST: TakenRecords(0, (), 2)}, 1)
        return True

    monkeypatch.setattr(ThreadDelegateConsumer, "_commit", commit_offset)
    monkeypatch.setattr(consumer, "assignment", lambda: {FIRST})
    await consumer.perform_seek()
    consumer._enqueue_all({FIRST: TakenRecords(10, (), 11)}, 1)
    for _ in range(3):
        await consumer.force_commit()
    assert offsets == [11, 2]


async def test_after_a_jump_forward_the_batches_in_flight_are_still_committed_first(
    consumer: BatchConsumer, committed: dict[TP, int | None], jumps: list[tuple[int, int]]
) -> None:
    await consumer.perform_seek()
    consumer._enqueue_all({FIRST: TakenRecords(10, ["a record"], 11)}, 1)
    consumer._enqueue_all({FIRST: TakenRecords(40, ["a record"], 41)}, 1)
    assert jumps == [(11, 40)]
    assert consumer._offset_tracker.count_unacked(FIRST).batches == 2


async def test_by_setting_a_jump_enqueues_nothing_and_ends_the_worker(
    consumer: BatchConsumer, committed: dict[TP, int | None], jumps: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[BaseException] = []
    monkeypatch.setattr(consumer.app, "settings", replace(consumer.app.settings, stop_on_position_jump=True))
    monkeypatch.setattr("app.streaming.application.ShutdownOnFailure", lambda app, timeout: errors.append)
    await consumer.perform_seek()
    for _ in range(2):
        consumer._enqueue_all({FIRST: TakenRecords(40, ["a record"], 41)}, 1)
    assert jumps == [(10, 40)]
    assert [type(error) for error in errors] == [PositionJumpError]
    assert consumer._offset_tracker.get_partitions() == []
