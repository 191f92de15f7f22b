"""Waits for a condition without a clock."""

import asyncio
from collections.abc import Callable


async def wait_until(condition: Callable[[], bool]) -> None:
    """Run the event loop until the condition holds. Raises TimeoutError after 10 seconds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)
