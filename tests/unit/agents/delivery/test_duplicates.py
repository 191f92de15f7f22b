"""What arrives twice: over priorities, within a batch, and after a rebalance. Nothing is sent twice that need not be, nothing is lost."""

import pytest

from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import Status
from tests.delivery_builders import build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, MAYBE_SENT, NOT_SENT, DeliveryHarness, FakeBatchHandle


@pytest.fixture
def harness() -> DeliveryHarness:
    return DeliveryHarness()


def redeliver(held: FakeBatchHandle) -> FakeBatchHandle:
    """The same records, given again after a rebalance."""
    return FakeBatchHandle(held.batch)


async def test_a_second_record_of_a_delivery_in_flight_ends_at_once(harness: DeliveryHarness) -> None:
    first, second = harness.build_batch(build_delivery(), priority="low"), harness.build_batch(build_delivery(), priority="high")
    await harness.run_batches(first, second)
    harness.commit()
    assert (first.ack_count, second.ack_count) == (0, 1)
    harness.respond(ACCEPTED)
    harness.commit()
    assert first.ack_count
    assert len(harness.all_calls) == len(harness.status_events) == 1


async def test_two_records_of_a_delivery_in_one_batch_are_one_call(harness: DeliveryHarness) -> None:
    held = harness.build_batch(build_delivery(), build_delivery())
    await harness.run_batches(held)
    harness.respond(ACCEPTED)
    harness.commit()
    assert len(harness.all_calls) == 1
    assert held.ack_count
    assert harness.observed_batches[0].outcome_counts == {"skipped": 1, "ACCEPTED": 1}


async def test_a_second_record_that_comes_before_the_row_is_safe_is_still_skipped(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.respond(ACCEPTED)
    await harness.run_batches(harness.build_batch(build_delivery()))
    assert len(harness.all_calls) == 1


async def test_a_second_record_in_the_pause_is_skipped(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.respond(NOT_SENT)
    await harness.run_batches(harness.build_batch(build_delivery(attempt=1)))
    assert not harness.pending_calls
    harness.advance_clock(0.5)
    assert len(harness.pending_calls) == 1


async def test_a_redrive_that_comes_before_the_row_of_the_first_life_is_safe_is_sent(harness: DeliveryHarness) -> None:
    first, redrive = harness.build_batch(build_delivery()), harness.build_batch(build_delivery(redrive_count=1))
    await harness.run_batches(first)
    harness.respond(ACCEPTED)
    await harness.run_batches(redrive)
    harness.respond(ACCEPTED)
    harness.commit()
    assert [event.redrive_count for event in harness.status_events] == [0, 1]
    assert (first.ack_count, redrive.ack_count) == (1, 1)


async def test_a_later_attempt_that_comes_before_the_row_of_the_one_before_is_safe_is_sent(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.respond(ACCEPTED)
    await harness.run_batches(harness.build_batch(build_delivery(attempt=1)))
    assert len(harness.all_calls) == 2


async def test_the_same_offset_on_another_topic_is_another_record(harness: DeliveryHarness) -> None:
    low, high = harness.build_batch(build_delivery(), priority="low"), harness.build_batch(build_delivery(), priority="high")
    high.batch.records = low.batch.records
    await harness.run_batches(low, high)
    harness.respond(ACCEPTED)
    harness.commit()
    assert (low.ack_count, high.ack_count) == (1, 1)


async def test_after_the_commit_nothing_is_remembered_but_the_row(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.respond(ACCEPTED)
    harness.commit()
    assert not harness.deliverer._in_flight
    await harness.run_batches(harness.build_batch(build_delivery()))
    assert len(harness.all_calls) == 1


async def test_a_call_in_flight_goes_on_for_the_record_given_again(harness: DeliveryHarness) -> None:
    held = harness.build_batch(build_delivery())
    await harness.run_batches(held)
    harness.deliverer.on_partitions_revoked({3})
    new = redeliver(held)
    await harness.run_batches(new)
    assert len(harness.all_calls) == 1
    harness.respond(ACCEPTED)
    harness.commit()
    assert (held.ack_count, new.ack_count) == (0, 1)
    assert [event.status for event in harness.status_events] == [Status.SENT]


async def test_what_ended_without_its_row_getting_safe_is_recorded_again_and_not_sent_again(harness: DeliveryHarness) -> None:
    held = harness.build_batch(build_delivery(number=1), build_delivery(number=2))
    await harness.run_batches(held)
    harness.respond(ACCEPTED)
    harness.deliverer.on_partitions_revoked({3})
    harness.respond(ACCEPTED)
    harness.drop_uncommitted()
    new = redeliver(held)
    await harness.run_batches(new)
    assert len(harness.all_calls) == 2
    harness.commit()
    assert (held.ack_count, new.ack_count) == (0, 1)
    assert {event.status for event in harness.status_events} == {Status.SENT}
    assert len(harness.rows) == 2
    assert not harness.deliverer._in_flight


async def test_what_waits_for_a_lost_partition_is_not_sent(harness: DeliveryHarness) -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(max_in_flight=1, reserved_for_high=0))
    kept, lost = (
        harness.build_batch(build_delivery(number=1), partition=1),
        harness.build_batch(build_delivery(number=2), build_delivery(number=3), partition=2),
    )
    await harness.run_batches(kept, lost)
    harness.deliverer.on_partitions_revoked({2})
    harness.respond(ACCEPTED)
    harness.commit()
    assert len(harness.all_calls) == 1
    assert (kept.ack_count, lost.ack_count) == (1, 0)
    assert harness.deliverer.calls_in_flight == 0


async def test_what_waited_is_sent_once_when_its_record_is_given_again() -> None:
    world = DeliveryHarness(limits=ConcurrencyLimits(max_in_flight=1, reserved_for_high=0))
    held = world.build_batch(build_delivery(number=1), build_delivery(number=2))
    await world.run_batches(held)
    world.deliverer.on_partitions_revoked({3})
    new = redeliver(held)
    await world.run_batches(new)
    while world.pending_calls:
        world.respond(ACCEPTED)
    world.commit()
    assert [call.delivery_id for call in world.all_calls] == [build_delivery(number=1).id, build_delivery(number=2).id]
    assert new.ack_count


async def test_a_pause_of_a_lost_partition_ends_in_no_call(harness: DeliveryHarness) -> None:
    held = harness.build_batch(build_delivery())
    await harness.run_batches(held)
    harness.respond(NOT_SENT)
    harness.deliverer.on_partitions_revoked({3})
    harness.advance_clock(5)
    assert not harness.pending_calls
    new = redeliver(held)
    await harness.run_batches(new)
    harness.respond(ACCEPTED)
    harness.commit()
    assert new.ack_count


async def test_a_call_that_settles_nothing_for_a_lost_partition_is_not_repeated_until_the_record_comes_back(
    harness: DeliveryHarness,
) -> None:
    held = harness.build_batch(build_delivery())
    await harness.run_batches(held)
    harness.deliverer.on_partitions_revoked({3})
    harness.respond(MAYBE_SENT)
    harness.advance_clock(5)
    assert len(harness.all_calls) == 1
    new = redeliver(held)
    await harness.run_batches(new)
    assert len(harness.all_calls) == 2
    harness.respond(ACCEPTED)
    harness.commit()
    assert new.ack_count


async def test_a_record_given_again_without_notice_of_a_loss_goes_on_too(harness: DeliveryHarness) -> None:
    held = harness.build_batch(build_delivery())
    await harness.run_batches(held)
    new = redeliver(held)
    await harness.run_batches(new)
    harness.respond(ACCEPTED)
    harness.commit()
    assert (len(harness.all_calls), held.ack_count, new.ack_count) == (1, 0, 1)


async def test_what_is_remembered_of_a_partition_that_never_returns_is_forgotten_at_the_next_loss(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.deliverer.on_partitions_revoked({3})
    harness.respond(ACCEPTED)
    harness.drop_uncommitted()
    assert harness.deliverer._in_flight
    harness.deliverer.on_partitions_revoked({3})
    assert not harness.deliverer._in_flight
