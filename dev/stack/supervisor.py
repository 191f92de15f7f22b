"""Runs many services: starts them stage by stage, restarts those that fail, and stops them in reverse order."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from dev.stack.managed_process import ManagedProcess, PidCallback, RestartPolicy
from dev.stack.process_output import LogSink
from dev.stack.service import Service
from dev.stack.spawn import Spawner, spawn_subprocess

T = TypeVar("T")
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):
    """Ctrl-C, SIGTERM or `request_stop` interrupted a start."""


class Supervisor:
    """Runs the services of all stages.

    `log`: called with every line of every process. `on_pid_change`: called when a process has been started or has exited. `spawn`: starts
    a process.
    """

    def __init__(
        self,
        log: LogSink,
        on_pid_change: PidCallback = lambda service, pid: None,
        restart_policy: RestartPolicy | None = None,
        spawn: Spawner = spawn_subprocess,
    ) -> None:
        self._log = log
        self._on_pid_change = on_pid_change
        self._restart_policy = restart_policy or RestartPolicy()
        self._spawn = spawn
        self._stop = asyncio.Event()
        self._stages: list[list[ManagedProcess]] = []
        self._supervise_tasks: list[asyncio.Task[None]] = []

    def get_pids(self) -> dict[str, int]:
        """The pids of the running processes, by service."""
        return {process.service.name: process.pid for stage in self._stages for process in stage if process.pid is not None}

    @property
    def stop_requested(self) -> bool:
        """Whether a stop was requested."""
        return self._stop.is_set()

    def request_stop(self) -> None:
        """Make `wait` return and `run_unless_stopped` raise StopRequested."""
        self._stop.set()

    async def wait(self) -> None:
        """Wait for a request to stop. Raises the exception of a supervision task that has failed."""
        stop = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait({stop, *self._supervise_tasks}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        for task in done - {stop}:
            await task

    async def start(self, stage: Sequence[Service]) -> None:
        """Start the services of one stage in parallel; returns when all are ready. Raises ServiceStartError or StopRequested."""
        processes = [ManagedProcess(service, self._log, self._on_pid_change, self._restart_policy, self._spawn) for service in stage]
        self._stages.append(processes)
        await self.run_unless_stopped(_gather_or_cancel([process.start() for process in processes]))
        self._supervise_tasks += [asyncio.create_task(process.supervise()) for process in processes]

    async def run_unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`. A request to stop cancels it and raises StopRequested."""
        task, stop = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise StopRequested
        finally:
            await _cancel_all([task, stop])

    async def stop(self) -> None:
        """Stop all services: the last stage first, the services of a stage in parallel."""
        await _cancel_all(self._supervise_tasks)
        self._supervise_tasks.clear()
        while self._stages:
            await asyncio.gather(*(process.stop() for process in self._stages[-1]))
            self._stages.pop()  # last, so that after a cancellation the next call stops the same stage

    @contextmanager
    def handle_signals(self) -> Iterator[None]:
        """Inside, SIGINT, SIGTERM and SIGHUP (the terminal was closed; ignored under nohup) request a stop."""
        loop = asyncio.get_running_loop()
        numbers = [number for number in STOP_SIGNALS if not (number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN)]
        for number in numbers:
            loop.add_signal_handler(number, self.request_stop)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


async def _gather_or_cancel(work: list[Coroutine[Any, Any, None]]) -> None:
    tasks = [asyncio.create_task(coroutine) for coroutine in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        await _cancel_all(tasks)


async def _cancel_all(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
