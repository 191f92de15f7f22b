"""Resolves host names, with one thread for each lookup, so that an unresponsive name server delays only its own names.

The event loop's own lookup shares a few threads between all names. A lookup at an unresponsive name server occupies its thread for many
seconds, also after its caller has stopped waiting; a few such lookups would block all others.
"""

import asyncio
import socket
from collections.abc import Callable
from threading import Thread
from typing import Any

Addresses = list[tuple[Any, ...]]
ResolveFunction = Callable[[str, int], Addresses]

MAX_LOOKUPS = 64  # concurrent lookups, each in its own thread


def resolve_blocking(host: str, port: int) -> Addresses:
    """The addresses of a host from the operating system; blocks without a timeout. Raises OSError or UnicodeError."""
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def parse_numeric_host(host: str, port: int) -> Addresses:
    """The address in `host`, without a lookup; empty if it is a name."""
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except OSError:
        return []


class Resolver:
    """One lookup at a time for each name, shared by all callers; a caller that is cancelled does not cancel it."""

    def __init__(self, resolve: ResolveFunction = resolve_blocking) -> None:
        self._resolve = resolve
        self._pending: dict[tuple[str, int], asyncio.Future[Addresses]] = {}

    async def resolve(self, host: str, port: int) -> Addresses:
        """The addresses of a host, in the format of getaddrinfo. Raises OSError or UnicodeError."""
        if addresses := parse_numeric_host(host, port):
            return addresses
        name = host, port
        if name not in self._pending:
            if len(self._pending) >= MAX_LOOKUPS:
                raise OSError(f"{MAX_LOOKUPS} DNS lookups are pending already: the name servers do not respond")
            loop = asyncio.get_running_loop()
            try:
                Thread(target=self._run_lookup, args=(loop, name), name=f"dns {host}", daemon=True).start()
            except RuntimeError as error:
                raise OSError(f"the DNS lookup of {host} could not be started: {error}") from error
            # after the start, which can fail; the thread sets the result through this loop, so it cannot come before the future exists
            self._pending[name] = loop.create_future()
        return await asyncio.shield(self._pending[name])

    def _run_lookup(self, loop: asyncio.AbstractEventLoop, name: tuple[str, int]) -> None:
        result: Addresses | Exception
        try:
            result = self._resolve(*name)
        except Exception as error:
            result = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._finish_lookup, name, result)

    def _finish_lookup(self, name: tuple[str, int], result: Addresses | Exception) -> None:
        lookup = self._pending.pop(name)
        if isinstance(result, Exception):
            lookup.set_exception(result)
            lookup.exception()  # marks it as retrieved, because all callers may have been cancelled
        else:
            lookup.set_result(result)
