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

from app.local import nursery
from app.local.keeper import OnPid
from app.local.log import Output, Say
from app.local.service import Service
from app.local.spawn import Process, added_env, execute

NAME = "nursery"
CODE_UNKNOWN = 255  # of a service that ended after the nursery did, which alone could have told
PATIENCE = nursery.PATIENCE + 5.0  # seconds that the nursery has to end


class NurseryGone(Exception):
    """The nursery has ended."""


def is_possible() -> bool:
    """Whether services can be forked here: elsewhere than on Linux a fork after imports is not safe, and pidfds are needed."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # a sandbox that does not know it
        return False
    return True


class Forked:
    """A service that the nursery has forked: not our child, so its end is seen by a pidfd and its exit code asked for."""

    def __init__(self, pid: int, code_of: Callable[[int], Awaitable[int]]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._code_of = code_of
        self._pidfd = os.pidfd_open(pid)
        self._ended = asyncio.create_task(self._until_ended())

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError if it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError(self.pid)
        signal.pidfd_send_signal(self._pidfd, number)

    async def wait(self) -> int:
        """The exit code, when it has ended; CODE_UNKNOWN if the nursery ended before."""
        return await asyncio.shield(self._ended)

    async def _until_ended(self) -> int:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._pidfd, ended.set)
        try:
            await ended.wait()
            self.returncode = await self._code_of(self.pid)
        except NurseryGone:
            self.returncode = CODE_UNKNOWN
        finally:
            loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
        return self.returncode


class Forks:
    """Starts services by forking a nursery that has imported `modules`; executes what cannot be forked, or not any more."""

    def __init__(self, modules: Sequence[str], say: Say, on_pid: OnPid) -> None:
        self._modules, self._say, self._on_pid = modules, say, on_pid
        self._socket: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._answers: dict[int, asyncio.Future[dict[str, int]]] = {}
        self._numbers = itertools.count()

    async def open(self) -> None:
        """Start the nursery, which imports while others start; does nothing without modules, or where forks are not possible."""
        if not self._modules or not is_possible():
            return
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        with theirs:
            argv = (sys.executable, "-m", nursery.__name__, str(theirs.fileno()), *self._modules)
            self._service, self._output = Service(NAME, argv), Output(NAME, self._say)
            self._process = await execute(self._service, self._output.write_end, (theirs.fileno(),))
        self._on_pid(self._service, self._process.pid)
        await self._output.follow()
        asyncio.get_running_loop().add_reader(self._socket, self._hear, self._socket)

    async def close(self) -> None:
        """End the nursery, and what it has forked that nobody has heard of."""
        if self._process is None:
            return
        self._forget()
        try:
            await asyncio.wait_for(self._process.wait(), PATIENCE)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._output.finish()
        self._on_pid(self._service, None)

    async def spawn(self, service: Service, output: int) -> Process:
        """Start a service that writes into this file descriptor; raises OSError."""
        if service.forked and self._socket is not None:
            try:
                answer = await self._ask({"name": service.name, "argv": service.argv, "env": added_env(service)}, output)
                return Forked(answer["pid"], self._code_of)
            except (NurseryGone, ProcessLookupError):
                self._say(service.name, "is started without the nursery, which has ended")
        return await execute(service, output)

    async def _code_of(self, pid: int) -> int:
        return (await self._ask({"wait": pid}))["code"]

    async def _ask(self, request: dict[str, Any], *outputs: int) -> dict[str, int]:
        """The nursery's answer; raises NurseryGone."""
        if self._socket is None:
            raise NurseryGone
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            socket.send_fds(self._socket, [json.dumps({"number": number, **request}).encode()], outputs)
            return await self._answers[number]
        except OSError:
            raise NurseryGone from None
        finally:
            del self._answers[number]

    def _hear(self, ours: socket.socket) -> None:
        try:
            message = ours.recv(nursery.LONGEST)
        except ConnectionError:
            message = b""
        if not message:
            self._say(NAME, "has ended: what is started from now on imports everything itself")
            self._forget()
            return
        answer = json.loads(message)
        waiting = self._answers.get(answer["number"])  # none if whoever asked has been cancelled
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _forget(self) -> None:
        """Close our end of the socket; whoever waits for an answer gets none."""
        if self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(NurseryGone())
