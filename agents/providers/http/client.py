"""The HTTP/1.1 client of the providers: one pool for each origin, one timer for all, no task or future for each request."""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial

from agents.providers.http.connector import AddressFilter, allow_any_address, build_tls_context, open_connection
from agents.providers.http.limits import HttpLimits
from agents.providers.http.origin import Origin, parse_origin
from agents.providers.http.pool import ConnectionPool
from agents.providers.http.resolver import Resolver
from schemas.http import HttpRequest, HttpResult, NotSent


class PooledHttpClient:
    """An implementation of schemas.http.HttpClient; it belongs to the event loop of its first request.

    `on_result` is never called from within `send`. NotSent: connection refused, host not found, no connection within `connect_timeout`,
    TLS failure, too many queued requests, no free connection within `pool_timeout`, client closed. MaybeSent: the request was written at
    least in part, and then the connection was closed or reset, the response timed out, or it was not HTTP/1.1. `tls` replaces the default
    context, which verifies certificates. `allow_address` is checked for each address before a connection to it is opened; NotAllowed: it
    allows none. Redirects are not followed. HEAD and CONNECT are not supported.
    """

    def __init__(self, limits: HttpLimits, *, tls: ssl.SSLContext | None = None, allow_address: AddressFilter = allow_any_address) -> None:
        self._limits = limits
        self._tls_context, self._allow_address = tls, allow_address
        self._resolver: Resolver | None = None
        self._pools: dict[str, ConnectionPool] = {}
        self._tick = 0
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None

    def send(self, request: HttpRequest, on_result: Callable[[HttpResult], None]) -> None:
        """Send a request without retries. Calls `on_result` exactly once."""
        pool = self._pools.get(request.origin)
        if pool is None:
            try:
                pool = self._get_pool(request.origin)
            except ValueError as error:
                asyncio.get_running_loop().call_soon(on_result, NotSent(str(error)))
                return
        pool.send(request.head + request.body, on_result)

    async def preconnect(self, origin: str, connections: int) -> int:
        """Open connections before the first request; returns how many are open. Raises ValueError for an invalid origin."""
        return await self._get_pool(origin).preconnect(connections)

    async def close(self) -> None:
        """Close all connections: queued requests are NotSent, those in flight MaybeSent, later ones NotSent."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            await pool.close()

    def _get_pool(self, origin_text: str) -> ConnectionPool:
        if self._closed:
            raise ValueError("the client is closed")
        pool = self._pools.get(origin_text)
        if pool is None:
            pool = self._pools[origin_text] = self._build_pool(parse_origin(origin_text))
        return pool

    def _build_pool(self, origin: Origin) -> ConnectionPool:
        loop = asyncio.get_running_loop()
        if self._resolver is None:
            self._resolver = Resolver(loop.time)
        if self._timer is None:
            self._timer = loop.call_later(self._limits.tick_seconds, self._on_tick, loop)
        timeout, tls = self._limits.connect_timeout, self._get_tls_context(origin)
        connect = partial(open_connection, origin, resolver=self._resolver, timeout=timeout, tls=tls, allow_address=self._allow_address)
        return ConnectionPool(connect, self._limits, loop, self._tick, self._close_surplus)

    def _close_surplus(self) -> None:
        """Close one idle connection if there are too many; each further one that is opened closes one."""
        pools = self._pools.values()
        if sum(pool.connection_count for pool in pools) > self._limits.max_total_connections:
            idle = [(pool.oldest_idle_since, number, pool) for number, pool in enumerate(pools) if pool.oldest_idle_since is not None]
            if idle:
                min(idle)[2].close_oldest_idle()

    def _get_tls_context(self, origin: Origin) -> ssl.SSLContext | None:
        if not origin.tls:
            return None
        if self._tls_context is None:
            self._tls_context = build_tls_context()
        return self._tls_context

    def _on_tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._tick += 1
        for origin, pool in list(self._pools.items()):
            pool.expire_overdue(self._tick)
            if pool.is_empty:
                del self._pools[origin]
        self._timer = loop.call_later(self._limits.tick_seconds, self._on_tick, loop)
