"""How a worker ends: what stops comes first, then its tasks end, and only then connections close."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.settings import load_settings
from app.streaming.consumer.fetch_scheduling import PriorityLimits
from app.workers import worker_builder
from app.workers.worker_builder import WorkerBuilder
from tests.fakes import run_pending_tasks

LIMITS = PriorityLimits(1, 1, 1, 1, 0, 0.0)


@pytest.fixture
def worker(tmp_path: Path) -> WorkerBuilder:
    settings = load_settings({"HEROLD_WORKER_DATA_DIR": str(tmp_path)})
    return WorkerBuilder("recorder", settings, (LIMITS, LIMITS))


def start_tasks(worker: WorkerBuilder) -> None:
    """Start the tasks as Faust does when the worker is ready."""
    tasks: Any = worker.app._app_tasks
    for task in tasks[1:]:  # the first checks partitions
        worker.app.add_future(task())


async def test_tasks_end_before_connections_close_and_after_what_stops(worker: WorkerBuilder) -> None:
    events: list[str] = []

    async def poll() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # a query that is given up
            events.append("polled")

    async def note(event: str) -> None:
        events.append(event)

    worker.add_close_callback(lambda: note("closed"))
    worker.add_task("poll", poll)
    worker.add_task("ends", lambda: note("ended"))
    worker.add_shutdown_callback(lambda: note("stopped"))
    start_tasks(worker)
    await run_pending_tasks()
    await worker._run_shutdown_callbacks(worker.app)
    assert events == ["ended", "stopped", "polled", "closed"]


async def test_a_task_that_does_not_end_does_not_keep_connections_open(worker: WorkerBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_builder, "SHUTDOWN_CALLBACKS_TIMEOUT", 0.0)
    go_on, is_closed = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue  # as asyncpg, while the server does not confirm it

    async def close() -> None:
        is_closed.set()

    worker.add_task("hang", hang)
    worker.add_close_callback(close)
    start_tasks(worker)
    await run_pending_tasks()
    await worker._run_shutdown_callbacks(worker.app)
    assert is_closed.is_set()
    go_on.set()
    await run_pending_tasks()
