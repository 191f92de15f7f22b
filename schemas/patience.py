"""Waits for an answer as long as a batch can, without the time that the event loop spends on other work."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

TURNS = 8
SECONDS_PER_PROFILE = 0.002

Result = TypeVar("Result")


def compute_patience(seconds: float, profiles: int) -> float:
    """How long to wait for so many profiles, with `seconds` for none: on a busy server a query of hundreds takes its time."""
    return seconds + SECONDS_PER_PROFILE * profiles


async def wait_for_task(task: asyncio.Task[Any], seconds: float) -> bool:
    """Whether the task is done within `seconds`.

    A loop that decides a batch of hundreds at a time hears of an answer only between two of them. So the wait is divided: a part in which
    the loop was busy counts as its own length, and an answer that has arrived by then is not late.
    """
    for _ in range(TURNS):
        await asyncio.wait({task}, timeout=seconds / TURNS)
        if task.done():
            return True
    return False


async def run_within(work: Coroutine[Any, Any, Result], seconds: float | None) -> Result:
    """The result of `work`, which is cancelled if it takes longer than `seconds` (see wait_for_task). Raises TimeoutError."""
    if seconds is None:
        return await work
    task = asyncio.get_running_loop().create_task(work)
    try:
        if await wait_for_task(task, seconds):
            return task.result()
        raise TimeoutError
    finally:
        task.add_done_callback(_forget)
        task.cancel()


def _forget(task: asyncio.Task[Any]) -> None:
    """Take the exception of a task that nobody waits for any more; asyncio would log it."""
    if not task.cancelled():
        task.exception()
