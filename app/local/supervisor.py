"""Many services run as one: started stage by stage, each kept running, stopped in reverse."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from app.local.keeper import Backoff, Keeper, OnPid
from app.local.log import Say
from app.local.service import Service
from app.local.spawn import Spawn, execute

T = TypeVar("T")
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):
    """Ctrl-C, SIGTERM or `request_stop` came while something was being started."""


class Supervisor:
    """Runs services in the order in which they are started.

    `say` gets every line of every process; `on_pid` is told of each process that begins or ends; `spawn` starts them.
    """

    def __init__(self, say: Say, on_pid: OnPid = lambda service, pid: None, backoff: Backoff | None = None, spawn: Spawn = execute) -> None:
        self._say = say
        self._on_pid = on_pid
        self._backoff = backoff or Backoff()
        self._spawn = spawn
        self._stop = asyncio.Event()
        self._stages: list[list[Keeper]] = []
        self._keeping: list[asyncio.Task[None]] = []

    def pids(self) -> dict[str, int]:
        """The processes that run now, by service."""
        return {k.service.name: k.pid for stage in self._stages for k in stage if k.pid is not None}

    @property
    def stop_requested(self) -> bool:
        """Whether a stop was requested."""
        return self._stop.is_set()

    def request_stop(self) -> None:
        """Make `wait` return, and whatever `unless_stopped` runs end with StopRequested."""
        self._stop.set()

    async def wait(self) -> None:
        """Wait for a request to stop; raises if the supervision of a service itself has failed."""
        stop = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait({stop, *self._keeping}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        for task in done - {stop}:
            await task

    async def start(self, stage: Sequence[Service]) -> None:
        """Start one stage in parallel, return when all of it is ready; raises StartFailed or StopRequested."""
        keepers = [Keeper(service, self._say, self._on_pid, self._backoff, self._spawn) for service in stage]
        self._stages.append(keepers)
        await self.unless_stopped(_all_of([keeper.start() for keeper in keepers]))
        self._keeping += [asyncio.create_task(keeper.keep()) for keeper in keepers]

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of the work; a request to stop cancels it and raises StopRequested."""
        task, stop = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise StopRequested
        finally:
            await _cancel([task, stop])

    async def stop(self) -> None:
        """Stop everything, the last stage first; a stage's services in parallel."""
        await _cancel(self._keeping)
        self._keeping.clear()
        while self._stages:
            await asyncio.gather(*(keeper.end() for keeper in self._stages[-1]))
            self._stages.pop()  # only now: if this is cancelled half-way, the next call ends the same stage

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Inside, SIGINT, SIGTERM and SIGHUP (the terminal has gone; not under nohup) are requests to stop."""
        loop = asyncio.get_running_loop()
        numbers = [number for number in STOP_SIGNALS if not (number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN)]
        for number in numbers:
            loop.add_signal_handler(number, self.request_stop)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


async def _all_of(work: list[Coroutine[Any, Any, None]]) -> None:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        await _cancel(tasks)


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
