"""Posts notifications on connections that are kept alive; one request at a time on each."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from tests.bench.live.http_messages import build_body_template, build_request_template, find_message_end, parse_status
from tests.bench.live.messages import Load
from tests.bench.live.send_log import SendLog

MAX_CONNECTIONS = 256  # of a schedule; a notification that finds none waits for one


class HttpConnection(asyncio.Protocol):
    """A connection to the gateway. `number` is that of the notification in flight, None if there is none."""

    def __init__(self, on_response: Callable[["HttpConnection", bytes], None], on_end: Callable[["HttpConnection"], None]) -> None:
        self._on_response, self._on_end = on_response, on_end
        self._buffer = b""
        self.number: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if end := find_message_end(self._buffer):
            response, self._buffer = self._buffer[:end], self._buffer[end:]
            self._on_response(self, response)

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_end(self)


class HttpSender:
    """Posts the notifications of a load. A connection that is free takes the next one that waits."""

    def __init__(self, load: Load, log: SendLog) -> None:
        self._load, self._log = load, log
        host, _, port = load.gateway.rpartition(":")
        self._host, self._port = host, int(port)
        body_template = build_body_template(load.channel, load.priority, load.sink)
        self._template = build_request_template(load.gateway, load.api_key, body_template, has_key=load.has_idempotency_keys)
        self._placeholders = 4 if load.has_idempotency_keys else 3
        self._connections: set[HttpConnection] = set()
        self._idle: list[HttpConnection] = []
        self._waiting: deque[int] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._find_next: Callable[[], int | None] = self._take_waiting

    async def start(self) -> None:
        """Open the connections of a closed loop; a schedule opens them as it needs them."""
        await asyncio.gather(*(self._open_connection() for _ in range(self._load.clients)))

    async def send(self, number: int) -> None:
        """Post a notification as soon as a connection is free; returns at once."""
        if self._idle:
            self._post(self._idle.pop(), number)
            return
        self._waiting.append(number)
        if len(self._connections) + len(self._opening) < MAX_CONNECTIONS:
            task = asyncio.create_task(self._open_connection())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def start_closed_loop(self, find_next: Callable[[], int | None]) -> None:
        """Make each connection take the next number from `find_next`, now and after each response, until it returns None."""
        self._find_next = find_next
        idle, self._idle = self._idle, []
        for connection in idle:
            self._use(connection)

    async def close(self) -> None:
        """Close the connections."""
        self._is_closing = True
        for connection in list(self._connections):
            connection.transport.close()

    async def _open_connection(self) -> None:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(self._build_connection, self._host, self._port)
        except OSError as error:
            self._log.fail(f"no connection to the gateway at {self._load.gateway}: {error}")
            return
        self._connections.add(connection)
        self._use(connection)

    def _build_connection(self) -> HttpConnection:
        return HttpConnection(self._on_response, self._on_end)

    def _take_waiting(self) -> int | None:
        return self._waiting.popleft() if self._waiting else None

    def _use(self, connection: HttpConnection) -> None:
        number = self._find_next()
        if number is None:
            self._idle.append(connection)
        else:
            self._post(connection, number)

    def _post(self, connection: HttpConnection, number: int) -> None:
        connection.number = number
        connection.transport.write(self._template % ((number,) * self._placeholders))
        self._log.on_sent(number)

    def _on_response(self, connection: HttpConnection, response: bytes) -> None:
        number, connection.number = connection.number, None
        if number is None or parse_status(response) != 202:
            self._log.fail(f"the gateway did not accept notification {number}: {response.decode(errors='replace')}")
            return
        self._log.on_answer(number)
        self._use(connection)

    def _on_end(self, connection: HttpConnection) -> None:
        """The gateway may close a connection that is idle."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if connection.number is not None and not self._is_closing:
            self._log.fail(f"the gateway closed a connection before it answered notification {connection.number}")
