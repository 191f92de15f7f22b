"""Looks host names up, so that a name server which does not answer holds up nobody but its own names.

The event loop's own look-up has a few threads for all names, and one that waits for a dead name server keeps its thread for many seconds,
whether anybody still wants the answer or not: some dials to one such host, and no other name can be looked up any more.
"""

import asyncio
import socket
from collections.abc import Callable
from threading import Thread
from typing import Any

Addresses = list[tuple[Any, ...]]
ResolveFunction = Callable[[str, int], Addresses]

MAX_LOOKUPS = 64  # look-ups at once, each in a thread of its own


def resolve_blocking(host: str, port: int) -> Addresses:
    """What the operating system says; it may take as long as it likes. Raises OSError or UnicodeError."""
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def parse_numeric_host(host: str, port: int) -> Addresses:
    """The address that the host is, without asking anybody; none for a name."""
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except OSError:
        return []


class Resolver:
    """One look-up at a time for each name, shared by all who want it; whoever stops waiting leaves it to the others."""

    def __init__(self, loop: asyncio.AbstractEventLoop, resolve: ResolveFunction = resolve_blocking) -> None:
        self._loop, self._resolve = loop, resolve
        self._pending: dict[tuple[str, int], asyncio.Future[Addresses]] = {}

    async def resolve(self, host: str, port: int) -> Addresses:
        """The addresses of a host, as getaddrinfo gives them. Raises OSError or UnicodeError."""
        if found := parse_numeric_host(host, port):
            return found
        name = host, port
        if name not in self._pending:
            if len(self._pending) >= MAX_LOOKUPS:
                raise OSError(f"{MAX_LOOKUPS} names are being looked up already, and their name servers do not answer")
            try:
                Thread(target=self._run_lookup, args=(name,), name=f"name {host}", daemon=True).start()
            except RuntimeError as error:
                raise OSError(f"{host} cannot be looked up now: {error}") from error
            self._pending[name] = self._loop.create_future()  # only now, and the answer comes by this loop: it finds somebody to tell
        return await asyncio.shield(self._pending[name])

    def _run_lookup(self, name: tuple[str, int]) -> None:
        found: Addresses | Exception
        try:
            found = self._resolve(*name)
        except Exception as error:
            found = error
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._finish_lookup, name, found)

    def _finish_lookup(self, name: tuple[str, int], found: Addresses | Exception) -> None:
        asked = self._pending.pop(name)
        if isinstance(found, Exception):
            asked.set_exception(found)
            asked.exception()  # seen: whoever asked may have stopped waiting
        else:
            asked.set_result(found)
