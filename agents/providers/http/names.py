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
Resolve = Callable[[str, int], Addresses]

MOST = 64  # look-ups at once, each in a thread of its own


def resolve(host: str, port: int) -> Addresses:
    """What the operating system says; it may take as long as it likes. Raises OSError or UnicodeError."""
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def numeric(host: str, port: int) -> Addresses:
    """The address that the host is, without asking anybody; none for a name."""
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except OSError:
        return []


class Names:
    """One look-up at a time for each name, shared by all who want it; whoever stops waiting leaves it to the others."""

    def __init__(self, loop: asyncio.AbstractEventLoop, resolve: Resolve = resolve) -> None:
        self._loop, self._resolve = loop, resolve
        self._asked: dict[tuple[str, int], asyncio.Future[Addresses]] = {}

    async def look_up(self, host: str, port: int) -> Addresses:
        """The addresses of a host, as getaddrinfo gives them. Raises OSError or UnicodeError."""
        if found := numeric(host, port):
            return found
        name = host, port
        if name not in self._asked:
            if len(self._asked) >= MOST:
                raise OSError(f"{MOST} names are being looked up already, and their name servers do not answer")
            try:
                Thread(target=self._ask, args=(name,), name=f"name {host}", daemon=True).start()
            except RuntimeError as error:
                raise OSError(f"{host} cannot be looked up now: {error}") from error
            self._asked[name] = self._loop.create_future()  # only now, and the answer comes by this loop: it finds somebody to tell
        return await asyncio.shield(self._asked[name])

    def _ask(self, name: tuple[str, int]) -> None:
        found: Addresses | Exception
        try:
            found = self._resolve(*name)
        except Exception as error:
            found = error
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._answer, name, found)

    def _answer(self, name: tuple[str, int], found: Addresses | Exception) -> None:
        asked = self._asked.pop(name)
        if isinstance(found, Exception):
            asked.set_exception(found)
            asked.exception()  # seen: whoever asked may have stopped waiting
        else:
            asked.set_result(found)
