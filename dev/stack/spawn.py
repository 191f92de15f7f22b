"""How a service becomes a process: by a program that is executed, or otherwise by whoever offers a `Spawn`."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Protocol

from dev.stack.service import Service


class ProcessHandle(Protocol):
    """A started process, as the supervisor sees it; `returncode` is negative for a signal, as in `subprocess`."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, signal: int) -> None:
        """Raises ProcessLookupError if it has ended."""
        ...

    async def wait(self) -> int: ...


Spawner = Callable[[Service, int], Awaitable[ProcessHandle]]
"""Starts a service that writes into a file descriptor; raises OSError."""


def build_extra_env(service: Service) -> dict[str, str]:
    """What is added to the supervisor's environment."""
    return {"PYTHONUNBUFFERED": "1", **service.env}  # or Python holds lines back, as this is no terminal


async def spawn_subprocess(service: Service, output_fd: int, pass_fds: tuple[int, ...] = ()) -> asyncio.subprocess.Process:
    """Start the program of the service, which has the inherited file descriptors too."""
    # a session of its own: Ctrl-C on the terminal reaches the supervisor alone, which then stops all in order
    return await asyncio.create_subprocess_exec(
        *service.argv,
        env={**os.environ, **build_extra_env(service)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output_fd,
        stderr=asyncio.subprocess.STDOUT,
        pass_fds=pass_fds,
        start_new_session=True,
        user=service.user,
        group=service.user,
        extra_groups=None if service.user is None else [],
    )
