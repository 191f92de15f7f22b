"""One service kept running: start it, wait until it is ready, watch it, start it again, end it."""

import asyncio
import os
import re
import signal
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from app.local.log import Output, Say
from app.local.service import Probe, Service, StartFailed
from app.local.spawn import Process, Spawn, execute

OnPid = Callable[[Service, int | None], None]
"""Told of each new process of a service, and (None) of its end."""


@dataclass(frozen=True)
class Backoff:
    """Seconds to wait before a restart: doubles from `first` to `most`, and starts anew after `calm` seconds of running."""

    first: float = 0.5
    most: float = 10.0
    calm: float = 30.0

    def after(self, previous: float, ran: float) -> float:
        """The wait that follows the previous one (0 if there was none) when the process ran for so long."""
        return self.first if ran >= self.calm or previous == 0 else min(previous * 2, self.most)


class Keeper:
    """Holds the one process of a service."""

    def __init__(self, service: Service, say: Say, on_pid: OnPid, backoff: Backoff, spawn: Spawn = execute) -> None:
        self.service = service
        self.backoff = backoff
        self._say = say
        self._on_pid = on_pid
        self._spawn = spawn
        self._process: Process | None = None
        self._output: Output | None = None
        self._last_lines: deque[str] = deque(maxlen=20)

    @property
    def pid(self) -> int | None:
        """The pid of the running process."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def say(self, line: str) -> None:
        """Say a line in the name of the service."""
        self._say(self.service.name, line)

    async def start(self) -> None:
        """Start the process and wait until it is ready; raises StartFailed with the process's last lines."""
        began = asyncio.get_running_loop().time()
        process = await self._begin()
        await self._until_ready(process)
        self.say(f"ready in {asyncio.get_running_loop().time() - began:.2f} s (pid {process.pid})")

    async def keep(self) -> None:
        """Start the process again whenever it ends or is not healthy any more; for ever."""
        wait, clock = 0.0, asyncio.get_running_loop().time
        while True:
            began = clock()
            if self._process is not None:
                self.say(await self._watch(self._process))
            ran = clock() - began
            await self.end()
            wait = self.backoff.after(wait, ran)
            self.say(f"restarting in {wait:.1f} s")
            await asyncio.sleep(wait)
            await self._start_again()

    async def end(self) -> None:
        """Stop the process: its stop signal, SIGKILL after `stop_timeout`, and SIGKILL to whatever is left of its session."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            await self._ask_to_stop(process)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if self._output is not None:
            await self._output.finish()
        self._process = None  # only now: if this is cancelled half-way, the next call ends the same process
        self._on_pid(self.service, None)

    async def _start_again(self) -> None:
        try:
            await self.start()
        except StartFailed as error:
            self.say(str(error))
            await self.end()

    async def _begin(self) -> Process:
        output = Output(self.service.name, self._hear)
        try:
            process = await self._spawn(self.service, output.write_end)
        except OSError as error:  # no such program, not executable, too many open files
            output.discard()
            raise StartFailed(f"{self.service.name} could not be started: {error}") from error
        self._process, self._output = process, output
        self._on_pid(self.service, process.pid)
        self._last_lines.clear()
        await output.follow()
        return process

    def _hear(self, name: str, line: str) -> None:
        self._last_lines.append(line)
        if not self.service.noise or not re.search(self.service.noise, line):
            self._say(name, line)

    async def _until_ready(self, process: Process) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.service.start_timeout
        while True:
            failure = await self._failure(self.service.ready)
            if process.returncode is not None:
                raise StartFailed(await self._obituary(process.returncode))
            if failure is None:
                return
            if clock() > deadline:
                raise StartFailed(f"{self.service.name} was not ready after {self.service.start_timeout:.0f} s: {failure!r}")
            await asyncio.sleep(0.05)

    async def _obituary(self, code: int) -> str:
        if self._output is not None:
            await self._output.finish()  # its last words may still be in the pipe
        said = "".join(f"\n    {line}" for line in self._last_lines)
        return f"{self.service.name} ended with code {code} before it was ready{': ' + said if said else ''}"

    async def _failure(self, probe: Probe | None) -> Exception | None:
        if probe is None:
            return None
        try:
            await asyncio.wait_for(probe(), self.service.probe_timeout)
        except Exception as error:  # a probe is anybody's code: whatever it raises means "not ready"
            return error
        return None

    async def _watch(self, process: Process) -> str:
        """Return, with the reason, when the process has ended or has failed its health check too often."""
        misses = 0
        while misses < self.service.misses:
            try:
                return f"ended with code {await asyncio.wait_for(process.wait(), self.service.probe_every)}"
            except TimeoutError:
                failure = await self._failure(self.service.alive or self.service.ready)
                misses = 0 if failure is None else misses + 1
        return f"failed {misses} health checks in a row: {failure!r}"

    async def _ask_to_stop(self, process: Process) -> None:
        with suppress(ProcessLookupError):
            process.send_signal(self.service.stop_signal)  # to the leader alone: servers stop their own children
        try:
            await asyncio.wait_for(process.wait(), self.service.stop_timeout)
        except TimeoutError:
            self.say(f"did not stop within {self.service.stop_timeout:.0f} s: killed")
