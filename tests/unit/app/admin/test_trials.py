"""Who is admitted to a trial."""

import asyncio

import pytest

from app.admin.trials import Trials
from schemas.errors import SimulationRunningError


async def test_one_trial_runs_at_a_time_and_who_publishes_waits_for_its_end() -> None:
    trials, ran = Trials(), []

    async def publish() -> None:
        async with trials.admit(waits=True):
            ran.append("published")

    async with trials.admit():
        with pytest.raises(SimulationRunningError):
            async with trials.admit():
                pytest.fail("two were admitted")
        publishing = asyncio.create_task(publish())
        await asyncio.sleep(0)
        ran.append("tried")
    await publishing
    assert ran == ["tried", "published"]
