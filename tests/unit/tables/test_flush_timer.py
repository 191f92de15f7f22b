"""When what was gathered is written."""

import asyncio

from tables.flush_timer import FlushTimer

LONG = 3600.0  # seconds


async def test_the_first_request_is_at_once_and_all_of_an_interval_are_one() -> None:
    flushes: list[float] = []
    loop = asyncio.get_running_loop()
    timer = FlushTimer(lambda: flushes.append(loop.time()))
    timer.request(0.01)
    timer.request(0.01)
    assert flushes == [], "not within the request"
    await asyncio.sleep(0)
    assert len(flushes) == 1
    for _ in range(5):
        timer.request(0.01)
        await asyncio.sleep(0)
    assert len(flushes) == 1
    while len(flushes) == 1:
        await asyncio.sleep(0.001)
    assert flushes[1] - flushes[0] >= 0.0099


async def test_nothing_is_flushed_without_a_request_and_after_a_cancelled_one() -> None:
    flushes: list[None] = []
    timer = FlushTimer(lambda: flushes.append(None))
    timer.cancel()
    timer.request(LONG)
    timer.cancel()
    await asyncio.sleep(0)
    assert flushes == []
    timer.request(LONG)
    await asyncio.sleep(0)
    assert flushes == [None]


async def test_the_shortest_interval_of_the_requests_counts() -> None:
    flushes: list[None] = []
    timer = FlushTimer(lambda: flushes.append(None))
    timer.request(LONG)
    await asyncio.sleep(0)
    timer.request(LONG)
    timer.request(0.001)
    timer.request(LONG)
    async with asyncio.timeout(60):
        while len(flushes) == 1:
            await asyncio.sleep(0.001)
    assert len(flushes) == 2
