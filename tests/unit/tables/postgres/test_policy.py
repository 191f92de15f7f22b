"""The policy in memory and its refresh."""

import asyncio

import pytest

from schemas.errors import UnavailableError
from schemas.policy import Policy
from tables.postgres.policy import CachedPolicyReader

FIRST_POLICY, SECOND_POLICY = Policy({}, (), (), 1), Policy({}, (), (), 2)


class PolicyReaderScenario:
    """A reader whose store has `policy`, or is unavailable without one."""

    def __init__(self) -> None:
        self.policy: Policy | None = FIRST_POLICY
        self.load_calls: list[Policy | None] = []
        self.reader = CachedPolicyReader(self.load)

    async def load(self, known: Policy | None) -> Policy:
        self.load_calls.append(known)
        if self.policy is None:
            raise UnavailableError("the test's store is unavailable")
        return self.policy


def test_there_is_no_policy_before_the_first_load() -> None:
    with pytest.raises(UnavailableError, match="not loaded"):
        PolicyReaderScenario().reader.get_current()


async def test_a_newer_policy_replaces_the_current_one() -> None:
    scenario = PolicyReaderScenario()
    assert await scenario.reader.refresh()
    scenario.policy = SECOND_POLICY
    await scenario.reader.refresh()
    assert scenario.reader.get_current() is SECOND_POLICY
    assert scenario.load_calls == [None, FIRST_POLICY]


async def test_the_current_policy_stays_while_the_store_is_unavailable() -> None:
    scenario = PolicyReaderScenario()
    await scenario.reader.refresh()
    scenario.policy = None
    assert await scenario.reader.refresh()
    assert scenario.reader.get_current() is FIRST_POLICY


async def test_refresh_runs_every_second_until_a_policy_is_loaded_then_at_the_interval() -> None:
    scenario, delays = PolicyReaderScenario(), []
    scenario.policy = None

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        if len(delays) == 3:
            scenario.policy = FIRST_POLICY
        if len(delays) == 5:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await scenario.reader.refresh_forever(sleep, 5.0)
    assert delays == [1.0, 1.0, 1.0, 5.0, 5.0]
