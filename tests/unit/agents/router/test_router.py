"""The router's edge: batches, locks, commits, and waiting for what does not answer."""

import asyncio

import pytest

from schemas.errors import PartitionLost
from schemas.ports import Batch, Batches
from tests.unit.agents.router.policy import POLICY
from tests.unit.agents.router.world import HOME, NOW, Read, World, an_id, json, notification

EXPLICIT = notification(id=an_id(2), to={"email": "a@x.org", "push": "p"})


async def test_it_runs_as_long_as_there_are_batches() -> None:
    async def two() -> Batches:
        for number in (1, 2):
            yield Batch("notifications.low", HOME, [Read(json(notification(id=an_id(number))))])

    world = World()
    await world.router.run(two())
    assert [event.id for event in world.accepted] == [an_id(1), an_id(2)]


async def test_a_batch_is_one_commit_of_outputs_and_rows() -> None:
    world = World()
    await world.route(*(notification(id=an_id(number)) for number in range(5)))
    assert world.commit.commits == [(HOME, ["rate_windows"], ["idempotency"])]
    assert len(world.idempotency.rows[HOME]) == 5


async def test_an_empty_batch_and_one_of_replays_write_nothing() -> None:
    world = World()
    await world.route()
    await world.route(notification())
    await world.route(notification())
    assert len(world.commit.commits) == 1


async def test_a_batch_is_counted() -> None:
    world = World()
    await world.route(notification(), notification(), b"{", notification(id=an_id(2), expires_at=NOW))
    (routed,) = world.batches
    assert (routed.topic, routed.partition, routed.records, routed.waiting) == ("notifications.medium", HOME, 4, 0)
    assert routed.states == {("routed", ""): 1, ("dead", "undecodable"): 1, ("refused", "expired"): 1}
    assert routed.deliveries == {"email": 1, "push": 2}
    assert (routed.replays, routed.forwarded) == (1, 0)


async def test_without_profiles_what_needs_none_goes_on_and_the_rest_waits() -> None:
    world = World()
    world.profiles.away = 2
    await world.route(notification(), EXPLICIT, b"{")
    assert [event.state for event in world.accepted] == ["routed", "dead", "routed"]
    assert (world.accepted[0].id, world.accepted[2].id) == (an_id(2), an_id(1))
    assert world.accepted[2].at == NOW + 2
    assert world.pauses == [1.0, 1.0]
    assert [(batch.records, batch.waiting) for batch in world.batches] == [(2, 1), (0, 1), (1, 0)]


async def test_without_a_profile_the_locale_is_the_default() -> None:
    world = World()
    world.profiles.away = 1
    await world.route(EXPLICIT)
    assert world.accepted[0].trace[-2].inputs["email"] == "shipped@7 default"
    assert world.pauses == []


async def test_without_a_policy_everything_waits() -> None:
    world = World()
    world.policies.policy = None

    async def back(seconds: float) -> None:
        world.policies.policy = POLICY

    world.pause = back  # type: ignore[method-assign]
    await world.route(notification())
    assert world.outcome == ("routed", "")
    assert [(batch.records, batch.waiting) for batch in world.batches] == [(0, 1), (1, 0)]


async def test_what_waits_expires_while_it_waits() -> None:
    world = World()
    world.profiles.away = 3
    await world.route(notification(expires_at=NOW + 2))
    assert world.outcome == ("refused", "expired")


async def test_lanes_of_a_partition_take_turns_and_other_partitions_do_not_wait() -> None:
    world = World()
    at_work, peak, both = 0, 0, asyncio.Event()

    async def until_two_are_at_work() -> None:
        nonlocal at_work, peak
        at_work += 1
        peak = max(peak, at_work)
        if at_work == 2:
            both.set()
        await both.wait()
        at_work -= 1

    world.commit.before = until_two_are_at_work
    routes = [world.route(notification(), topic=f"notifications.{lane}") for lane in ("high", "low")]
    await asyncio.wait_for(asyncio.gather(*routes, world.route(b"{", partition=(HOME + 1) % 4)), 10)
    assert peak == 2
    assert sorted(event.state for event in world.accepted) == ["dead", "routed"]


async def test_the_lock_is_free_while_a_batch_waits() -> None:
    world = World()
    world.profiles.away = 1
    waits, resume = asyncio.Event(), asyncio.Event()

    async def pause(seconds: float) -> None:
        waits.set()
        await resume.wait()

    world.pause = pause  # type: ignore[method-assign]
    waiting = asyncio.create_task(world.route(notification()))
    await waits.wait()
    await world.route(EXPLICIT, topic="notifications.high")
    assert [event.id for event in world.accepted] == [an_id(2)]
    resume.set()
    await waiting
    assert [event.id for event in world.accepted] == [an_id(2), an_id(1)]


async def test_a_lost_partition_is_not_swallowed() -> None:
    world = World()

    async def lost() -> None:
        raise PartitionLost

    world.commit.before = lost
    with pytest.raises(PartitionLost):
        await world.route(notification())
    world.commit.before = None
    await world.route(notification())  # the lock is free again
    assert world.outcome == ("routed", "")


async def test_a_bug_is_not_a_dead_letter() -> None:
    world = World()
    world.windows.get_many = lambda partition, keys: 1 / 0  # type: ignore[method-assign, return-value]
    with pytest.raises(ZeroDivisionError):
        await world.route(notification())
    assert world.commit.sent == []


async def test_a_new_policy_counts_from_the_next_batch_on() -> None:
    world = World()
    await world.route(notification())
    world.policies.policy = type(POLICY)({}, (), (), 2)
    await world.route(notification(id=an_id(2)))
    assert world.outcome == ("dead", "unknown_type")
