"""A lost partition drops a batch; any other error holds it and ends the process; a cancellation does neither."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.streaming.guard import EndProcess, held_agent, plain_agent
from app.streaming.held import Held, HeldBatches
from schemas.errors import PartitionLost
from schemas.ports import Batch, HeldBatch
from tests.unit.app.streaming.stream_twin import StreamTwin, a_batch


class Ends:
    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.failed: list[int | None] = []
        self.told = asyncio.Event()

    def __call__(self, error: BaseException, failed: Held | None) -> None:
        self.errors.append(error)
        self.failed.append(failed and failed.batch.records[0].offset)
        self.told.set()


def a_stream(*, ends: bool = True) -> StreamTwin:
    return StreamTwin(a_batch(0, 9), a_batch(10, 19), a_batch(20, 29), ends=ends)


async def test_an_agent_that_does_its_work_is_left_alone() -> None:
    seen: list[int] = []

    async def run(batches: AsyncIterator[Batch]) -> None:
        seen.extend([batch.records[0].offset async for batch in batches])

    stream, ends = a_stream(), Ends()
    await plain_agent(run, ends)(stream)
    assert seen == [0, 10, 20]
    assert ends.errors == []


async def test_a_lost_partition_drops_only_its_batch() -> None:
    async def run(batches: AsyncIterator[Batch]) -> None:
        async for batch in batches:
            if batch.records[0].offset == 10:
                raise PartitionLost("taken over")

    stream, ends = a_stream(), Ends()
    await plain_agent(run, ends)(stream)
    assert stream.app.consumer.acked == [0, 20]
    assert stream.app.consumer.let_gone == [10]
    assert ends.errors == []


async def test_any_other_error_holds_the_batch_and_ends_the_process(caplog: pytest.LogCaptureFixture) -> None:
    async def run(batches: AsyncIterator[Batch]) -> None:
        async for batch in batches:
            if batch.records[0].offset == 10:
                raise ValueError("nobody expected this")

    stream, ends = a_stream(), Ends()
    agent = asyncio.ensure_future(plain_agent(run, ends)(stream))  # type: ignore[arg-type]
    await ends.told.wait()
    assert [str(error) for error in ends.errors] == ["nobody expected this"]
    assert ends.failed == [10]
    assert stream.app.consumer.acked == [0]
    assert stream.app.consumer.let_gone == []
    assert not agent.done()  # it asks for no further batch
    assert "notifications.low partition 3, offsets 10 to 19" in caplog.text
    await cancelled(agent)
    assert stream.app.consumer.acked == [0]


async def test_a_cancellation_acknowledges_nothing_and_ends_nothing() -> None:
    started = asyncio.Event()

    async def run(batches: AsyncIterator[Batch]) -> None:
        async for _ in batches:
            started.set()
            await asyncio.Event().wait()

    stream, ends = a_stream(), Ends()
    agent = asyncio.ensure_future(plain_agent(run, ends)(stream))  # type: ignore[arg-type]
    await started.wait()
    await cancelled(agent)
    assert stream.app.consumer.acked == []
    assert ends.errors == []


async def test_an_agent_that_stops_although_batches_come_ends_the_process() -> None:
    async def run(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)

    stream, ends = a_stream(), Ends()
    agent = asyncio.ensure_future(plain_agent(run, ends)(stream))  # type: ignore[arg-type]
    await ends.told.wait()
    assert "the agent returned" in str(ends.errors[0])
    assert stream.app.consumer.acked == []
    await cancelled(agent)


async def test_an_error_while_batches_are_held_ends_the_process_and_acknowledges_none() -> None:
    async def run(batches: AsyncIterator[HeldBatch]) -> None:
        async for _ in batches:
            raise ValueError("nobody expected this")

    stream, ends = a_stream(), Ends()
    agent = asyncio.ensure_future(held_agent(run, ends)(stream))  # type: ignore[arg-type]
    await ends.told.wait()
    assert isinstance(ends.errors[0], ValueError)
    assert ends.failed == [0]
    assert stream.app.consumer.acked == []
    await cancelled(agent)


async def test_held_batches_are_the_agents_to_acknowledge() -> None:
    async def run(batches: AsyncIterator[HeldBatch]) -> None:
        held = [batch async for batch in batches]
        for batch in reversed(held):
            batch.ack()

    stream, ends = a_stream(), Ends()
    await held_agent(run, ends)(stream)
    assert stream.app.consumer.acked == [20, 10, 0]
    assert ends.errors == []


class WorkerTwin:
    def __init__(self) -> None:
        self.crash_reason: BaseException | None = None
        self._crashed = asyncio.Event()


class Node:
    def __init__(self, data: object) -> None:
        self.data = data
        self.root = self


class ConsumerTwin:
    def __init__(self) -> None:
        self.abandoned: list[tuple[object, float]] = []

    def abandon(self, failed: object, patience: float) -> None:
        self.abandoned.append((failed, patience))


class AppTwin:
    def __init__(self) -> None:
        self.worker = WorkerTwin()
        self.beacon = Node(self.worker)
        self.consumer = ConsumerTwin()


async def test_the_worker_is_told_once_and_the_consumer_of_each_failed_batch() -> None:
    app = AppTwin()
    end = EndProcess(app, after=3600.0)
    stream = a_stream()
    failed = await anext(HeldBatches(stream))
    end(ValueError("first"))
    end(ValueError("second"), failed)
    assert str(app.worker.crash_reason) == "first"
    assert app.worker._crashed.is_set()
    assert app.consumer.abandoned == [(None, 1800.0), (failed.message, 1800.0)]


async def cancelled(task: asyncio.Future[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
