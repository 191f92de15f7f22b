"""Who may call next: bounds, priorities, accounts; seen from outside, through the worker."""

import pytest

from agents.providers.webhook import Webhook
from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import Priority
from tests.delivery_builders import NOW, build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, NOT_SENT, DeliveryHarness

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def make_harness(calls: int, for_high: int = 0, per_account: int = 1000) -> DeliveryHarness:
    return DeliveryHarness(limits=ConcurrencyLimits(calls, for_high, per_account))


def build_range(first: int, count: int) -> range:
    return range(first, first + count)


async def run_batch(world: DeliveryHarness, priority: Priority, numbers: range) -> None:
    await world.run_batches(world.build_batch(*[build_delivery(number=number) for number in numbers], priority=priority))


def get_ids(which: range) -> list[str]:
    return [build_delivery(number=number).id for number in which]


async def test_no_more_calls_than_allowed_and_each_end_starts_the_next_in_order() -> None:
    world = make_harness(calls=3)
    await run_batch(world, "low", build_range(1, 5))
    assert world.called_ids == get_ids(build_range(1, 3))
    assert world.deliverer.calls_in_flight == 3
    world.respond(ACCEPTED)
    assert world.called_ids == get_ids(build_range(2, 3))


async def test_a_call_that_ends_in_a_pause_gives_its_place_away() -> None:
    world = make_harness(calls=1)
    await run_batch(world, "low", build_range(1, 2))
    world.respond(NOT_SENT)
    assert world.called_ids == get_ids(build_range(2, 1))
    world.advance_clock(1)
    assert world.called_ids == get_ids(build_range(2, 1))
    world.respond(ACCEPTED)
    assert world.called_ids == get_ids(build_range(1, 1))


async def test_the_high_priority_has_a_share_of_its_own_and_may_take_the_rest() -> None:
    world = make_harness(calls=3, for_high=1)
    await run_batch(world, "low", build_range(1, 4))
    assert len(world.pending_calls) == 2
    await run_batch(world, "high", build_range(10, 3))
    assert world.called_ids == [*get_ids(build_range(1, 2)), *get_ids(build_range(10, 1))]
    world.respond(ACCEPTED)
    assert world.called_ids[-1] == get_ids(build_range(11, 1))[0]
    world.respond(ACCEPTED)
    assert world.called_ids == get_ids(build_range(10, 3))


async def test_high_goes_first_and_medium_and_low_take_turns() -> None:
    world = make_harness(calls=1)
    await run_batch(world, "low", build_range(1, 3))
    await run_batch(world, "medium", build_range(10, 2))
    await run_batch(world, "high", build_range(20, 1))
    order = []
    while world.pending_calls:
        order.append(world.called_ids[0])
        world.respond(ACCEPTED)
    number = {build_delivery(number=number).id: number for number in (1, 2, 3, 10, 11, 20)}
    assert [number[an_id] for an_id in order] == [1, 20, 10, 2, 11, 3]


async def test_a_delivery_that_needs_no_call_takes_no_place() -> None:
    world = make_harness(calls=1)
    await world.run_batches(
        world.build_batch(*[build_delivery(number=number, expires_at=NOW) for number in (1, 2)], build_delivery(number=3))
    )
    assert world.called_ids == get_ids(build_range(3, 1))
    assert world.deliverer.calls_in_flight == 1


@pytest.fixture
def webhook_harness() -> DeliveryHarness:
    """Webhooks: at most 2 calls to one host, 6 in all, 1 of them for the high priority."""
    return DeliveryHarness(Webhook(SECRET), limits=ConcurrencyLimits(6, 1, 2))


def build_webhooks(host: str, numbers: range) -> list:  # type: ignore[type-arg]
    return [build_delivery("webhook", number=number, address=f"https://{host}.example.org/") for number in numbers]


async def test_a_dead_host_takes_only_its_own_places(webhook_harness: DeliveryHarness) -> None:
    dead, well = build_webhooks("dead", build_range(1, 50)), build_webhooks("well", build_range(100, 3))
    await webhook_harness.run_batches(webhook_harness.build_batch(*dead, *well, priority="low"))
    assert webhook_harness.called_ids == [delivery.id for delivery in (*dead[:2], *well[:2])]


async def test_what_a_host_has_parked_goes_on_when_one_of_its_calls_ends(webhook_harness: DeliveryHarness) -> None:
    dead = build_webhooks("dead", build_range(1, 4))
    held = webhook_harness.build_batch(*dead, priority="low")
    await webhook_harness.run_batches(held)
    seen = []
    while webhook_harness.pending_calls:
        assert len(webhook_harness.pending_calls) <= 2
        seen.append(webhook_harness.called_ids[0])
        webhook_harness.respond(ACCEPTED._replace(status_code=204))
    webhook_harness.commit()
    assert seen == [delivery.id for delivery in dead]
    assert held.ack_count


async def test_what_was_parked_goes_before_what_came_later() -> None:
    world = DeliveryHarness(Webhook(SECRET), limits=ConcurrencyLimits(2, 0, 1))
    early, later = (
        build_webhooks("a", build_range(1, 2)),
        [*build_webhooks("b", build_range(3, 1)), *build_webhooks("c", build_range(4, 1))],
    )
    await world.run_batches(world.build_batch(*early, *later, priority="low"))
    assert world.called_ids == [early[0].id, later[0].id]
    world.respond(ACCEPTED._replace(status_code=204))
    assert world.called_ids == [later[0].id, early[1].id]


async def test_high_goes_first_among_what_a_host_has_parked(webhook_harness: DeliveryHarness) -> None:
    low, high = build_webhooks("busy", build_range(1, 3)), build_webhooks("busy", build_range(10, 1))
    await webhook_harness.run_batches(
        webhook_harness.build_batch(*low, priority="low"), webhook_harness.build_batch(*high, priority="high")
    )
    webhook_harness.respond(ACCEPTED._replace(status_code=204))
    assert webhook_harness.called_ids == [low[1].id, high[0].id]


async def test_nothing_is_remembered_of_a_host_without_calls(webhook_harness: DeliveryHarness) -> None:
    await webhook_harness.run_batches(
        webhook_harness.build_batch(*build_webhooks("a", build_range(1, 3)), *build_webhooks("b", build_range(4, 1)), priority="low")
    )
    while webhook_harness.pending_calls:
        webhook_harness.respond(ACCEPTED._replace(status_code=204))
    assert not webhook_harness.deliverer._limiter._accounts


async def test_no_call_begins_while_too_much_is_not_safe_yet() -> None:
    world = make_harness(calls=2)
    world.outbox_limit = 2
    await run_batch(world, "low", build_range(1, 5))
    world.respond(ACCEPTED)
    assert world.called_ids == get_ids(build_range(2, 2)), "one row waits: there is room"
    world.respond(ACCEPTED)
    assert world.called_ids == get_ids(build_range(3, 1)), "two rows wait for the commit"
    world.commit()
    assert world.called_ids == get_ids(build_range(3, 2))
