"""Who may call next: bounds, lanes, accounts; seen from outside, through the worker."""

import pytest

from agents.providers.webhook import Webhook
from schemas.policies import CallLimits
from schemas.words import Lane
from tests.deliveries import NOW, a_delivery
from tests.unit.agents.delivery.world import ACCEPTED, NOT_SENT, World

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def limited(calls: int, for_high: int = 0, per_account: int = 1000) -> World:
    return World(limits=CallLimits(calls, for_high, per_account))


def numbers(first: int, count: int) -> range:
    return range(first, first + count)


async def give(world: World, lane: Lane, which: range) -> None:
    await world.take(world.batch(*[a_delivery(number=number) for number in which], lane=lane))


def ids(which: range) -> list[str]:
    return [a_delivery(number=number).id for number in which]


async def test_no_more_calls_than_allowed_and_each_end_starts_the_next_in_order() -> None:
    world = limited(calls=3)
    await give(world, "low", numbers(1, 5))
    assert world.in_flight == ids(numbers(1, 3))
    assert world.deliverer.calls_in_flight == 3
    world.answer(ACCEPTED)
    assert world.in_flight == ids(numbers(2, 3))


async def test_a_call_that_ends_in_a_pause_gives_its_place_away() -> None:
    world = limited(calls=1)
    await give(world, "low", numbers(1, 2))
    world.answer(NOT_SENT)
    assert world.in_flight == ids(numbers(2, 1))
    world.advance(1)
    assert world.in_flight == ids(numbers(2, 1))
    world.answer(ACCEPTED)
    assert world.in_flight == ids(numbers(1, 1))


async def test_the_high_lane_has_a_share_of_its_own_and_may_take_the_rest() -> None:
    world = limited(calls=3, for_high=1)
    await give(world, "low", numbers(1, 4))
    assert len(world.calls) == 2
    await give(world, "high", numbers(10, 3))
    assert world.in_flight == [*ids(numbers(1, 2)), *ids(numbers(10, 1))]
    world.answer(ACCEPTED)
    assert world.in_flight[-1] == ids(numbers(11, 1))[0]
    world.answer(ACCEPTED)
    assert world.in_flight == ids(numbers(10, 3))


async def test_high_goes_first_and_medium_and_low_take_turns() -> None:
    world = limited(calls=1)
    await give(world, "low", numbers(1, 3))
    await give(world, "medium", numbers(10, 2))
    await give(world, "high", numbers(20, 1))
    order = []
    while world.calls:
        order.append(world.in_flight[0])
        world.answer(ACCEPTED)
    number = {a_delivery(number=number).id: number for number in (1, 2, 3, 10, 11, 20)}
    assert [number[an_id] for an_id in order] == [1, 20, 10, 2, 11, 3]


async def test_a_delivery_that_needs_no_call_takes_no_place() -> None:
    world = limited(calls=1)
    await world.take(world.batch(*[a_delivery(number=number, expires_at=NOW) for number in (1, 2)], a_delivery(number=3)))
    assert world.in_flight == ids(numbers(3, 1))
    assert world.deliverer.calls_in_flight == 1


@pytest.fixture
def hosts() -> World:
    """Webhooks: at most 2 calls to one host, 6 in all, 1 of them for the high lane."""
    return World(Webhook(SECRET), limits=CallLimits(6, 1, 2))


def to(host: str, which: range) -> list:  # type: ignore[type-arg]
    return [a_delivery("webhook", number=number, address=f"https://{host}.example.org/") for number in which]


async def test_a_dead_host_takes_only_its_own_places(hosts: World) -> None:
    dead, well = to("dead", numbers(1, 50)), to("well", numbers(100, 3))
    await hosts.take(hosts.batch(*dead, *well, lane="low"))
    assert hosts.in_flight == [delivery.id for delivery in (*dead[:2], *well[:2])]


async def test_what_a_host_has_parked_goes_on_when_one_of_its_calls_ends(hosts: World) -> None:
    dead = to("dead", numbers(1, 4))
    held = hosts.batch(*dead, lane="low")
    await hosts.take(held)
    seen = []
    while hosts.calls:
        assert len(hosts.calls) <= 2
        seen.append(hosts.in_flight[0])
        hosts.answer(ACCEPTED._replace(status=204))
    hosts.commit()
    assert seen == [delivery.id for delivery in dead]
    assert held.acked


async def test_what_was_parked_goes_before_what_came_later() -> None:
    world = World(Webhook(SECRET), limits=CallLimits(2, 0, 1))
    early, later = to("a", numbers(1, 2)), [*to("b", numbers(3, 1)), *to("c", numbers(4, 1))]
    await world.take(world.batch(*early, *later, lane="low"))
    assert world.in_flight == [early[0].id, later[0].id]
    world.answer(ACCEPTED._replace(status=204))
    assert world.in_flight == [later[0].id, early[1].id]


async def test_high_goes_first_among_what_a_host_has_parked(hosts: World) -> None:
    low, high = to("busy", numbers(1, 3)), to("busy", numbers(10, 1))
    await hosts.take(hosts.batch(*low, lane="low"), hosts.batch(*high, lane="high"))
    hosts.answer(ACCEPTED._replace(status=204))
    assert hosts.in_flight == [low[1].id, high[0].id]


async def test_nothing_is_remembered_of_a_host_without_calls(hosts: World) -> None:
    await hosts.take(hosts.batch(*to("a", numbers(1, 3)), *to("b", numbers(4, 1)), lane="low"))
    while hosts.calls:
        hosts.answer(ACCEPTED._replace(status=204))
    assert not hosts.deliverer._calls._accounts


async def test_no_call_begins_while_too_much_is_not_safe_yet() -> None:
    world = limited(calls=2)
    world.room = 2
    await give(world, "low", numbers(1, 5))
    world.answer(ACCEPTED)
    assert world.in_flight == ids(numbers(2, 2)), "one row waits: there is room"
    world.answer(ACCEPTED)
    assert world.in_flight == ids(numbers(3, 1)), "two rows wait for the commit"
    world.commit()
    assert world.in_flight == ids(numbers(3, 2))
