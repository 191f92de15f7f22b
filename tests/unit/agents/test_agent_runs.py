"""An error beside the calls of an agent ends all of them; a cancellation stays one."""

import asyncio

import pytest

from agents.agent_runs import AgentRuns


async def wait_forever(runs: AgentRuns) -> None:
    with runs.track():
        await asyncio.Event().wait()


async def test_an_error_ends_all_calls() -> None:
    runs = AgentRuns()
    tasks = [asyncio.create_task(wait_forever(runs)) for _ in range(2)]
    await asyncio.sleep(0)
    runs.fail(OSError("first"))
    runs.fail(OSError("second"))
    assert [str(result) for result in await asyncio.gather(*tasks, return_exceptions=True)] == ["first", "first"]


async def test_a_call_after_the_error_ends_at_once() -> None:
    runs = AgentRuns()
    runs.fail(OSError("disk"))
    with pytest.raises(OSError, match="disk"):
        await wait_forever(runs)


async def test_a_cancellation_is_no_error() -> None:
    runs = AgentRuns()
    task = asyncio.create_task(wait_forever(runs))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
