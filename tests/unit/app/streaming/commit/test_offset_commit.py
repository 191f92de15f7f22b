"""The committable offset follows the acknowledged prefix, with any order, gaps and rebalances."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.streaming.commit.offset_commit import OffsetTracker, UnackedCounts

P = ("notifications.low", 0)
Q = ("notifications.low", 1)


@dataclass
class FakeTrackedBatch:
    offset: int
    acked: bool = False
    value: Sequence[int] = range(10)


def build_tracker(*offsets: int) -> tuple[OffsetTracker[tuple[str, int]], list[FakeTrackedBatch]]:
    tracker: OffsetTracker[tuple[str, int]] = OffsetTracker()
    batches = [FakeTrackedBatch(offset) for offset in offsets]
    for batch in batches:
        tracker.track(P, batch)
    return tracker, batches


def acknowledge(*batches: FakeTrackedBatch) -> None:
    for batch in batches:
        batch.acked = True


def test_nothing_is_committable_before_a_batch_is_tracked() -> None:
    tracker: OffsetTracker[str] = OffsetTracker()
    assert tracker.get_committable_offset("p") is None
    assert tracker.get_last_offset("p") is None
    assert tracker.count_unacked("p") == (0, 0, 0)
    assert tracker.get_partitions() == []


def test_batches_acknowledged_in_order() -> None:
    tracker, (first, second) = build_tracker(9, 19)
    assert tracker.get_committable_offset(P) is None
    acknowledge(first)
    assert tracker.get_committable_offset(P) == 10
    acknowledge(second)
    assert tracker.get_committable_offset(P) == 20


def test_an_unacknowledged_first_batch_blocks_all_later_ones() -> None:
    tracker, (head, middle, tail) = build_tracker(9, 19, 29)
    acknowledge(middle, tail)
    assert tracker.get_committable_offset(P) is None
    assert tracker.count_unacked(P) == (1, 10, 30)
    acknowledge(head)
    assert tracker.get_committable_offset(P) == 30
    assert tracker.count_unacked(P) == (0, 0, 0)


def test_an_unacknowledged_middle_batch_blocks_later_ones() -> None:
    tracker, (head, _, tail) = build_tracker(9, 19, 29)
    acknowledge(head, tail)
    assert tracker.get_committable_offset(P) == 10
    assert tracker.count_unacked(P) == (1, 10, 20)


def test_an_unacknowledged_batch_of_one_record_blocks_later_ones() -> None:
    tracker, (head, _, tail) = build_tracker(4, 5, 6)
    acknowledge(head, tail)
    assert tracker.get_committable_offset(P) == 5


def test_a_committable_offset_remains_while_more_batches_are_in_flight() -> None:
    tracker, (first,) = build_tracker(9)
    acknowledge(first)
    assert tracker.get_committable_offset(P) == 10
    tracker.track(P, FakeTrackedBatch(19))
    assert tracker.get_committable_offset(P) == 10


@pytest.mark.parametrize(
    ("offsets", "committable"),
    [
        ((9, 5_009), 5_010),  # retention removed thousands in between
        ((9, 11, 15), 16),  # compaction removed some
    ],
)
def test_gaps_in_the_log_do_not_block(offsets: tuple[int, ...], committable: int) -> None:
    tracker, batches = build_tracker(*offsets)
    acknowledge(*batches)
    assert tracker.get_committable_offset(P) == committable


def test_after_a_seek_only_redelivered_batches_count() -> None:
    tracker, (first, second) = build_tracker(9, 19)
    acknowledge(first)
    tracker.clear_all()
    assert tracker.get_committable_offset(P) is None
    assert tracker.get_last_offset(P) is None
    redelivered = FakeTrackedBatch(9)
    tracker.track(P, redelivered)
    acknowledge(second)  # a late acknowledgement from before the seek
    assert tracker.get_committable_offset(P) is None
    acknowledge(redelivered)
    assert tracker.get_committable_offset(P) == 10


def test_only_the_revoked_partition_is_cleared() -> None:
    tracker, (revoked,) = build_tracker(9)
    other = FakeTrackedBatch(99)
    tracker.track(Q, other)
    tracker.clear_partitions([P])
    acknowledge(revoked, other)
    assert tracker.get_committable_offset(P) is None
    assert tracker.get_committable_offset(Q) == 100
    assert tracker.get_partitions() == [Q]


def test_clearing_an_unknown_partition_has_no_effect() -> None:
    tracker: OffsetTracker[str] = OffsetTracker()
    tracker.clear_partitions(["p"])
    tracker.clear_all()
    assert tracker.get_partitions() == []


def test_the_last_offset_remains_after_all_batches_are_acknowledged() -> None:
    tracker, (first,) = build_tracker(9)
    acknowledge(first)
    assert tracker.get_committable_offset(P) == 10
    assert tracker.get_last_offset(P) == 9


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.data())
def test_in_any_order_exactly_the_acknowledged_prefix_is_committable(acked: list[bool], data: st.DataObject) -> None:
    tracker, batches = build_tracker(*(10 * number + 9 for number in range(len(acked))))
    order = data.draw(st.permutations([batch for batch, is_acked in zip(batches, acked, strict=True) if is_acked]))
    for batch in order:
        acknowledge(batch)
        tracker.get_committable_offset(P)
    prefix = acked.index(False) if False in acked else len(acked)
    assert tracker.get_committable_offset(P) == (10 * prefix if prefix else None)
    assert tracker.count_unacked(P) == UnackedCounts(acked.count(False), 10 * acked.count(False), 10 * (len(acked) - prefix))
