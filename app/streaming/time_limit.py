"""A time limit that holds: Faust and aiokafka catch cancellations, so `asyncio.timeout` can wait for their code without an end."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def run_with_time_limit(coroutine: Coroutine[Any, Any, object], seconds: float) -> bool:
    """Run a coroutine for at most so many seconds, then cancel it without waiting. Returns whether it ended; raises its error."""
    task = asyncio.ensure_future(coroutine)
    try:
        done, _ = await asyncio.wait([task], timeout=seconds)
    finally:
        task.cancel()  # no effect if it has ended
    if not done:
        task.add_done_callback(ignore_error)
        return False
    task.result()
    return True


def ignore_error(task: asyncio.Task[Any]) -> None:
    """Read the error, which asyncio would otherwise log."""
    if not task.cancelled():
        task.exception()
