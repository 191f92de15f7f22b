"""A time limit for code that catches cancellations."""

import asyncio

import pytest

from app.streaming.time_limit import run_with_time_limit


async def ignore_cancellation(is_over: asyncio.Event) -> None:
    """Wait for the event, as Faust's commit waits for the one before it."""
    while not is_over.is_set():
        try:
            await is_over.wait()
        except asyncio.CancelledError:
            continue
    raise ValueError("an error that nobody waits for")


async def test_it_does_not_wait_for_code_that_ignores_its_cancellation() -> None:
    is_over = asyncio.Event()
    assert not await run_with_time_limit(ignore_cancellation(is_over), 0.001)
    is_over.set()
    await asyncio.sleep(0)  # the late error is ignored: asyncio would report it, and warnings are errors


async def test_what_ends_in_time_is_reported_with_its_error() -> None:
    assert await run_with_time_limit(asyncio.sleep(0), 60)
    with pytest.raises(ZeroDivisionError):
        await run_with_time_limit(divide_by_zero(), 60)


async def divide_by_zero() -> None:
    """Raise an error."""
    1 / 0  # noqa: B018
