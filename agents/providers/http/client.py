"""The HTTP/1.1 client of the providers: a pool per origin, one timer for all, no task or future per request."""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial

from agents.providers.http.dial import Admit, dial, everyone, tls_context
from agents.providers.http.limits import Limits
from agents.providers.http.names import Names
from agents.providers.http.origin import Origin, origin_of
from agents.providers.http.pool import Pool
from schemas.ports import Answer, NotSent, Prepared


class PoolClient:
    """schemas.ports.HttpClient over own connections; made within the event loop it is used in, closed with `close`.

    `on_answer` is never called from within `send`. NotSent: refused, no such name, no connection in time, TLS failure, too many
    wait, no free connection in time, client closed. MaybeSent: written at least in part, and then closed, reset, timed out, or
    answered with what is no HTTP/1.1. `tls` replaces the default of verified certificates; `admit` is asked about every address
    before it is connected to. HEAD and CONNECT are not for it.
    """

    def __init__(self, limits: Limits | None = None, *, tls: ssl.SSLContext | None = None, admit: Admit = everyone) -> None:
        self._limits = limits or Limits()
        self._tls, self._admit = tls, admit
        self._loop = asyncio.get_running_loop()
        self._names = Names(self._loop)
        self._pools: dict[str, Pool] = {}
        self._ticks = 0
        self._closed = False
        self._timer = self._loop.call_later(self._limits.tick, self._sweep)

    def send(self, prepared: Prepared, on_answer: Callable[[Answer], None]) -> None:
        """Send once, call back exactly once, never re-send."""
        pool = self._pools.get(prepared.origin)
        if pool is None:
            try:
                pool = self._pool(prepared.origin)
            except ValueError as error:
                self._loop.call_soon(on_answer, NotSent(str(error)))
                return
        pool.send(prepared.head + prepared.body, on_answer)

    async def warm(self, origin: str, connections: int) -> int:
        """Open so many connections ahead of the first request; returns how many are open. Raises ValueError for what is no origin."""
        return await self._pool(origin).warm(connections)

    async def close(self) -> None:
        """End everything: what waits is NotSent, what is in flight MaybeSent, what comes later NotSent."""
        self._closed = True
        self._timer.cancel()
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            await pool.close()

    def _pool(self, origin: str) -> Pool:
        if self._closed:
            raise ValueError("the client was closed")
        pool = self._pools.get(origin)
        if pool is None:
            where = origin_of(origin)
            timeout, tls = self._limits.connect_timeout, self._context(where)
            opening = partial(dial, where, names=self._names, timeout=timeout, tls=tls, admit=self._admit)
            pool = self._pools[origin] = Pool(opening, self._limits, self._loop, self._ticks)
        return pool

    def _context(self, origin: Origin) -> ssl.SSLContext | None:
        if not origin.tls:
            return None
        if self._tls is None:
            self._tls = tls_context()
        return self._tls

    def _sweep(self) -> None:
        self._ticks += 1
        for origin, pool in list(self._pools.items()):
            pool.sweep(self._ticks)
            if pool.unused:
                del self._pools[origin]
        self._timer = self._loop.call_later(self._limits.tick, self._sweep)
