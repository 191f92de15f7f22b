"""The process of one service: start it, wait until it is ready, restart it when it fails, stop it."""

import asyncio
import os
import re
import signal
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from dev.stack.process_output import LogSink, OutputPipe
from dev.stack.service import HealthCheck, Service, ServiceStartError
from dev.stack.spawn import ProcessHandle, Spawner, spawn_subprocess

PidCallback = Callable[[Service, int | None], None]
"""Takes a service and the pid of its new process, or None when the process has exited."""


@dataclass(frozen=True)
class RestartPolicy:
    """The delay before a restart in seconds: doubles from `initial_delay` to `max_delay`; reset after an uptime of `reset_after`."""

    initial_delay: float = 0.5
    max_delay: float = 10.0
    reset_after: float = 30.0

    def compute_delay(self, previous_delay: float, uptime: float) -> float:
        """The delay after an uptime in seconds; `previous_delay` is 0 before the first restart."""
        return self.initial_delay if uptime >= self.reset_after or previous_delay == 0 else min(previous_delay * 2, self.max_delay)


class ManagedProcess:
    """Runs the one process of a service."""

    def __init__(
        self, service: Service, log: LogSink, on_pid_change: PidCallback, restart_policy: RestartPolicy, spawn: Spawner = spawn_subprocess
    ) -> None:
        self.service = service
        self.restart_policy = restart_policy
        self._log = log
        self._on_pid_change = on_pid_change
        self._spawn = spawn
        self._process: ProcessHandle | None = None
        self._output: OutputPipe | None = None
        self._last_lines: deque[str] = deque(maxlen=20)

    @property
    def pid(self) -> int | None:
        """The pid of the running process."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def log(self, line: str) -> None:
        """Log a line under the name of the service."""
        self._log(self.service.name, line)

    async def start(self) -> None:
        """Start the process and wait until it is ready. Raises ServiceStartError with the last lines of its output."""
        started_at = asyncio.get_running_loop().time()
        process = await self._spawn_process()
        await self._wait_until_ready(process)
        self.log(f"ready in {asyncio.get_running_loop().time() - started_at:.2f} s (pid {process.pid})")

    async def supervise(self) -> None:
        """Restart the process whenever it exits or fails its health check; runs until cancelled."""
        delay, clock = 0.0, asyncio.get_running_loop().time
        while True:
            watched_since = clock()
            if self._process is not None:
                self.log(await self._wait_until_failed(self._process))
            uptime = clock() - watched_since
            await self.stop()
            delay = self.restart_policy.compute_delay(delay, uptime)
            self.log(f"restarting in {delay:.1f} s")
            await asyncio.sleep(delay)
            await self._restart()

    async def stop(self) -> None:
        """Stop the process: its stop signal, SIGKILL after `stop_timeout`, then SIGKILL to the rest of its process group."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            await self._stop_gracefully(process)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if self._output is not None:
            await self._output.drain()
        self._process = None  # last, so that after a cancellation the next call stops the same process
        self._on_pid_change(self.service, None)

    async def _restart(self) -> None:
        try:
            await self.start()
        except ServiceStartError as error:
            self.log(str(error))
            await self.stop()

    async def _spawn_process(self) -> ProcessHandle:
        output = OutputPipe(self.service.name, self._handle_line)
        try:
            process = await self._spawn(self.service, output.write_fd)
        except OSError as error:  # the program does not exist or is not executable, or too many files are open
            output.close()
            raise ServiceStartError(f"{self.service.name} could not be started: {error}") from error
        self._process, self._output = process, output
        self._on_pid_change(self.service, process.pid)
        self._last_lines.clear()
        await output.start_reading()
        return process

    def _handle_line(self, name: str, line: str) -> None:
        self._last_lines.append(line)
        if not self.service.log_exclude_pattern or not re.search(self.service.log_exclude_pattern, line):
            self._log(name, line)

    async def _wait_until_ready(self, process: ProcessHandle) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.service.start_timeout
        while True:
            failure = await self._run_check(self.service.readiness_check)
            if process.returncode is not None:
                raise ServiceStartError(await self._describe_early_exit(process.returncode))
            if failure is None:
                return
            if clock() > deadline:
                raise ServiceStartError(f"{self.service.name} was not ready after {self.service.start_timeout:.0f} s: {failure!r}")
            await asyncio.sleep(0.05)

    async def _describe_early_exit(self, exit_code: int) -> str:
        if self._output is not None:
            await self._output.drain()  # the last lines may still be in the pipe
        lines = "".join(f"\n    {line}" for line in self._last_lines)
        return f"{self.service.name} exited with code {exit_code} before it was ready{': ' + lines if lines else ''}"

    async def _run_check(self, check: HealthCheck | None) -> Exception | None:
        if check is None:
            return None
        try:
            async with asyncio.timeout(self.service.check_timeout):
                await check()
        except Exception as error:  # any exception of a check means "not ready"
            return error
        return None

    async def _wait_until_failed(self, process: ProcessHandle) -> str:
        """Wait until the process has exited or failed too many health checks in a row; returns the reason."""
        failures = 0
        while failures < self.service.failure_threshold:
            try:
                async with asyncio.timeout(self.service.check_interval):
                    return f"exited with code {await process.wait()}"
            except TimeoutError:
                failure = await self._run_check(self.service.liveness_check or self.service.readiness_check)
                failures = 0 if failure is None else failures + 1
        return f"failed {failures} health checks in a row: {failure!r}"

    async def _stop_gracefully(self, process: ProcessHandle) -> None:
        with suppress(ProcessLookupError):
            process.send_signal(self.service.stop_signal)  # to the process only: servers stop their own children
        try:
            async with asyncio.timeout(self.service.stop_timeout):
                await process.wait()
        except TimeoutError:
            self.log(f"did not stop within {self.service.stop_timeout:.0f} s: killed")
