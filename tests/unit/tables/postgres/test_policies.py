"""The holder of the policy in force."""

import asyncio

import pytest

from schemas.errors import Unavailable
from schemas.rules import Policy
from tables.postgres.policies import CurrentPolicy

FIRST, SECOND = Policy({}, (), (), 1), Policy({}, (), (), 2)


class World:
    """A store with a policy in it, or away."""

    def __init__(self) -> None:
        self.policy: Policy | None = FIRST
        self.asked: list[Policy | None] = []
        self.current = CurrentPolicy(self.load)

    async def load(self, known: Policy | None) -> Policy:
        self.asked.append(known)
        if self.policy is None:
            raise Unavailable("gone")
        return self.policy


def test_before_the_first_load_there_is_none() -> None:
    with pytest.raises(Unavailable, match="not loaded"):
        World().current.current()


async def test_a_newer_policy_replaces_the_one_in_force() -> None:
    world = World()
    assert await world.current.refresh()
    world.policy = SECOND
    await world.current.refresh()
    assert world.current.current() is SECOND
    assert world.asked == [None, FIRST]


async def test_the_old_one_goes_on_while_the_store_is_away() -> None:
    world = World()
    await world.current.refresh()
    world.policy = None
    assert await world.current.refresh()
    assert world.current.current() is FIRST


async def test_keep_asks_every_second_until_there_is_one_then_as_often_as_told() -> None:
    world, pauses = World(), []
    world.policy = None

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            world.policy = FIRST
        if len(pauses) == 5:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await world.current.keep(pause, 5.0)
    assert pauses == [1.0, 1.0, 1.0, 5.0, 5.0]
