"""A lost partition drops a batch; any other error holds it and ends the process; a cancellation does neither."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.streaming.consumer.batch_handle import BatchHandleStream, FaustBatchHandle
from app.streaming.consumer.failure_policy import ShutdownOnFailure, build_auto_ack_agent, build_manual_ack_agent
from schemas.errors import PartitionFencedError
from schemas.ports import Batch, BatchHandle
from tests.unit.app.streaming.fake_stream import FakeStream, build_batch


class FailureRecorder:
    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.failed_offsets: list[int | None] = []
        self.called = asyncio.Event()

    def __call__(self, error: BaseException, failed: FaustBatchHandle | None) -> None:
        self.errors.append(error)
        self.failed_offsets.append(failed and failed.batch.records[0].offset)
        self.called.set()


def build_stream(*, ends: bool = True) -> FakeStream:
    return FakeStream(build_batch(0, 9), build_batch(10, 19), build_batch(20, 29), ends=ends)


async def test_an_agent_that_does_its_work_is_left_alone() -> None:
    seen: list[int] = []

    async def run(batches: AsyncIterator[Batch]) -> None:
        seen.extend([batch.records[0].offset async for batch in batches])

    stream, ends = build_stream(), FailureRecorder()
    await build_auto_ack_agent(run, ends)(stream)
    assert seen == [0, 10, 20]
    assert ends.errors == []


async def test_a_lost_partition_drops_only_its_batch() -> None:
    async def run(batches: AsyncIterator[Batch]) -> None:
        async for batch in batches:
            if batch.records[0].offset == 10:
                raise PartitionFencedError("taken over")

    stream, ends = build_stream(), FailureRecorder()
    await build_auto_ack_agent(run, ends)(stream)
    assert stream.app.consumer.acked_offsets == [0, 20]
    assert stream.app.consumer.released_offsets == [10]
    assert ends.errors == []


async def test_any_other_error_holds_the_batch_and_ends_the_process(caplog: pytest.LogCaptureFixture) -> None:
    async def run(batches: AsyncIterator[Batch]) -> None:
        async for batch in batches:
            if batch.records[0].offset == 10:
                raise ValueError("nobody expected this")

    stream, ends = build_stream(), FailureRecorder()
    agent = asyncio.ensure_future(build_auto_ack_agent(run, ends)(stream))  # type: ignore[arg-type]
    await ends.called.wait()
    assert [str(error) for error in ends.errors] == ["nobody expected this"]
    assert ends.failed_offsets == [10]
    assert stream.app.consumer.acked_offsets == [0]
    assert stream.app.consumer.released_offsets == []
    assert not agent.done()  # it asks for no further batch
    assert "notifications.low partition 3, offsets 10 to 19" in caplog.text
    await cancel_and_wait(agent)
    assert stream.app.consumer.acked_offsets == [0]


async def test_a_cancellation_acknowledges_nothing_and_ends_nothing() -> None:
    started = asyncio.Event()

    async def run(batches: AsyncIterator[Batch]) -> None:
        async for _ in batches:
            started.set()
            await asyncio.Event().wait()

    stream, ends = build_stream(), FailureRecorder()
    agent = asyncio.ensure_future(build_auto_ack_agent(run, ends)(stream))  # type: ignore[arg-type]
    await started.wait()
    await cancel_and_wait(agent)
    assert stream.app.consumer.acked_offsets == []
    assert ends.errors == []


async def test_an_agent_that_stops_although_batches_come_ends_the_process() -> None:
    async def run(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)

    stream, ends = build_stream(), FailureRecorder()
    agent = asyncio.ensure_future(build_auto_ack_agent(run, ends)(stream))  # type: ignore[arg-type]
    await ends.called.wait()
    assert "the agent returned" in str(ends.errors[0])
    assert stream.app.consumer.acked_offsets == []
    await cancel_and_wait(agent)


async def test_an_error_while_batches_are_held_ends_the_process_and_acknowledges_none() -> None:
    async def run(batches: AsyncIterator[BatchHandle]) -> None:
        async for _ in batches:
            raise ValueError("nobody expected this")

    stream, ends = build_stream(), FailureRecorder()
    agent = asyncio.ensure_future(build_manual_ack_agent(run, ends)(stream))  # type: ignore[arg-type]
    await ends.called.wait()
    assert isinstance(ends.errors[0], ValueError)
    assert ends.failed_offsets == [0]
    assert stream.app.consumer.acked_offsets == []
    await cancel_and_wait(agent)


async def test_held_batches_are_the_agents_to_acknowledge() -> None:
    async def run(batches: AsyncIterator[BatchHandle]) -> None:
        held = [batch async for batch in batches]
        for batch in reversed(held):
            batch.ack()

    stream, ends = build_stream(), FailureRecorder()
    await build_manual_ack_agent(run, ends)(stream)
    assert stream.app.consumer.acked_offsets == [20, 10, 0]
    assert ends.errors == []


class FakeWorker:
    def __init__(self) -> None:
        self.crash_reason: BaseException | None = None
        self._crashed = asyncio.Event()


class FakeBeacon:
    def __init__(self, data: object) -> None:
        self.data = data
        self.root = self


class FakeDrainConsumer:
    def __init__(self) -> None:
        self.drain_limits: list[tuple[object, float]] = []

    def limit_drain(self, failed: object, timeout: float) -> None:
        self.drain_limits.append((failed, timeout))


class FakeShutdownApp:
    def __init__(self) -> None:
        self.worker = FakeWorker()
        self.beacon = FakeBeacon(self.worker)
        self.consumer = FakeDrainConsumer()


async def test_the_worker_is_told_once_and_the_consumer_of_each_failed_batch() -> None:
    app = FakeShutdownApp()
    end = ShutdownOnFailure(app, timeout=3600.0)
    stream = build_stream()
    failed = await anext(BatchHandleStream(stream))
    end(ValueError("first"))
    end(ValueError("second"), failed)
    assert str(app.worker.crash_reason) == "first"
    assert app.worker._crashed.is_set()
    assert app.consumer.drain_limits == [(None, 1800.0), (failed.message, 1800.0)]


async def cancel_and_wait(task: asyncio.Future[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
