"""What may be committed is the acknowledged prefix, whatever the order, the gaps and the rebalances."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.streaming.consumer.ack_tracker import AckTracker, UnackedCounts

P = ("notifications.low", 0)
Q = ("notifications.low", 1)


@dataclass
class FakeTrackedBatch:
    offset: int
    acked: bool = False
    value: Sequence[int] = range(10)


def build_tracker(*offsets: int) -> tuple[AckTracker[tuple[str, int]], list[FakeTrackedBatch]]:
    acks: AckTracker[tuple[str, int]] = AckTracker()
    batches = [FakeTrackedBatch(offset) for offset in offsets]
    for batch in batches:
        acks.track(P, batch)
    return acks, batches


def acknowledge(*batches: FakeTrackedBatch) -> None:
    for batch in batches:
        batch.acked = True


def test_nothing_given_nothing_committable() -> None:
    acks: AckTracker[str] = AckTracker()
    assert acks.get_committable_offset("p") is None
    assert acks.get_last_offset("p") is None
    assert acks.count_unacked("p") == (0, 0, 0)
    assert acks.get_partitions() == []


def test_in_order() -> None:
    acks, (first, second) = build_tracker(9, 19)
    assert acks.get_committable_offset(P) is None
    acknowledge(first)
    assert acks.get_committable_offset(P) == 10
    acknowledge(second)
    assert acks.get_committable_offset(P) == 20


def test_head_in_flight_holds_back_all_behind_it() -> None:
    acks, (head, middle, tail) = build_tracker(9, 19, 29)
    acknowledge(middle, tail)
    assert acks.get_committable_offset(P) is None
    assert acks.count_unacked(P) == (1, 10, 30)
    acknowledge(head)
    assert acks.get_committable_offset(P) == 30
    assert acks.count_unacked(P) == (0, 0, 0)


def test_middle_in_flight_holds_back_what_is_behind_it() -> None:
    acks, (head, _, tail) = build_tracker(9, 19, 29)
    acknowledge(head, tail)
    assert acks.get_committable_offset(P) == 10
    assert acks.count_unacked(P) == (1, 10, 20)


def test_a_batch_of_one_record_in_flight_is_a_hole_too() -> None:
    acks, (head, _, tail) = build_tracker(4, 5, 6)
    acknowledge(head, tail)
    assert acks.get_committable_offset(P) == 5


def test_what_was_committable_stays_so_while_more_is_in_flight() -> None:
    acks, (first,) = build_tracker(9)
    acknowledge(first)
    assert acks.get_committable_offset(P) == 10
    acks.track(P, FakeTrackedBatch(19))
    assert acks.get_committable_offset(P) == 10


@pytest.mark.parametrize(
    ("offsets", "committable"),
    [
        ((9, 5_009), 5_010),  # retention removed thousands in between
        ((9, 11, 15), 16),  # compaction removed single ones
    ],
)
def test_gaps_in_the_log_do_not_hold_back(offsets: tuple[int, ...], committable: int) -> None:
    acks, batches = build_tracker(*offsets)
    acknowledge(*batches)
    assert acks.get_committable_offset(P) == committable


def test_after_a_seek_only_what_is_given_again_counts() -> None:
    acks, (first, second) = build_tracker(9, 19)
    acknowledge(first)
    acks.clear_all()
    assert acks.get_committable_offset(P) is None
    assert acks.get_last_offset(P) is None
    again = FakeTrackedBatch(9)
    acks.track(P, again)
    acknowledge(second)  # a late acknowledgement of the life before
    assert acks.get_committable_offset(P) is None
    acknowledge(again)
    assert acks.get_committable_offset(P) == 10


def test_a_revoked_partition_is_forgotten_and_no_other() -> None:
    acks, (mine,) = build_tracker(9)
    other = FakeTrackedBatch(99)
    acks.track(Q, other)
    acks.clear_partitions([P])
    acknowledge(mine, other)
    assert acks.get_committable_offset(P) is None
    assert acks.get_committable_offset(Q) == 100
    assert acks.get_partitions() == [Q]


def test_forgetting_what_was_never_given_is_harmless() -> None:
    acks: AckTracker[str] = AckTracker()
    acks.clear_partitions(["p"])
    acks.clear_all()
    assert acks.get_partitions() == []


def test_the_last_offset_given_is_known_even_after_all_is_finished() -> None:
    acks, (first,) = build_tracker(9)
    acknowledge(first)
    assert acks.get_committable_offset(P) == 10
    assert acks.get_last_offset(P) == 9


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.data())
def test_in_whatever_order_exactly_the_finished_prefix_is_committable(done: list[bool], data: st.DataObject) -> None:
    acks, batches = build_tracker(*(10 * number + 9 for number in range(len(done))))
    order = data.draw(st.permutations([batch for batch, finished in zip(batches, done, strict=True) if finished]))
    for batch in order:
        acknowledge(batch)
        acks.get_committable_offset(P)
    prefix = done.index(False) if False in done else len(done)
    assert acks.get_committable_offset(P) == (10 * prefix if prefix else None)
    assert acks.count_unacked(P) == UnackedCounts(done.count(False), 10 * done.count(False), 10 * (len(done) - prefix))
