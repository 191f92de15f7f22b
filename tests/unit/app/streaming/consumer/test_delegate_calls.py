"""A call of aiokafka goes on after its caller was cancelled, and asyncio does not report its error."""

import asyncio
import gc
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
