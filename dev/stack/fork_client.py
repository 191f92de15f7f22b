"""The supervisor's client of the fork server: starts services as its forks, and as subprocesses if the fork server has exited."""

import asyncio
import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from dev.stack import fork_server
from dev.stack.managed_process import PidCallback
from dev.stack.process_output import LogSink, OutputPipe
from dev.stack.service import Service
from dev.stack.spawn import ProcessHandle, build_extra_env, spawn_subprocess

PROCESS_NAME = "fork-server"
UNKNOWN_EXIT_CODE = 255  # of a service that exits after the fork server, its parent
STOP_TIMEOUT = fork_server.STOP_TIMEOUT + 5.0  # seconds in which the fork server must exit


class ForkServerExitedError(Exception):
    """The fork server has exited."""


def is_fork_supported() -> bool:
    """Whether services can be forked on this system. It must be Linux: elsewhere a fork after imports is unsafe. It must support pidfds."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # a sandbox without the system call
        return False
    return True


class ForkedProcess:
    """A service that the fork server has forked. It is not a child of this process: a pidfd signals its exit, and the fork server reads its
    exit code.
    """

    def __init__(self, pid: int, get_exit_code: Callable[[int], Awaitable[int]]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._get_exit_code = get_exit_code
        self._pidfd = os.pidfd_open(pid)
        self._exit_task = asyncio.create_task(self._wait_for_exit())

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError if the process has exited."""
        if self.returncode is not None:
            raise ProcessLookupError(self.pid)
        signal.pidfd_send_signal(self._pidfd, number)

    async def wait(self) -> int:
        """Wait for the exit; returns the exit code, or UNKNOWN_EXIT_CODE if the fork server has exited before."""
        return await asyncio.shield(self._exit_task)

    async def _wait_for_exit(self) -> int:
        loop, exited = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._pidfd, exited.set)
        try:
            await exited.wait()
            self.returncode = await self._get_exit_code(self.pid)
        except ForkServerExitedError:
            self.returncode = UNKNOWN_EXIT_CODE
        finally:
            loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
        return self.returncode


class ForkClient:
    """Starts forkable services through a fork server that has imported `preload_modules`, and all others as subprocesses."""

    def __init__(self, preload_modules: Sequence[str], log: LogSink, on_pid_change: PidCallback) -> None:
        self._preload_modules, self._log, self._on_pid_change = preload_modules, log, on_pid_change
        self._socket: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._pending_responses: dict[int, asyncio.Future[dict[str, int]]] = {}
        self._request_ids = itertools.count()

    async def start(self) -> None:
        """Start the fork server; returns before its imports are done. Does nothing without modules, or if forks are not supported."""
        if not self._preload_modules or not is_fork_supported():
            return
        self._socket, server_socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        with server_socket:
            argv = (sys.executable, "-m", fork_server.__name__, str(server_socket.fileno()), *self._preload_modules)
            self._service, self._output = Service(PROCESS_NAME, argv), OutputPipe(PROCESS_NAME, self._log)
            self._process = await spawn_subprocess(self._service, self._output.write_fd, (server_socket.fileno(),))
        self._on_pid_change(self._service, self._process.pid)
        await self._output.start_reading()
        asyncio.get_running_loop().add_reader(self._socket, self._receive_response, self._socket)

    async def stop(self) -> None:
        """Stop the fork server, which stops the forks whose exit code was not read."""
        if self._process is None:
            return
        self._disconnect()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._output.drain()
        self._on_pid_change(self._service, None)

    async def spawn(self, service: Service, output_fd: int) -> ProcessHandle:
        """Start a service with its output to a file descriptor. Raises OSError."""
        if service.forkable and self._socket is not None:
            try:
                response = await self._send_request(
                    {"name": service.name, "argv": service.argv, "env": build_extra_env(service)}, output_fd
                )
                return ForkedProcess(response["pid"], self._fetch_exit_code)
            except (ForkServerExitedError, ProcessLookupError):
                self._log(service.name, "started as a subprocess, because the fork server has exited")
        return await spawn_subprocess(service, output_fd)

    async def _fetch_exit_code(self, pid: int) -> int:
        return (await self._send_request({"wait_pid": pid}))["exit_code"]

    async def _send_request(self, request: dict[str, Any], *outputs: int) -> dict[str, int]:
        """Send a request and wait for its response. Raises ForkServerExitedError."""
        if self._socket is None:
            raise ForkServerExitedError
        request_id = next(self._request_ids)
        self._pending_responses[request_id] = asyncio.get_running_loop().create_future()
        try:
            socket.send_fds(self._socket, [json.dumps({"request_id": request_id, **request}).encode()], outputs)
            return await self._pending_responses[request_id]
        except OSError:
            raise ForkServerExitedError from None
        finally:
            del self._pending_responses[request_id]

    def _receive_response(self, connection: socket.socket) -> None:
        try:
            message = connection.recv(fork_server.MAX_MESSAGE_BYTES)
        except ConnectionError:
            message = b""
        if not message:
            self._log(PROCESS_NAME, "has exited; from now on each service imports all modules itself")
            self._disconnect()
            return
        response = json.loads(message)
        future = self._pending_responses.get(response["request_id"])  # None if the request was cancelled
        if future is not None and not future.done():
            future.set_result(response)

    def _disconnect(self) -> None:
        """Close this end of the socket and fail all pending requests."""
        if self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        for future in self._pending_responses.values():
            if not future.done():
                future.set_exception(ForkServerExitedError())
