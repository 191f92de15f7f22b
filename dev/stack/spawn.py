"""Starts the process of a service: as a subprocess, or with another `Spawner`."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Protocol

from dev.stack.service import Service


class ProcessHandle(Protocol):
    """A started process; `returncode` as in `subprocess`: None while it runs, negative for a signal."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, signal: int) -> None:
        """Raises ProcessLookupError if the process has exited."""
        ...

    async def wait(self) -> int: ...


Spawner = Callable[[Service, int], Awaitable[ProcessHandle]]
"""Starts a service with its output to a file descriptor; raises OSError."""


def build_extra_env(service: Service) -> dict[str, str]:
    """The variables that a service gets besides those of the supervisor."""
    return {"PYTHONUNBUFFERED": "1", **service.env}  # otherwise Python buffers its output, which is not a terminal


async def spawn_subprocess(service: Service, output_fd: int, pass_fds: tuple[int, ...] = ()) -> asyncio.subprocess.Process:
    """Start the program of a service with its output to `output_fd`; it also inherits `pass_fds`."""
    # in a new session, so that Ctrl-C on the terminal reaches only the supervisor, which stops the services in order
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
