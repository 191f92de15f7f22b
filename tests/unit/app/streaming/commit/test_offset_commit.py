"""The committable offset follows the acknowledged prefix, with any order, gaps and rebalances."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.streaming.commit.offset_commit import NONE_UNACKED, OffsetTracker, UnackedCounts

P = ("notifications.low", 0)
Q = ("notifications.low", 1)


@dataclass
class FakeTrackedBatch:
    offset: int
    acked: bool = False
    unfinished_records: int = 10
    unfinished_bytes: int = 1000
    is_tracked: bool = False

    @property
    def first_offset(self) -> int:
        return self.offset - 9

    @first_offset.setter
    def first_offset(self, value: int) -> None:
        raise AssertionError("the first offset of a batch does not change")


def build_tracker(*offsets: int) -> tuple[OffsetTracker[tuple[str, int]], list[FakeTrackedBatch]]:
    tracker: OffsetTracker[tuple[str, int]] = OffsetTracker()
    batches = [FakeTrackedBatch(offset) for offset in offsets]
    for batch in batches:
        tracker.track(P, batch)
    return tracker, batches


def acknowledge(tracker: OffsetTracker[tuple[str, int]], *batches: FakeTrackedBatch, partition: tuple[str, int] = P) -> None:
    for batch in batches:
        tracker.acknowledge(partition, batch)


def test_nothing_is_committable_before_a_batch_is_tracked() -> None:
    tracker: OffsetTracker[str] = OffsetTracker()
    assert tracker.get_committable_offset("p") is None
    assert tracker.count_unacked("p") == NONE_UNACKED
    assert tracker.get_partitions() == []


def test_batches_acknowledged_in_order() -> None:
    tracker, (first, second) = build_tracker(9, 19)
    assert tracker.get_committable_offset(P) is None
    acknowledge(tracker, first)
    assert tracker.get_committable_offset(P) == 10
    acknowledge(tracker, second)
    assert tracker.get_committable_offset(P) == 20


def test_offsets_without_records_are_committed_after_the_batches_before_them() -> None:
    tracker, (batch,) = build_tracker(9)
    tracker.skip(P, 10)
    tracker.skip(P, 12)
    assert tracker.get_committable_offset(P) is None
    assert tracker.count_unacked(P).batches == 1
    acknowledge(tracker, batch)
    assert tracker.get_committable_offset(P) == 13
    tracker.skip(Q, 0)
    assert tracker.get_committable_offset(Q) == 1


def test_an_unacknowledged_first_batch_blocks_all_later_ones() -> None:
    tracker, (head, middle, tail) = build_tracker(9, 19, 29)
    acknowledge(tracker, middle, tail)
    assert tracker.get_committable_offset(P) is None
    assert tracker.count_unacked(P) == (1, 10, 1000, 30)
    acknowledge(tracker, head)
    assert tracker.get_committable_offset(P) == 30
    assert tracker.count_unacked(P) == NONE_UNACKED


def test_an_unacknowledged_middle_batch_blocks_later_ones() -> None:
    tracker, (head, _, tail) = build_tracker(9, 19, 29)
    acknowledge(tracker, head, tail)
    assert tracker.get_committable_offset(P) == 10
    assert tracker.count_unacked(P) == (1, 10, 1000, 20)


def test_an_unacknowledged_batch_of_one_record_blocks_later_ones() -> None:
    tracker, (head, _, tail) = build_tracker(4, 5, 6)
    acknowledge(tracker, head, tail)
    assert tracker.get_committable_offset(P) == 5


def test_a_committable_offset_remains_while_more_batches_are_in_flight() -> None:
    tracker, (first,) = build_tracker(9)
    acknowledge(tracker, first)
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
    acknowledge(tracker, *batches)
    assert tracker.get_committable_offset(P) == committable


def test_after_a_seek_only_redelivered_batches_count() -> None:
    tracker, (first, second) = build_tracker(9, 19)
    acknowledge(tracker, first)
    tracker.clear_all()
    assert tracker.get_committable_offset(P) is None
    redelivered = FakeTrackedBatch(9)
    tracker.track(P, redelivered)
    acknowledge(tracker, second)  # a late acknowledgement from before the seek
    assert tracker.get_committable_offset(P) is None
    acknowledge(tracker, redelivered)
    assert tracker.get_committable_offset(P) == 10


def test_only_the_revoked_partition_is_cleared() -> None:
    tracker, (revoked,) = build_tracker(9)
    other = FakeTrackedBatch(99)
    tracker.track(Q, other)
    tracker.clear_partitions([P])
    acknowledge(tracker, revoked)
    acknowledge(tracker, other, partition=Q)
    assert tracker.get_committable_offset(P) is None
    assert tracker.get_committable_offset(Q) == 100
    assert tracker.get_partitions() == [Q]


def test_clearing_an_unknown_partition_has_no_effect() -> None:
    tracker: OffsetTracker[str] = OffsetTracker()
    tracker.clear_partitions(["p"])
    tracker.clear_all()
    assert tracker.get_partitions() == []


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.data())
def test_in_any_order_exactly_the_acknowledged_prefix_is_committable(acked: list[bool], data: st.DataObject) -> None:
    tracker, batches = build_tracker(*(10 * number + 9 for number in range(len(acked))))
    order = data.draw(st.permutations([batch for batch, is_acked in zip(batches, acked, strict=True) if is_acked]))
    for batch in order:
        acknowledge(tracker, batch)
        tracker.get_committable_offset(P)
    prefix = acked.index(False) if False in acked else len(acked)
    assert tracker.get_committable_offset(P) == (10 * prefix if prefix else None)
    assert tracker.count_unacked(P) == UnackedCounts(
        acked.count(False), 10 * acked.count(False), 1000 * acked.count(False), 10 * (len(acked) - prefix)
    )


def test_finished_records_of_an_unacknowledged_batch_do_not_count() -> None:
    tracker, (first, _) = build_tracker(9, 19)
    tracker.set_unfinished(P, first, 1, 100)
    assert tracker.count_unacked(P) == (2, 11, 1100, 20)
    acknowledge(tracker, first)
    assert tracker.count_unacked(P) == (1, 10, 1000, 10)


def test_a_batch_whose_records_all_wait_elsewhere_does_not_count_until_one_of_them_does() -> None:
    tracker, (first, second) = build_tracker(9, 19)
    tracker.set_unfinished(P, first, 0, 0)
    tracker.set_unfinished(P, second, 0, 0)
    assert tracker.count_unacked(P) == (0, 0, 0, 20)
    tracker.set_unfinished(P, first, 3, 300)
    assert tracker.count_unacked(P) == (1, 3, 300, 20)
    acknowledge(tracker, first, second)
    assert tracker.count_unacked(P) == (0, 0, 0, 0)


def test_a_batch_from_before_a_seek_changes_no_counts() -> None:
    tracker, (first,) = build_tracker(9)
    tracker.clear_all()
    tracker.track(P, FakeTrackedBatch(9))
    tracker.set_unfinished(P, first, 1, 100)
    acknowledge(tracker, first)
    assert tracker.count_unacked(P) == (1, 10, 1000, 10)


def test_acknowledged_records_are_counted_in_any_order_and_through_a_seek() -> None:
    tracker, (_, second) = build_tracker(9, 19)
    acknowledge(tracker, second)
    assert tracker.acknowledged_records == 10
    tracker.clear_all()
    assert tracker.acknowledged_records == 10


def test_a_second_acknowledgement_changes_no_counts() -> None:
    tracker, (first, _) = build_tracker(9, 19)
    acknowledge(tracker, first, first)
    assert tracker.count_unacked(P) == (1, 10, 1000, 10)
