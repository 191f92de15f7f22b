"""Tests of the concurrency limits through the Deliverer: bounds, priorities, accounts."""

from types import SimpleNamespace
from typing import Any

import pytest

from agents.delivery.call_queues import PartitionedQueue
from agents.providers.webhook import Webhook
from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import PRIORITIES, Priority
from schemas.http import HttpResponse
from tests.delivery_builders import NOW, build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, DeliveryHarness

NO_CONTENT = HttpResponse(204, {}, b"")
SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def make_harness(calls: int, for_high: int = 0, per_account: int = 1000) -> DeliveryHarness:
    return DeliveryHarness(limits=ConcurrencyLimits(calls, for_high, per_account))


def build_range(first: int, count: int) -> range:
    return range(first, first + count)


async def run_batch(harness: DeliveryHarness, priority: Priority, numbers: range) -> None:
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in numbers], priority=priority))


def get_ids(numbers: range) -> list[str]:
    return [build_delivery(number=number).id for number in numbers]


async def test_calls_are_limited_and_each_result_starts_the_next_in_order() -> None:
    harness = make_harness(calls=3)
    await run_batch(harness, "low", build_range(1, 5))
    assert harness.called_ids == get_ids(build_range(1, 3))
    assert harness.deliverer.calls_in_flight == 3
    harness.respond(ACCEPTED)
    assert harness.called_ids == get_ids(build_range(2, 3))


async def test_the_high_priority_has_reserved_calls_and_can_use_the_others() -> None:
    harness = make_harness(calls=3, for_high=1)
    await run_batch(harness, "low", build_range(1, 4))
    assert len(harness.pending_calls) == 2
    await run_batch(harness, "high", build_range(10, 3))
    assert harness.called_ids == [*get_ids(build_range(1, 2)), *get_ids(build_range(10, 1))]
    harness.respond(ACCEPTED)
    assert harness.called_ids[-1] == get_ids(build_range(11, 1))[0]
    harness.respond(ACCEPTED)
    assert harness.called_ids == get_ids(build_range(10, 3))


async def test_high_is_called_first_then_medium_and_low_in_turns() -> None:
    harness = make_harness(calls=1)
    await run_batch(harness, "low", build_range(1, 3))
    await run_batch(harness, "medium", build_range(10, 2))
    await run_batch(harness, "high", build_range(20, 1))
    order = []
    while harness.pending_calls:
        order.append(harness.called_ids[0])
        harness.respond(ACCEPTED)
    numbers = {build_delivery(number=number).id: number for number in (1, 2, 3, 10, 11, 20)}
    assert [numbers[an_id] for an_id in order] == [1, 20, 10, 2, 11, 3]


async def test_a_delivery_without_a_call_is_not_counted() -> None:
    harness = make_harness(calls=1)
    await harness.run_batches(
        harness.build_batch(*[build_delivery(number=number, expires_at=NOW) for number in (1, 2)], build_delivery(number=3))
    )
    assert harness.called_ids == get_ids(build_range(3, 1))
    assert harness.deliverer.calls_in_flight == 1


@pytest.fixture
def webhook_harness() -> DeliveryHarness:
    """Webhooks: at most 2 calls to one host and 6 in total, 1 of them reserved for the high priority."""
    return DeliveryHarness(Webhook(SECRET), limits=ConcurrencyLimits(6, 1, 2))


def build_webhooks(host: str, numbers: range) -> list:  # type: ignore[type-arg]
    return [build_delivery("webhook", number=number, address=f"https://{host}.example.org/") for number in numbers]


async def test_a_slow_host_uses_only_its_own_limit(webhook_harness: DeliveryHarness) -> None:
    slow, healthy = build_webhooks("slow", build_range(1, 50)), build_webhooks("healthy", build_range(100, 3))
    await webhook_harness.run_batches(webhook_harness.build_batch(*slow, *healthy, priority="low"))
    assert webhook_harness.called_ids == [delivery.id for delivery in (*slow[:2], *healthy[:2])]


async def test_a_delivery_that_waits_for_its_host_is_called_when_a_call_ends(webhook_harness: DeliveryHarness) -> None:
    slow = build_webhooks("slow", build_range(1, 4))
    handle = webhook_harness.build_batch(*slow, priority="low")
    await webhook_harness.run_batches(handle)
    called = []
    while webhook_harness.pending_calls:
        assert len(webhook_harness.pending_calls) <= 2
        called.append(webhook_harness.called_ids[0])
        webhook_harness.respond(NO_CONTENT)
    webhook_harness.commit()
    assert called == [delivery.id for delivery in slow]
    assert handle.ack_count


async def test_a_delivery_that_waits_for_its_host_precedes_later_ones() -> None:
    harness = DeliveryHarness(Webhook(SECRET), limits=ConcurrencyLimits(2, 0, 1))
    early, later = (
        build_webhooks("a", build_range(1, 2)),
        [*build_webhooks("b", build_range(3, 1)), *build_webhooks("c", build_range(4, 1))],
    )
    await harness.run_batches(harness.build_batch(*early, *later, priority="low"))
    assert harness.called_ids == [early[0].id, later[0].id]
    harness.respond(NO_CONTENT)
    assert harness.called_ids == [later[0].id, early[1].id]


async def test_high_is_first_among_the_deliveries_that_wait_for_a_host(webhook_harness: DeliveryHarness) -> None:
    low, high = build_webhooks("busy", build_range(1, 3)), build_webhooks("busy", build_range(10, 1))
    await webhook_harness.run_batches(
        webhook_harness.build_batch(*low, priority="low"), webhook_harness.build_batch(*high, priority="high")
    )
    webhook_harness.respond(NO_CONTENT)
    assert webhook_harness.called_ids == [low[1].id, high[0].id]


async def test_a_host_without_calls_is_removed(webhook_harness: DeliveryHarness) -> None:
    await webhook_harness.run_batches(
        webhook_harness.build_batch(*build_webhooks("a", build_range(1, 3)), *build_webhooks("b", build_range(4, 1)), priority="low")
    )
    while webhook_harness.pending_calls:
        webhook_harness.respond(NO_CONTENT)
    assert not webhook_harness.deliverer._limiter._accounts


async def test_no_call_starts_while_the_outbox_is_full() -> None:
    harness = make_harness(calls=2)
    harness.outbox_limit = 2
    await run_batch(harness, "low", build_range(1, 5))
    harness.respond(ACCEPTED)
    assert harness.called_ids == get_ids(build_range(2, 2)), "one uncommitted row: below the limit"
    harness.respond(ACCEPTED)
    assert harness.called_ids == get_ids(build_range(3, 1)), "two uncommitted rows: at the limit"
    harness.commit()
    assert harness.called_ids == get_ids(build_range(3, 2))


async def test_a_partition_with_uncommitted_work_holds_up_neither_another_one_nor_its_high_deliveries() -> None:
    harness = make_harness(calls=1)
    harness.outbox_limit = 1
    stuck = harness.build_batch(*[build_delivery(number=number) for number in (1, 2)], priority="low", partition=1)
    urgent = harness.build_batch(build_delivery(number=3), priority="high", partition=1)
    other = harness.build_batch(build_delivery(number=4), priority="low", partition=2)
    await harness.run_batches(stuck)
    harness.respond(ACCEPTED)
    await harness.run_batches(other, urgent)
    called = []
    while harness.called_ids:
        called += harness.called_ids
        harness.respond(ACCEPTED)
    assert called == get_ids([*build_range(4, 1), *build_range(3, 1)]), "partition 1 has uncommitted rows"
    harness.commit(partitions={1})
    assert harness.called_ids == get_ids(build_range(2, 1))


@pytest.mark.parametrize("is_held", [False, True])
def test_nothing_is_left_of_a_dropped_partition(is_held: bool) -> None:
    queue = PartitionedQueue()
    for priority in PRIORITIES:
        in_flight: Any = SimpleNamespace(batch=SimpleNamespace(priority=priority, partition=1))
        queue.put(in_flight)
    if is_held:
        queue.hold(1)
    queue.drop(1)
    assert queue.take(high_only=False) is None
    assert not queue.held


async def test_held_deliveries_of_a_revoked_partition_are_not_called() -> None:
    harness = make_harness(calls=1)
    harness.outbox_limit = 1
    await run_batch(harness, "low", build_range(1, 2))
    harness.respond(ACCEPTED)
    harness.deliverer.on_partitions_revoked({3})
    harness.commit()
    assert harness.called_ids == []
    assert not harness.deliverer._limiter.queue.held


async def test_a_revoked_delivery_that_finds_its_partition_full_holds_up_none_of_the_next_assignment() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(100, 0, 1))
    await run_batch(harness, "low", build_range(1, 2))  # the second one waits for the account
    harness.outbox_limit = 0
    harness.deliverer.on_partitions_revoked({3})
    harness.respond(ACCEPTED)
    harness.drop_uncommitted()
    harness.outbox_limit = 10
    await run_batch(harness, "low", build_range(10, 1))
    assert harness.called_ids == get_ids(build_range(10, 1))


async def test_deliveries_of_a_held_partition_leave_the_calls_of_their_account_to_others() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(100, 0, 2))
    harness.outbox_limit = 2
    for partition, numbers in ((1, build_range(1, 8)), (2, build_range(11, 2))):
        deliveries = [build_delivery(number=number) for number in numbers]
        await harness.run_batches(harness.build_batch(*deliveries, priority="low", partition=partition))
    for _ in range(3):
        harness.respond(ACCEPTED)
    assert set(harness.called_ids) == set(get_ids(build_range(11, 2)))


async def test_deliveries_that_wait_for_a_commit_are_not_tried_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = make_harness(calls=1)
    harness.outbox_limit = 1
    checks: list[int] = []
    monkeypatch.setattr(harness, "is_full", lambda partition, check=harness.is_full: checks.append(partition) or check(partition))
    await run_batch(harness, "low", build_range(1, 100))
    harness.respond(ACCEPTED)
    assert len(checks) == 2, "for the first delivery, and for the one that is held"
    await run_batch(harness, "medium", build_range(200, 100))
    harness.commit()
    assert len(harness.called_ids) == 1
    assert len(checks) == 3


async def test_the_partitions_take_turns_within_a_priority() -> None:
    harness = make_harness(calls=1)
    for partition, numbers in ((1, build_range(1, 3)), (2, build_range(11, 2))):
        deliveries = [build_delivery(number=number) for number in numbers]
        await harness.run_batches(harness.build_batch(*deliveries, priority="low", partition=partition))
    order = []
    while harness.pending_calls:
        order += harness.called_ids
        harness.respond(ACCEPTED)
    assert order == [build_delivery(number=number).id for number in (1, 2, 11, 3, 12)]
