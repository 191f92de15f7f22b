"""The connection pool of one origin: the connection used last is reused first; requests are queued while all are busy."""

import asyncio
import select
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from agents.providers.http.connection import HttpConnection, ResultCallback
from agents.providers.http.connector import AddressDeniedError, ConnectError
from agents.providers.http.limits import HttpLimits
from schemas.http import NotAllowed, NotSent

ConnectionFactory = Callable[[Callable[[], HttpConnection]], Awaitable[HttpConnection]]


class QueuedRequest(NamedTuple):
    """A request that waits for a connection; at the tick `deadline` it is NotSent."""

    request: bytes
    on_result: ResultCallback
    deadline: int


class ConnectionPool:
    """Connections and queued requests of one origin. Times are in ticks: a pause of the whole process is one tick and expires nothing."""

    def __init__(
        self, connect: ConnectionFactory, limits: HttpLimits, loop: asyncio.AbstractEventLoop, tick: int, on_connected: Callable[[], None]
    ) -> None:
        """`on_connected` is called when a connection is open, before it is used."""
        self._connect, self._limits, self._loop = connect, limits, loop
        self._idle: list[HttpConnection] = []
        self._connections: set[HttpConnection] = set()
        self._connect_tasks: set[asyncio.Task[None]] = set()
        self._queue: deque[QueuedRequest] = deque()
        self._drained: asyncio.Future[None] | None = None
        self._tick, self._on_connected = tick, on_connected
        self._request_ticks = limits.to_ticks(limits.request_timeout)
        self._pool_timeout_ticks = limits.to_ticks(limits.pool_timeout)
        self._idle_ticks = limits.to_ticks(limits.idle_timeout)
        self._age_ticks = limits.to_ticks(limits.max_connection_age)

    @property
    def is_empty(self) -> bool:
        """Whether it has no open connection, no pending one and no queued request."""
        return not (self._connections or self._connect_tasks or self._queue)

    @property
    def connection_count(self) -> int:
        """The number of open connections."""
        return len(self._connections)

    @property
    def oldest_idle_since(self) -> int | None:
        """Since which tick its longest idle connection is idle; None without one."""
        return self._idle[0].idle_since if self._idle else None

    def close_oldest_idle(self) -> None:
        """Close the connection that is idle for the longest time."""
        self._idle.pop(0).abort("closed for a connection to another origin")

    def send(self, request: bytes, on_result: ResultCallback) -> None:
        """Write the request to an idle connection, or queue it."""
        while self._idle:
            connection = self._idle.pop()
            if self._is_usable(connection):
                connection.send_request(request, on_result, self._tick + self._request_ticks)
                return
        if len(self._queue) - len(self._connect_tasks) >= self._limits.max_queued_requests:
            result = NotSent(f"{self._limits.max_queued_requests} requests are already queued for a connection")
            self._loop.call_soon(on_result, result)
            return
        self._queue.append(QueuedRequest(request, on_result, self._tick + self._pool_timeout_ticks))
        self._open_connections(len(self._queue))

    async def preconnect(self, connections: int) -> int:
        """Open connections up to this number (at most the limit); returns the number of open ones."""
        self._open_connections(min(connections, self._limits.max_connections) - len(self._connections))
        while self._connect_tasks and len(self._connections) < connections:
            await asyncio.wait(self._connect_tasks, return_when=asyncio.FIRST_COMPLETED)
        return len(self._connections)

    def expire_overdue(self, tick: int) -> None:
        """Close connections and fail queued requests whose deadline is this tick or earlier."""
        self._tick = tick
        for connection in [c for c in self._connections if c.is_busy and c.deadline <= tick]:
            connection.abort(f"no response within {self._limits.request_timeout:g} s")
        for connection in [c for c in self._idle if c.retire_at <= tick or c.idle_since + self._idle_ticks <= tick]:
            self._idle.remove(connection)
            connection.abort("idle for too long")
        while self._queue and self._queue[0].deadline <= tick:
            on_result = self._queue.popleft().on_result
            self._loop.call_soon(on_result, NotSent(f"no connection was free within {self._limits.pool_timeout:g} s"))

    async def close(self) -> None:
        """Close all connections: queued requests are NotSent, those in flight MaybeSent."""
        for connection in list(self._connections):
            connection.abort("the client is closed")
        self._fail_queued(NotSent("the client is closed"))
        connect_tasks = list(self._connect_tasks)
        for task in connect_tasks:
            task.cancel()
        await asyncio.gather(*connect_tasks, return_exceptions=True)
        if self._connections:
            self._drained = self._loop.create_future()
            await self._drained

    # ConnectionListener

    def on_ready(self, connection: HttpConnection) -> None:
        """Give the connection the next queued request, or keep it as idle."""
        if connection.retire_at <= self._tick:
            connection.abort("too old")
        elif self._queue:
            queued = self._queue.popleft()
            connection.send_request(queued.request, queued.on_result, self._tick + self._request_ticks)
        else:
            connection.idle_since = self._tick
            self._idle.append(connection)

    def on_closed(self, connection: HttpConnection) -> None:
        """Remove the connection; open others for the queued requests."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._drained is not None and not self._connections:
            self._drained.set_result(None)
        self._open_connections(len(self._queue))

    # connecting

    def _open_connections(self, wanted: int) -> None:
        room = self._limits.max_connections - len(self._connections)
        for _ in range(min(wanted, room) - len(self._connect_tasks)):
            task = self._loop.create_task(self._open_connection())
            self._connect_tasks.add(task)
            task.add_done_callback(self._connect_tasks.discard)

    async def _open_connection(self) -> None:
        try:
            connection = await self._connect(lambda: HttpConnection(self, self._limits, self._loop))
        except AddressDeniedError as error:
            self._handle_connect_error(NotAllowed(str(error)))
            return
        except ConnectError as error:
            self._handle_connect_error(NotSent(str(error)))
            return
        if connection.closed:
            self._handle_connect_error(NotSent("the server closed the connection immediately"))
            return
        self._connections.add(connection)
        connection.retire_at = self._tick + self._age_ticks
        self._on_connected()
        self.on_ready(connection)

    def _handle_connect_error(self, result: NotSent | NotAllowed) -> None:
        # otherwise the queued requests can use the open connections
        if not self._connections:
            self._fail_queued(result)

    def _fail_queued(self, result: NotSent | NotAllowed) -> None:
        queue, self._queue = self._queue, deque()
        for queued in queue:
            self._loop.call_soon(queued.on_result, result)

    def _is_usable(self, connection: HttpConnection) -> bool:
        if connection.closed or connection.transport.is_closing() or connection.retire_at <= self._tick:
            connection.abort("too old")
            return False
        # the server may have closed an idle connection without the event loop having read it yet: its socket is then readable
        if connection.idle_since < self._tick and _is_readable(connection.transport):
            connection.abort("closed by the server while idle")
            return False
        return True


def _is_readable(transport: asyncio.Transport) -> bool:
    sock = transport.get_extra_info("socket")
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))
