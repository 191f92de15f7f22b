"""The time until which confirmations are awaited."""

import asyncio

from app.api.services.publish_request import PublishRequest, RequestDeadlines

TIMEOUT = 0.02  # seconds


async def test_each_request_ends_at_its_own_time_unless_it_is_completed() -> None:
    timeouts: list[float] = []
    loop = asyncio.get_running_loop()
    deadlines = RequestDeadlines(TIMEOUT, lambda: timeouts.append(loop.time()))
    first, completed, last = PublishRequest(1), PublishRequest(1), PublishRequest(2)
    started_at = loop.time()
    deadlines.add(first)
    deadlines.add(completed)
    completed.record_result(0, True)
    await first.completed
    last_started_at = loop.time()
    deadlines.add(last)
    last.record_result(0, True)
    await last.completed
    assert (first.confirmed, completed.confirmed, last.confirmed) == ([False], [True], [True, False])
    assert len(timeouts) == 2
    assert timeouts[0] - started_at >= TIMEOUT * 0.99
    assert timeouts[1] - last_started_at >= TIMEOUT * 0.99


async def test_a_completed_request_is_not_kept_for_its_time() -> None:
    deadlines = RequestDeadlines(3600.0, lambda: None)
    for _ in range(100):
        request = PublishRequest(1)
        deadlines.add(request)
        request.record_result(0, True)
    assert len(deadlines._requests) == 1
    deadlines.end_all()


async def test_no_request_waits_after_the_end_of_all() -> None:
    timeouts: list[None] = []
    deadlines = RequestDeadlines(3600.0, lambda: timeouts.append(None))
    request = PublishRequest(1)
    deadlines.add(request)
    deadlines.end_all()
    async with asyncio.timeout(60):
        await request.completed
    assert (request.confirmed, timeouts) == ([False], [])
