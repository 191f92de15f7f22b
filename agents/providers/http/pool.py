"""The connections of one origin: the one used last is used next; requests wait in line when all are busy."""

import asyncio
import select
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from agents.providers.http.connect import ConnectError
from agents.providers.http.connection import HttpConnection, ResultCallback
from agents.providers.http.limits import HttpLimits
from schemas.ports import NotSent

ConnectionFactory = Callable[[Callable[[], HttpConnection]], Awaitable[HttpConnection]]


class QueuedRequest(NamedTuple):
    """A request without a connection; `until` is the tick at which it is given up."""

    request: bytes
    on_result: ResultCallback
    deadline: int


class ConnectionPool:
    """Times are ticks, which the client counts; a stretch in which the process stood still is one tick, so it expires nothing."""

    def __init__(self, connect: ConnectionFactory, limits: HttpLimits, loop: asyncio.AbstractEventLoop, tick: int) -> None:
        self._connect, self._limits, self._loop = connect, limits, loop
        self._idle: list[HttpConnection] = []
        self._connections: set[HttpConnection] = set()
        self._connect_tasks: set[asyncio.Task[None]] = set()
        self._queue: deque[QueuedRequest] = deque()
        self._drained: asyncio.Future[None] | None = None
        self._tick = tick
        self._request_ticks = limits.to_ticks(limits.request_timeout)
        self._pool_timeout_ticks = limits.to_ticks(limits.pool_timeout)
        self._idle_ticks = limits.to_ticks(limits.idle_timeout)
        self._age_ticks = limits.to_ticks(limits.max_connection_age)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is open, being opened or waited for."""
        return not (self._connections or self._connect_tasks or self._queue)

    @property
    def connection_count(self) -> int:
        """Connections open now."""
        return len(self._connections)

    def send(self, request: bytes, on_result: ResultCallback) -> None:
        """Write the request on an idle connection, or let it wait for one."""
        while self._idle:
            connection = self._idle.pop()
            if self._is_usable(connection):
                connection.send_request(request, on_result, self._tick + self._request_ticks)
                return
        if len(self._queue) - len(self._connect_tasks) >= self._limits.max_queued_requests:
            refusal = NotSent(f"{self._limits.max_queued_requests} requests wait for a connection already")
            self._loop.call_soon(on_result, refusal)
            return
        self._queue.append(QueuedRequest(request, on_result, self._tick + self._pool_timeout_ticks))
        self._open_connections(len(self._queue))

    async def preconnect(self, connections: int) -> int:
        """Open connections until there are so many (at most the limit); returns how many there are."""
        self._open_connections(min(connections, self._limits.max_connections) - len(self._connections))
        while self._connect_tasks and len(self._connections) < connections:
            await asyncio.wait(self._connect_tasks, return_when=asyncio.FIRST_COMPLETED)
        return len(self._connections)

    def expire_overdue(self, tick: int) -> None:
        """Give up what is overdue at this tick."""
        self._tick = tick
        for connection in [c for c in self._connections if c.is_busy and c.deadline <= tick]:
            connection.abort(f"no answer within {self._limits.request_timeout:g} s")
        for connection in [c for c in self._idle if c.retire_at <= tick or c.idle_since + self._idle_ticks <= tick]:
            self._idle.remove(connection)
            connection.abort("unused")
        while self._queue and self._queue[0].deadline <= tick:
            on_answer = self._queue.popleft().on_result
            self._loop.call_soon(on_answer, NotSent(f"no connection was free within {self._limits.pool_timeout:g} s"))

    async def close(self) -> None:
        """End everything: what waits is NotSent, what is in flight MaybeSent."""
        for connection in list(self._connections):
            connection.abort("the client was closed")
        self._fail_queued("the client was closed")
        dials = list(self._connect_tasks)
        for dial in dials:
            dial.cancel()
        await asyncio.gather(*dials, return_exceptions=True)
        if self._connections:
            self._drained = self._loop.create_future()
            await self._drained

    # what a connection tells

    def on_ready(self, connection: HttpConnection) -> None:
        """A connection can take the next request."""
        if connection.retire_at <= self._tick:
            connection.abort("old")
        elif self._queue:
            following = self._queue.popleft()
            connection.send_request(following.request, following.on_result, self._tick + self._request_ticks)
        else:
            connection.idle_since = self._tick
            self._idle.append(connection)

    def on_closed(self, connection: HttpConnection) -> None:
        """A connection is gone; what waits gets another."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._drained is not None and not self._connections:
            self._drained.set_result(None)
        self._open_connections(len(self._queue))

    # opening

    def _open_connections(self, wanted: int) -> None:
        room = self._limits.max_connections - len(self._connections)
        for _ in range(min(wanted, room) - len(self._connect_tasks)):
            dialling = self._loop.create_task(self._open_connection())
            self._connect_tasks.add(dialling)
            dialling.add_done_callback(self._connect_tasks.discard)

    async def _open_connection(self) -> None:
        try:
            connection = await self._connect(lambda: HttpConnection(self, self._limits, self._loop))
        except ConnectError as error:
            self._handle_connect_error(str(error))
            return
        if connection.closed:
            self._handle_connect_error("the other side closed the connection as soon as it was open")
            return
        self._connections.add(connection)
        connection.retire_at = self._tick + self._age_ticks
        self.on_ready(connection)

    def _handle_connect_error(self, cause: str) -> None:
        # while other connections work, what waits can have those
        if not self._connections:
            self._fail_queued(cause)

    def _fail_queued(self, cause: str) -> None:
        waiting, self._queue = self._queue, deque()
        for request in waiting:
            self._loop.call_soon(request.on_result, NotSent(cause))

    def _is_usable(self, connection: HttpConnection) -> bool:
        if connection.closed or connection.transport.is_closing() or connection.retire_at <= self._tick:
            connection.abort("old")
            return False
        # one that lay idle may have been closed while this process did not look: then it is readable
        if connection.idle_since < self._tick and _is_readable(connection.transport):
            connection.abort("closed by the other side while idle")
            return False
        return True


def _is_readable(transport: asyncio.Transport) -> bool:
    plug = transport.get_extra_info("socket")
    poll = select.poll()
    poll.register(plug.fileno(), select.POLLIN)
    return bool(poll.poll(0))
