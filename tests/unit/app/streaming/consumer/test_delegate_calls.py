"""A call of aiokafka goes on after its caller was cancelled, until the stop, and asyncio does not report its error."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

from aiokafka.errors import KafkaError

from app.streaming.consumer.batch_consumer import BatchConsumer


async def test_the_error_of_a_call_whose_caller_was_cancelled_is_not_reported(consumer: BatchConsumer) -> None:
    reports: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, report: reports.append(report))
    started, answer, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        started.set()
        await answer.wait()
        ended.set()
        raise KafkaError

    caller = asyncio.ensure_future(consumer._thread.call_thread(fail))
    await started.wait()
    caller.cancel()
    await asyncio.wait([caller])
    answer.set()
    await ended.wait()
    await asyncio.sleep(0)
    gc.collect()
    assert reports == []


async def test_a_call_that_goes_on_ends_before_aiokafka_stops(consumer: BatchConsumer) -> None:
    started, is_stopped, has_ended_before = asyncio.Event(), False, None

    async def commit_without_end() -> None:
        nonlocal has_ended_before
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            has_ended_before = not is_stopped

    async def stop() -> None:
        nonlocal is_stopped
        is_stopped = True

    consumer._thread._consumer = SimpleNamespace(stop=stop)
    caller = asyncio.ensure_future(consumer._thread.call_thread(commit_without_end))
    await started.wait()
    caller.cancel()
    await asyncio.wait([caller])
    assert has_ended_before is None
    await consumer._thread.stop()
    assert is_stopped
    assert has_ended_before
