"""Resolves host names, with a short cache and one thread for each lookup, so that an unresponsive name server delays only its own names.

The event loop's own lookup shares a few threads between all names. A lookup at an unresponsive name server occupies its thread for many
seconds, also after its caller has stopped waiting; a few such lookups would block all others. Here a name that was found is not looked up
again before it is used, and names that were not found can use only a part of the threads.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

Addresses = list[tuple[Any, ...]]
ResolveFunction = Callable[[str, int], Addresses]
Name = tuple[str, int]

MAX_LOOKUPS = 128  # concurrent lookups, each in its own thread
MAX_SUSPECT_LOOKUPS = 64  # of these, the ones of names whose last lookup failed
FRESH_SECONDS = 30.0  # in which an address is used without another lookup
STALE_SECONDS = 300.0  # in which it is used while another lookup runs; as long as a connection is used
FAILURE_SECONDS = 1.0  # in which a name that was not found is not looked up again; less than the delays between the attempts of a delivery
MAX_CACHED_NAMES = 4096


def resolve_blocking(host: str, port: int) -> Addresses:
    """The addresses of a host from the operating system; blocks without a timeout. Raises OSError or UnicodeError."""
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def parse_numeric_host(host: str, port: int) -> Addresses:
    """The address in `host`, without a lookup; empty if it is a name."""
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except OSError:
        return []


@dataclass(slots=True)
class CachedName:
    """The last result for a name, used until `expires_at`, and looked up again at its first use from `refresh_at` on."""

    addresses: Addresses
    failure: Exception | None
    refresh_at: float
    expires_at: float


@dataclass(slots=True)
class Lookup:
    """A lookup that waits for a thread or has one, and the number of its callers."""

    is_suspect: bool
    result: asyncio.Future[Addresses]
    started: asyncio.Event = field(default_factory=asyncio.Event)
    callers: int = 0


class Resolver:
    """One lookup at a time for each name, shared by all callers; a caller that is cancelled does not cancel it.

    `clock` is monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float], resolve: ResolveFunction = resolve_blocking) -> None:
        self._clock, self._resolve = clock, resolve
        self._cache: dict[Name, CachedName] = {}
        self._lookups: dict[Name, Lookup] = {}
        self._running = self._running_suspects = 0
        self._waiting: deque[Name] = deque()
        self._waiting_suspects: deque[Name] = deque()

    async def resolve(self, host: str, port: int, timeout: float) -> Addresses:
        """The addresses of a host, in the format of getaddrinfo. Raises OSError or UnicodeError.

        `timeout` seconds are for the lookup once it has a thread: the wait for one depends on other names. Raises TimeoutError.
        """
        if addresses := parse_numeric_host(host, port):
            return addresses
        name, now = (host, port), self._clock()
        cached = self._cache.get(name)
        if cached is not None and now < cached.expires_at:
            if now >= cached.refresh_at and name not in self._lookups and self._has_room(cached.failure is not None):
                self._start(name, self._add_lookup(name))
            if not cached.addresses and cached.failure is not None:
                raise cached.failure.with_traceback(None)
            return cached.addresses
        return await self._look_up(name, timeout)

    async def _look_up(self, name: Name, timeout: float) -> Addresses:
        lookup = self._lookups.get(name)
        if lookup is None:
            lookup = self._add_lookup(name)
            if self._has_room(lookup.is_suspect):
                self._start(name, lookup)
            else:
                (self._waiting_suspects if lookup.is_suspect else self._waiting).append(name)
        lookup.callers += 1
        try:
            await lookup.started.wait()
            async with asyncio.timeout(timeout):
                return await asyncio.shield(lookup.result)
        finally:
            lookup.callers -= 1

    def _has_room(self, is_suspect: bool) -> bool:
        return self._running < MAX_LOOKUPS and not (is_suspect and self._running_suspects >= MAX_SUSPECT_LOOKUPS)

    def _add_lookup(self, name: Name) -> Lookup:
        cached = self._cache.get(name)
        is_suspect = cached is not None and cached.failure is not None
        lookup = self._lookups[name] = Lookup(is_suspect, asyncio.get_running_loop().create_future())
        return lookup

    def _start(self, name: Name, lookup: Lookup) -> None:
        lookup.started.set()
        self._running += 1
        self._running_suspects += lookup.is_suspect
        loop = asyncio.get_running_loop()
        try:
            Thread(target=self._run_lookup, args=(loop, name), name=f"dns {name[0]}", daemon=True).start()
        except RuntimeError as error:
            # not at once: it may start the next one, which fails too
            loop.call_soon(self._finish_lookup, name, OSError(f"the DNS lookup of {name[0]} could not be started: {error}"))

    def _run_lookup(self, loop: asyncio.AbstractEventLoop, name: Name) -> None:
        result: Addresses | Exception
        try:
            result = self._resolve(*name)
        except Exception as error:
            result = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._on_result, name, result)

    def _on_result(self, name: Name, result: Addresses | Exception) -> None:
        self._put(name, build_cached_name(self._cache.get(name), result, self._clock()))
        self._finish_lookup(name, result)

    def _finish_lookup(self, name: Name, result: Addresses | Exception) -> None:
        lookup = self._lookups.pop(name)
        self._running -= 1
        self._running_suspects -= lookup.is_suspect
        if isinstance(result, Exception):
            lookup.result.set_exception(result)
            lookup.result.exception()  # marks it as retrieved, because all callers may have been cancelled
        else:
            lookup.result.set_result(result)
        self._start_waiting(self._waiting)
        self._start_waiting(self._waiting_suspects)

    def _put(self, name: Name, cached: CachedName) -> None:
        self._cache.pop(name, None)
        self._cache[name] = cached
        if len(self._cache) > MAX_CACHED_NAMES:
            del self._cache[next(iter(self._cache))]

    def _start_waiting(self, waiting: deque[Name]) -> None:
        while waiting and self._has_room(self._lookups[waiting[0]].is_suspect):
            name = waiting.popleft()
            if self._lookups[name].callers:
                self._start(name, self._lookups[name])
            else:
                del self._lookups[name]


def build_cached_name(last: CachedName | None, result: Addresses | Exception, now: float) -> CachedName:
    """What the cache holds after a lookup; if it failed, the addresses of the last one for as long as they may be used."""
    if not isinstance(result, Exception):
        return CachedName(result, None, now + FRESH_SECONDS, now + STALE_SECONDS)
    refresh_at = now + FAILURE_SECONDS
    if last is not None and last.addresses and now < last.expires_at:
        return CachedName(last.addresses, result, refresh_at, last.expires_at)
    return CachedName([], result, refresh_at, refresh_at)
