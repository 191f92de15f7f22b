"""The holder of the policy in force."""

import asyncio

import pytest

from schemas.errors import UnavailableError
from schemas.policy import Policy
from tables.postgres.policy import CachedPolicyReader

FIRST, SECOND = Policy({}, (), (), 1), Policy({}, (), (), 2)


class PolicyReaderScenario:
    """A store with a policy in it, or away."""

    def __init__(self) -> None:
        self.policy: Policy | None = FIRST
        self.load_calls: list[Policy | None] = []
        self.reader = CachedPolicyReader(self.load)

    async def load(self, known: Policy | None) -> Policy:
        self.load_calls.append(known)
        if self.policy is None:
            raise UnavailableError("gone")
        return self.policy


def test_before_the_first_load_there_is_none() -> None:
    with pytest.raises(UnavailableError, match="not loaded"):
        PolicyReaderScenario().reader.get_current()


async def test_a_newer_policy_replaces_the_one_in_force() -> None:
    world = PolicyReaderScenario()
    assert await world.reader.refresh()
    world.policy = SECOND
    await world.reader.refresh()
    assert world.reader.get_current() is SECOND
    assert world.load_calls == [None, FIRST]


async def test_the_old_one_goes_on_while_the_store_is_away() -> None:
    world = PolicyReaderScenario()
    await world.reader.refresh()
    world.policy = None
    assert await world.reader.refresh()
    assert world.reader.get_current() is FIRST


async def test_keep_asks_every_second_until_there_is_one_then_as_often_as_told() -> None:
    world, pauses = PolicyReaderScenario(), []
    world.policy = None

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            world.policy = FIRST
        if len(pauses) == 5:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await world.reader.refresh_forever(sleep, 5.0)
    assert pauses == [1.0, 1.0, 1.0, 5.0, 5.0]
