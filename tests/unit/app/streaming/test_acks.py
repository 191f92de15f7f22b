"""What may be committed is the acknowledged prefix, whatever the order, the gaps and the rebalances."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.streaming.acks import Acks, Unfinished

P = ("notifications.low", 0)
Q = ("notifications.low", 1)


@dataclass
class Batch:
    offset: int
    acked: bool = False
    value: Sequence[int] = range(10)


def acks_of(*offsets: int) -> tuple[Acks[tuple[str, int]], list[Batch]]:
    acks: Acks[tuple[str, int]] = Acks()
    batches = [Batch(offset) for offset in offsets]
    for batch in batches:
        acks.give(P, batch)
    return acks, batches


def finish(*batches: Batch) -> None:
    for batch in batches:
        batch.acked = True


def test_nothing_given_nothing_committable() -> None:
    acks: Acks[str] = Acks()
    assert acks.committable("p") is None
    assert acks.last("p") is None
    assert acks.unfinished("p") == (0, 0, 0)
    assert acks.partitions() == []


def test_in_order() -> None:
    acks, (first, second) = acks_of(9, 19)
    assert acks.committable(P) is None
    finish(first)
    assert acks.committable(P) == 10
    finish(second)
    assert acks.committable(P) == 20


def test_head_in_flight_holds_back_all_behind_it() -> None:
    acks, (head, middle, tail) = acks_of(9, 19, 29)
    finish(middle, tail)
    assert acks.committable(P) is None
    assert acks.unfinished(P) == (1, 10, 30)
    finish(head)
    assert acks.committable(P) == 30
    assert acks.unfinished(P) == (0, 0, 0)


def test_middle_in_flight_holds_back_what_is_behind_it() -> None:
    acks, (head, _, tail) = acks_of(9, 19, 29)
    finish(head, tail)
    assert acks.committable(P) == 10
    assert acks.unfinished(P) == (1, 10, 20)


def test_a_batch_of_one_record_in_flight_is_a_hole_too() -> None:
    acks, (head, _, tail) = acks_of(4, 5, 6)
    finish(head, tail)
    assert acks.committable(P) == 5


def test_what_was_committable_stays_so_while_more_is_in_flight() -> None:
    acks, (first,) = acks_of(9)
    finish(first)
    assert acks.committable(P) == 10
    acks.give(P, Batch(19))
    assert acks.committable(P) == 10


@pytest.mark.parametrize(
    ("offsets", "committable"),
    [
        ((9, 5_009), 5_010),  # retention removed thousands in between
        ((9, 11, 15), 16),  # compaction removed single ones
    ],
)
def test_gaps_in_the_log_do_not_hold_back(offsets: tuple[int, ...], committable: int) -> None:
    acks, batches = acks_of(*offsets)
    finish(*batches)
    assert acks.committable(P) == committable


def test_after_a_seek_only_what_is_given_again_counts() -> None:
    acks, (first, second) = acks_of(9, 19)
    finish(first)
    acks.forget_all()
    assert acks.committable(P) is None
    assert acks.last(P) is None
    again = Batch(9)
    acks.give(P, again)
    finish(second)  # a late acknowledgement of the life before
    assert acks.committable(P) is None
    finish(again)
    assert acks.committable(P) == 10


def test_a_revoked_partition_is_forgotten_and_no_other() -> None:
    acks, (mine,) = acks_of(9)
    other = Batch(99)
    acks.give(Q, other)
    acks.forget([P])
    finish(mine, other)
    assert acks.committable(P) is None
    assert acks.committable(Q) == 100
    assert acks.partitions() == [Q]


def test_forgetting_what_was_never_given_is_harmless() -> None:
    acks: Acks[str] = Acks()
    acks.forget(["p"])
    acks.forget_all()
    assert acks.partitions() == []


def test_the_last_offset_given_is_known_even_after_all_is_finished() -> None:
    acks, (first,) = acks_of(9)
    finish(first)
    assert acks.committable(P) == 10
    assert acks.last(P) == 9


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.data())
def test_in_whatever_order_exactly_the_finished_prefix_is_committable(done: list[bool], data: st.DataObject) -> None:
    acks, batches = acks_of(*(10 * number + 9 for number in range(len(done))))
    order = data.draw(st.permutations([batch for batch, finished in zip(batches, done, strict=True) if finished]))
    for batch in order:
        finish(batch)
        acks.committable(P)
    prefix = done.index(False) if False in done else len(done)
    assert acks.committable(P) == (10 * prefix if prefix else None)
    assert acks.unfinished(P) == Unfinished(done.count(False), 10 * done.count(False), 10 * (len(done) - prefix))
