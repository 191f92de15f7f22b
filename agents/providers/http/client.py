"""The HTTP/1.1 client of the providers: a pool per origin, one timer for all, no task or future per request."""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial

from agents.providers.http.connect import AddressFilter, allow_any_address, build_tls_context, open_connection
from agents.providers.http.limits import HttpLimits
from agents.providers.http.origin import Origin, parse_origin
from agents.providers.http.pool import ConnectionPool
from agents.providers.http.resolver import Resolver
from schemas.ports import HttpRequest, HttpResult, NotSent


class PooledHttpClient:
    """schemas.ports.HttpClient over own connections; made within the event loop it is used in, closed with `close`.

    `on_answer` is never called from within `send`. NotSent: refused, no such name, no connection in time, TLS failure, too many
    wait, no free connection in time, client closed. MaybeSent: written at least in part, and then closed, reset, timed out, or
    answered with what is no HTTP/1.1. `tls` replaces the default of verified certificates; `admit` is asked about every address
    before it is connected to. HEAD and CONNECT are not for it.
    """

    def __init__(
        self, limits: HttpLimits | None = None, *, tls: ssl.SSLContext | None = None, allow_address: AddressFilter = allow_any_address
    ) -> None:
        self._limits = limits or HttpLimits()
        self._tls_context, self._allow_address = tls, allow_address
        self._loop = asyncio.get_running_loop()
        self._resolver = Resolver(self._loop)
        self._pools: dict[str, ConnectionPool] = {}
        self._tick = 0
        self._closed = False
        self._timer = self._loop.call_later(self._limits.tick_seconds, self._on_tick)

    def send(self, request: HttpRequest, on_result: Callable[[HttpResult], None]) -> None:
        """Send once, call back exactly once, never re-send."""
        pool = self._pools.get(request.origin)
        if pool is None:
            try:
                pool = self._get_pool(request.origin)
            except ValueError as error:
                self._loop.call_soon(on_result, NotSent(str(error)))
                return
        pool.send(request.head + request.body, on_result)

    async def preconnect(self, origin: str, connections: int) -> int:
        """Open so many connections ahead of the first request; returns how many are open. Raises ValueError for what is no origin."""
        return await self._get_pool(origin).preconnect(connections)

    async def close(self) -> None:
        """End everything: what waits is NotSent, what is in flight MaybeSent, what comes later NotSent."""
        self._closed = True
        self._timer.cancel()
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            await pool.close()

    def _get_pool(self, origin: str) -> ConnectionPool:
        if self._closed:
            raise ValueError("the client was closed")
        pool = self._pools.get(origin)
        if pool is None:
            where = parse_origin(origin)
            timeout, tls = self._limits.connect_timeout, self._get_tls_context(where)
            opening = partial(open_connection, where, resolver=self._resolver, timeout=timeout, tls=tls, allow_address=self._allow_address)
            pool = self._pools[origin] = ConnectionPool(opening, self._limits, self._loop, self._tick)
        return pool

    def _get_tls_context(self, origin: Origin) -> ssl.SSLContext | None:
        if not origin.tls:
            return None
        if self._tls_context is None:
            self._tls_context = build_tls_context()
        return self._tls_context

    def _on_tick(self) -> None:
        self._tick += 1
        for origin, pool in list(self._pools.items()):
            pool.expire_overdue(self._tick)
            if pool.is_empty:
                del self._pools[origin]
        self._timer = self._loop.call_later(self._limits.tick_seconds, self._on_tick)
