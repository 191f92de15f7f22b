"""What arrives twice: over the lanes, within a batch, and after a rebalance. Nothing is sent twice that need not be, nothing is lost."""

import pytest

from schemas.policies import CallLimits
from schemas.words import StatusName
from tests.deliveries import a_delivery
from tests.unit.agents.delivery.world import ACCEPTED, MAYBE_SENT, NOT_SENT, Held, World


@pytest.fixture
def world() -> World:
    return World()


def again(held: Held) -> Held:
    """The same records, given again after a rebalance."""
    return Held(held.batch)


async def test_a_second_record_of_a_delivery_in_flight_ends_at_once(world: World) -> None:
    first, second = world.batch(a_delivery(), lane="low"), world.batch(a_delivery(), lane="high")
    await world.take(first, second)
    world.commit()
    assert (first.acked, second.acked) == (0, 1)
    world.answer(ACCEPTED)
    world.commit()
    assert first.acked
    assert len(world.asked) == len(world.events) == 1


async def test_two_records_of_a_delivery_in_one_batch_are_one_call(world: World) -> None:
    held = world.batch(a_delivery(), a_delivery())
    await world.take(held)
    world.answer(ACCEPTED)
    world.commit()
    assert len(world.asked) == 1
    assert held.acked
    assert world.batches_seen[0].counts == {"skipped": 1, "ACCEPTED": 1}


async def test_a_second_record_that_comes_before_the_row_is_safe_is_still_skipped(world: World) -> None:
    await world.take(world.batch(a_delivery()))
    world.answer(ACCEPTED)
    await world.take(world.batch(a_delivery()))
    assert len(world.asked) == 1


async def test_a_second_record_in_the_pause_is_skipped(world: World) -> None:
    await world.take(world.batch(a_delivery()))
    world.answer(NOT_SENT)
    await world.take(world.batch(a_delivery(attempt=1)))
    assert not world.calls
    world.advance(0.5)
    assert len(world.calls) == 1


async def test_a_redrive_that_comes_before_the_row_of_the_first_life_is_safe_is_sent(world: World) -> None:
    first, redrive = world.batch(a_delivery()), world.batch(a_delivery(generation=1))
    await world.take(first)
    world.answer(ACCEPTED)
    await world.take(redrive)
    world.answer(ACCEPTED)
    world.commit()
    assert [event.generation for event in world.events] == [0, 1]
    assert (first.acked, redrive.acked) == (1, 1)


async def test_a_later_attempt_that_comes_before_the_row_of_the_one_before_is_safe_is_sent(world: World) -> None:
    await world.take(world.batch(a_delivery()))
    world.answer(ACCEPTED)
    await world.take(world.batch(a_delivery(attempt=1)))
    assert len(world.asked) == 2


async def test_the_same_offset_on_another_topic_is_another_record(world: World) -> None:
    low, high = world.batch(a_delivery(), lane="low"), world.batch(a_delivery(), lane="high")
    high.batch.records = low.batch.records
    await world.take(low, high)
    world.answer(ACCEPTED)
    world.commit()
    assert (low.acked, high.acked) == (1, 1)


async def test_after_the_commit_nothing_is_remembered_but_the_row(world: World) -> None:
    await world.take(world.batch(a_delivery()))
    world.answer(ACCEPTED)
    world.commit()
    assert not world.deliverer._under_way
    await world.take(world.batch(a_delivery()))
    assert len(world.asked) == 1


async def test_a_call_in_flight_goes_on_for_the_record_given_again(world: World) -> None:
    held = world.batch(a_delivery())
    await world.take(held)
    world.deliverer.lost({3})
    new = again(held)
    await world.take(new)
    assert len(world.asked) == 1
    world.answer(ACCEPTED)
    world.commit()
    assert (held.acked, new.acked) == (0, 1)
    assert [event.status for event in world.events] == [StatusName.SENT]


async def test_what_ended_without_its_row_getting_safe_is_recorded_again_and_not_sent_again(world: World) -> None:
    held = world.batch(a_delivery(number=1), a_delivery(number=2))
    await world.take(held)
    world.answer(ACCEPTED)
    world.deliverer.lost({3})
    world.answer(ACCEPTED)
    world.lose()
    new = again(held)
    await world.take(new)
    assert len(world.asked) == 2
    world.commit()
    assert (held.acked, new.acked) == (0, 1)
    assert {event.status for event in world.events} == {StatusName.SENT}
    assert len(world.rows) == 2
    assert not world.deliverer._under_way


async def test_what_waits_for_a_lost_partition_is_not_sent(world: World) -> None:
    world = World(limits=CallLimits(calls=1, for_high=0))
    kept, lost = world.batch(a_delivery(number=1), partition=1), world.batch(a_delivery(number=2), a_delivery(number=3), partition=2)
    await world.take(kept, lost)
    world.deliverer.lost({2})
    world.answer(ACCEPTED)
    world.commit()
    assert len(world.asked) == 1
    assert (kept.acked, lost.acked) == (1, 0)
    assert world.deliverer.calls_in_flight == 0


async def test_what_waited_is_sent_once_when_its_record_is_given_again() -> None:
    world = World(limits=CallLimits(calls=1, for_high=0))
    held = world.batch(a_delivery(number=1), a_delivery(number=2))
    await world.take(held)
    world.deliverer.lost({3})
    new = again(held)
    await world.take(new)
    while world.calls:
        world.answer(ACCEPTED)
    world.commit()
    assert [call.delivery_id for call in world.asked] == [a_delivery(number=1).id, a_delivery(number=2).id]
    assert new.acked


async def test_a_pause_of_a_lost_partition_ends_in_no_call(world: World) -> None:
    held = world.batch(a_delivery())
    await world.take(held)
    world.answer(NOT_SENT)
    world.deliverer.lost({3})
    world.advance(5)
    assert not world.calls
    new = again(held)
    await world.take(new)
    world.answer(ACCEPTED)
    world.commit()
    assert new.acked


async def test_a_call_that_settles_nothing_for_a_lost_partition_is_not_repeated_until_the_record_comes_back(world: World) -> None:
    held = world.batch(a_delivery())
    await world.take(held)
    world.deliverer.lost({3})
    world.answer(MAYBE_SENT)
    world.advance(5)
    assert len(world.asked) == 1
    new = again(held)
    await world.take(new)
    assert len(world.asked) == 2
    world.answer(ACCEPTED)
    world.commit()
    assert new.acked


async def test_a_record_given_again_without_notice_of_a_loss_goes_on_too(world: World) -> None:
    held = world.batch(a_delivery())
    await world.take(held)
    new = again(held)
    await world.take(new)
    world.answer(ACCEPTED)
    world.commit()
    assert (len(world.asked), held.acked, new.acked) == (1, 0, 1)


async def test_what_is_remembered_of_a_partition_that_never_returns_is_forgotten_at_the_next_loss(world: World) -> None:
    await world.take(world.batch(a_delivery()))
    world.deliverer.lost({3})
    world.answer(ACCEPTED)
    world.lose()
    assert world.deliverer._under_way
    world.deliverer.lost({3})
    assert not world.deliverer._under_way
