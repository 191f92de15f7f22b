"""Tests of deliveries that arrive twice: on several priorities, within a batch, and after a rebalance."""

import pytest

from schemas.enums import Status
from tests.delivery_builders import build_delivery
from tests.settings_builders import build_concurrency_limits
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, DeliveryHarness


@pytest.fixture
def harness() -> DeliveryHarness:
    return DeliveryHarness()


async def test_a_second_record_of_a_delivery_in_flight_is_skipped(harness: DeliveryHarness) -> None:
    first, second = harness.build_batch(build_delivery(), priority="low"), harness.build_batch(build_delivery(), priority="high")
    await harness.run_batches(first, second)
    harness.commit()
    assert (first.ack_count, second.ack_count) == (0, 1)
    harness.respond(ACCEPTED)
    harness.commit()
    assert first.ack_count
    assert len(harness.all_calls) == len(harness.status_events) == 1


async def test_two_records_of_a_delivery_in_one_batch_make_one_call(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery(), build_delivery())
    await harness.run_batches(handle)
    harness.respond(ACCEPTED)
    harness.commit()
    assert len(harness.all_calls) == 1
    assert handle.ack_count
    assert harness.observed_batches[0].outcome_counts == {"skipped": 1, "ACCEPTED": 1}


async def test_a_second_record_before_the_commit_of_the_row_is_skipped(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.respond(ACCEPTED)
    await harness.run_batches(harness.build_batch(build_delivery()))
    assert len(harness.all_calls) == 1


async def test_a_redrive_before_the_commit_of_the_row_is_sent(harness: DeliveryHarness) -> None:
    first, redrive = harness.build_batch(build_delivery()), harness.build_batch(build_delivery(redrive_count=1))
    await harness.run_batches(first)
    harness.respond(ACCEPTED)
    await harness.run_batches(redrive)
    harness.respond(ACCEPTED)
    harness.commit()
    assert [event.redrive_count for event in harness.status_events] == [0, 1]
    assert (first.ack_count, redrive.ack_count) == (1, 1)


async def test_the_same_offset_on_another_topic_is_another_record(harness: DeliveryHarness) -> None:
    low, high = harness.build_batch(build_delivery(), priority="low"), harness.build_batch(build_delivery(), priority="high")
    high.batch.records = low.batch.records
    await harness.run_batches(low, high)
    harness.respond(ACCEPTED)
    harness.commit()
    assert (low.ack_count, high.ack_count) == (1, 1)


async def test_after_the_commit_only_the_row_is_kept(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.respond(ACCEPTED)
    harness.commit()
    assert not harness.deliverer._registry
    await harness.run_batches(harness.build_batch(build_delivery()))
    assert len(harness.all_calls) == 1


async def test_a_call_in_flight_serves_the_record_that_is_read_again(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery())
    await harness.run_batches(handle)
    harness.deliverer.on_partitions_revoked({3})
    redelivered = handle.reread()
    await harness.run_batches(redelivered)
    assert len(harness.all_calls) == 1
    harness.respond(ACCEPTED)
    harness.commit()
    assert (handle.ack_count, redelivered.ack_count) == (0, 1)
    assert [event.status for event in harness.status_events] == [Status.SENT]


async def test_a_result_whose_row_was_not_committed_is_neither_called_for_nor_reported_again(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery(number=1), build_delivery(number=2))
    await harness.run_batches(handle)
    harness.respond(ACCEPTED)
    harness.deliverer.on_partitions_revoked({3})
    harness.respond(ACCEPTED)
    harness.drop_uncommitted()
    redelivered = handle.reread()
    await harness.run_batches(redelivered)
    assert len(harness.all_calls) == 2
    harness.commit()
    assert (handle.ack_count, redelivered.ack_count) == (0, 1)
    assert [event.status for event in harness.status_events] == [Status.SENT, Status.SENT]
    assert len(harness.observed_attempts) == len(harness.rows) == 2
    assert harness.observed_batches[-1].outcome_counts == {"ACCEPTED": 2}
    assert not harness.deliverer._registry


async def test_a_dead_letter_whose_row_was_not_committed_is_not_reported_again(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery())
    await harness.run_batches(handle)
    harness.deliverer.on_partitions_revoked({3})
    harness.respond(BAD_REQUEST)
    harness.drop_uncommitted()
    await harness.run_batches(redelivered := handle.reread())
    harness.commit()
    assert redelivered.ack_count
    assert len(harness.dead_letters) == len(harness.observed_dead_letters) == len(harness.status_events) == 1


async def test_a_waiting_delivery_of_a_revoked_partition_is_not_sent() -> None:
    harness = DeliveryHarness(limits=build_concurrency_limits(max_in_flight=1, reserved_for_high=0))
    kept, revoked = (
        harness.build_batch(build_delivery(number=1), partition=1),
        harness.build_batch(build_delivery(number=2), build_delivery(number=3), partition=2),
    )
    await harness.run_batches(kept, revoked)
    harness.deliverer.on_partitions_revoked({2})
    harness.respond(ACCEPTED)
    harness.commit()
    assert len(harness.all_calls) == 1
    assert (kept.ack_count, revoked.ack_count) == (1, 0)
    assert harness.deliverer.calls_in_flight == 0


async def test_a_waiting_delivery_is_sent_once_when_its_record_is_read_again() -> None:
    harness = DeliveryHarness(limits=build_concurrency_limits(max_in_flight=1, reserved_for_high=0))
    handle = harness.build_batch(build_delivery(number=1), build_delivery(number=2))
    await harness.run_batches(handle)
    harness.deliverer.on_partitions_revoked({3})
    redelivered = handle.reread()
    await harness.run_batches(redelivered)
    while harness.pending_calls:
        harness.respond(ACCEPTED)
    harness.commit()
    assert [call.delivery_id for call in harness.all_calls] == [build_delivery(number=1).id, build_delivery(number=2).id]
    assert redelivered.ack_count


async def test_a_record_that_is_read_again_without_a_revocation_makes_no_second_call(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery())
    await harness.run_batches(handle)
    redelivered = handle.reread()
    await harness.run_batches(redelivered)
    harness.respond(ACCEPTED)
    harness.commit()
    assert (len(harness.all_calls), handle.ack_count, redelivered.ack_count) == (1, 0, 1)


async def test_a_kept_result_is_removed_at_the_next_revocation(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.deliverer.on_partitions_revoked({3})
    harness.respond(ACCEPTED)
    harness.drop_uncommitted()
    assert harness.deliverer._registry
    harness.deliverer.on_partitions_revoked({3})
    assert not harness.deliverer._registry
