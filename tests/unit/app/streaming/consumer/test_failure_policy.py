"""An error keeps its batch and stops the worker; a cancellation does neither."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.streaming.consumer import failure_policy
from app.streaming.consumer.failure_policy import ShutdownOnFailure, build_agent
from app.streaming.consumer.faust_batch import BatchHandleStream, FaustBatchHandle
from schemas.ports import BatchHandle
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


async def test_an_error_keeps_the_batch_and_stops_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    async def run(batches: AsyncIterator[BatchHandle]) -> None:
        async for handle in batches:
            if handle.batch.first_offset == 10:
                raise ValueError("unexpected")
            handle.ack()

    stream, on_failure = build_stream(), FailureRecorder()
    agent = asyncio.ensure_future(build_agent(run, on_failure)(stream))  # type: ignore[arg-type]
    await on_failure.called.wait()
    assert [str(error) for error in on_failure.errors] == ["unexpected"]
    assert on_failure.failed_offsets == [10]
    assert stream.app.consumer.acked_offsets == [0]
    assert stream.app.consumer.released_offsets == []
    assert not agent.done()  # it takes no further batch
    assert "notifications.low partition 3, offsets 10 to 19" in caplog.text
    await cancel_and_wait(agent)
    assert stream.app.consumer.acked_offsets == [0]


async def test_a_cancellation_acknowledges_nothing_and_reports_no_failure() -> None:
    started = asyncio.Event()

    async def run(batches: AsyncIterator[BatchHandle]) -> None:
        async for _ in batches:
            started.set()
            await asyncio.Event().wait()

    stream, on_failure = build_stream(), FailureRecorder()
    agent = asyncio.ensure_future(build_agent(run, on_failure)(stream))  # type: ignore[arg-type]
    await started.wait()
    await cancel_and_wait(agent)
    assert stream.app.consumer.acked_offsets == []
    assert on_failure.errors == []


async def test_an_agent_that_returns_before_its_stream_ends_stops_the_worker() -> None:
    async def run(batches: AsyncIterator[BatchHandle]) -> None:
        await anext(batches)

    stream, on_failure = build_stream(), FailureRecorder()
    agent = asyncio.ensure_future(build_agent(run, on_failure)(stream))  # type: ignore[arg-type]
    await on_failure.called.wait()
    assert "the agent returned" in str(on_failure.errors[0])
    assert stream.app.consumer.acked_offsets == []
    await cancel_and_wait(agent)


async def test_the_agent_acknowledges_its_batches_in_any_order() -> None:
    async def run(batches: AsyncIterator[BatchHandle]) -> None:
        handles = [handle async for handle in batches]
        for handle in reversed(handles):
            handle.ack()

    stream, on_failure = build_stream(), FailureRecorder()
    await build_agent(run, on_failure)(stream)
    assert stream.app.consumer.acked_offsets == [20, 10, 0]
    assert on_failure.errors == []


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


async def test_the_worker_is_stopped_once_and_the_drain_limited_for_each_failed_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FakeShutdownApp()
    exits: list[float] = []
    monkeypatch.setattr(failure_policy, "schedule_forced_exit", exits.append)
    on_failure = ShutdownOnFailure(app, timeout=3600.0)
    stream = build_stream()
    failed = await anext(BatchHandleStream(stream))
    on_failure(ValueError("first"))
    on_failure(ValueError("second"), failed)
    assert str(app.worker.crash_reason) == "first"
    assert app.worker._crashed.is_set()
    assert app.consumer.drain_limits == [(None, 900.0), (failed.message, 900.0)]
    assert exits == [3600.0]


async def cancel_and_wait(task: asyncio.Future[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
