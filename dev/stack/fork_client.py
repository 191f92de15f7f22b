"""The supervisor's side of the nursery: start it, have services forked, hear of their ends, and do without it if it is gone."""

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
UNKNOWN_EXIT_CODE = 255  # of a service that ended after the nursery did, which alone could have told
STOP_TIMEOUT = fork_server.STOP_TIMEOUT + 5.0  # seconds that the nursery has to end


class ForkServerExitedError(Exception):
    """The nursery has ended."""


def is_fork_supported() -> bool:
    """Whether services can be forked here: elsewhere than on Linux a fork after imports is not safe, and pidfds are needed."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # a sandbox that does not know it
        return False
    return True


class ForkedProcess:
    """A service that the nursery has forked: not our child, so its end is seen by a pidfd and its exit code asked for."""

    def __init__(self, pid: int, get_exit_code: Callable[[int], Awaitable[int]]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._get_exit_code = get_exit_code
        self._pidfd = os.pidfd_open(pid)
        self._exit_task = asyncio.create_task(self._wait_for_exit())

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError if it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError(self.pid)
        signal.pidfd_send_signal(self._pidfd, number)

    async def wait(self) -> int:
        """The exit code, when it has ended; CODE_UNKNOWN if the nursery ended before."""
        return await asyncio.shield(self._exit_task)

    async def _wait_for_exit(self) -> int:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._pidfd, ended.set)
        try:
            await ended.wait()
            self.returncode = await self._get_exit_code(self.pid)
        except ForkServerExitedError:
            self.returncode = UNKNOWN_EXIT_CODE
        finally:
            loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
        return self.returncode


class ForkClient:
    """Starts services by forking a nursery that has imported `modules`; executes what cannot be forked, or not any more."""

    def __init__(self, preload_modules: Sequence[str], log: LogSink, on_pid_change: PidCallback) -> None:
        self._preload_modules, self._log, self._on_pid_change = preload_modules, log, on_pid_change
        self._socket: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._pending_responses: dict[int, asyncio.Future[dict[str, int]]] = {}
        self._request_ids = itertools.count()

    async def start(self) -> None:
        """Start the nursery, which imports while others start; does nothing without modules, or where forks are not possible."""
        if not self._preload_modules or not is_fork_supported():
            return
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        with theirs:
            argv = (sys.executable, "-m", fork_server.__name__, str(theirs.fileno()), *self._preload_modules)
            self._service, self._output = Service(PROCESS_NAME, argv), OutputPipe(PROCESS_NAME, self._log)
            self._process = await spawn_subprocess(self._service, self._output.write_fd, (theirs.fileno(),))
        self._on_pid_change(self._service, self._process.pid)
        await self._output.start_reading()
        asyncio.get_running_loop().add_reader(self._socket, self._receive_response, self._socket)

    async def stop(self) -> None:
        """End the nursery, and what it has forked that nobody has heard of."""
        if self._process is None:
            return
        self._disconnect()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._output.drain()
        self._on_pid_change(self._service, None)

    async def spawn(self, service: Service, output_fd: int) -> ProcessHandle:
        """Start a service that writes into this file descriptor; raises OSError."""
        if service.forkable and self._socket is not None:
            try:
                answer = await self._send_request({"name": service.name, "argv": service.argv, "env": build_extra_env(service)}, output_fd)
                return ForkedProcess(answer["pid"], self._fetch_exit_code)
            except (ForkServerExitedError, ProcessLookupError):
                self._log(service.name, "is started as a subprocess: the fork server has exited")
        return await spawn_subprocess(service, output_fd)

    async def _fetch_exit_code(self, pid: int) -> int:
        return (await self._send_request({"wait_pid": pid}))["exit_code"]

    async def _send_request(self, request: dict[str, Any], *outputs: int) -> dict[str, int]:
        """The nursery's answer; raises NurseryGone."""
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
            self._log(PROCESS_NAME, "has exited: services started from now on import all modules themselves")
            self._disconnect()
            return
        answer = json.loads(message)
        waiting = self._pending_responses.get(answer["request_id"])  # none if whoever asked has been cancelled
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _disconnect(self) -> None:
        """Close our end of the socket; whoever waits for an answer gets none."""
        if self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        for waiting in self._pending_responses.values():
            if not waiting.done():
                waiting.set_exception(ForkServerExitedError())
