"""How a service becomes a process: by a program that is executed, or otherwise by whoever offers a `Spawn`."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Protocol

from app.local.service import Service


class Process(Protocol):
    """A started process, as the supervisor sees it; `returncode` is negative for a signal, as in `subprocess`."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, signal: int) -> None:
        """Raises ProcessLookupError if it has ended."""
        ...

    async def wait(self) -> int: ...


Spawn = Callable[[Service, int], Awaitable[Process]]
"""Starts a service that writes into a file descriptor; raises OSError."""


def added_env(service: Service) -> dict[str, str]:
    """What is added to the supervisor's environment."""
    return {"PYTHONUNBUFFERED": "1", **service.env}  # or Python holds lines back, as this is no terminal


async def execute(service: Service, output: int, inherited: tuple[int, ...] = ()) -> asyncio.subprocess.Process:
    """Start the program of the service, which has the inherited file descriptors too."""
    # a session of its own: Ctrl-C on the terminal reaches the supervisor alone, which then stops all in order
    return await asyncio.create_subprocess_exec(
        *service.argv,
        env={**os.environ, **added_env(service)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        pass_fds=inherited,
        start_new_session=True,
        user=service.user,
        group=service.user,
        extra_groups=None if service.user is None else [],
    )
