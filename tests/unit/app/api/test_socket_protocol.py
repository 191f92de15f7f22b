"""WebSockets on real sockets: what one keeps, and one whose client does not read."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from app.api.http_protocol import build_protocol_class
from app.api.socket_protocol import WRITABLE, MessageQueue, build_socket_protocol_class
from tests.settings_builders import DEFAULT_SETTINGS

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
RESPONSE_TIMEOUT = 0.05  # seconds
CHUNK = "x" * 65_536
MANY_CHUNKS = 100  # more than the buffers of both sockets take


class Watched:
    """An app that writes without end; `error` says what ended it."""

    def __init__(self) -> None:
        self.ended, self.error = asyncio.Event(), ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        try:
            while True:
                await send({"type": "websocket.send", "text": CHUNK})
        except OSError as error:
            self.error = type(error).__name__
        finally:
            self.ended.set()


class Writing:
    """An app that sends many chunks after the first message."""

    def __init__(self) -> None:
        self.accepted = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert await receive() == {"type": "websocket.connect"}
        await send({"type": "websocket.accept"})
        self.accepted.set()
        message = await receive()
        assert message["text"] == "go"
        for _ in range(MANY_CHUNKS):
            await send({"type": "websocket.send", "text": CHUNK})
        await send({"type": "websocket.close"})


@asynccontextmanager
async def connect(app: Any, response_timeout: float) -> AsyncIterator[tuple[socket.socket, ServerState, Any]]:
    """A client that has sent its handshake, the state of its server, and the protocol class of HTTP."""
    settings = msgspec.structs.replace(DEFAULT_SETTINGS.gateway, response_timeout=response_timeout)
    config = Config(app, ws=build_socket_protocol_class(settings), access_log=False, log_config=None, ws_per_message_deflate=False)
    config.load()
    protocol: Any = build_protocol_class(settings)
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    client = socket.create_connection(server.sockets[0].getsockname()[:2])
    client.setblocking(False)
    try:
        client.sendall(HANDSHAKE)
        yield client, state, protocol
    finally:
        client.close()
        server.close()
        await server.wait_closed()


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    app = Watched()
    async with connect(app, RESPONSE_TIMEOUT) as (_, _, protocol):
        await asyncio.wait_for(app.ended.wait(), 30)
        assert app.error == "ClientDisconnected"
        assert protocol.open_count == 0


async def test_a_client_that_waits_has_no_headers_no_deques_and_no_event() -> None:
    app = Writing()
    async with connect(app, 30.0) as (_, state, _):
        await asyncio.wait_for(app.accepted.wait(), 30)
        (protocol,) = state.connections
        assert isinstance(protocol.queue, MessageQueue)
        assert protocol.writable is WRITABLE
        assert (len(protocol.request.headers), len(protocol.response.headers)) == (0, 0)


async def test_a_client_that_reads_late_gets_everything() -> None:
    app = Writing()
    async with connect(app, 30.0) as (client, state, _):
        await asyncio.wait_for(app.accepted.wait(), 30)
        (protocol,) = state.connections
        await asyncio.get_running_loop().sock_sendall(client, b"\x81\x82\0\0\0\0go")
        while protocol.writable is WRITABLE:  # until the buffers are full
            await asyncio.sleep(0)
        received = b""
        with suppress(ConnectionResetError):
            while chunk := await asyncio.get_running_loop().sock_recv(client, 1 << 20):
                received += chunk
                if received.endswith(b"\x88\x02\x03\xe8"):  # the frame of closing
                    break
        assert received.count(b"x") >= MANY_CHUNKS * len(CHUNK)
        assert protocol.writable is WRITABLE


async def test_messages_come_in_order_and_the_reader_waits_for_them() -> None:
    queue = MessageQueue()
    reader = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put_nowait(1)
    queue.put_nowait(2)
    assert (await reader, queue.empty()) == (1, False)
    assert (await queue.get(), queue.empty()) == (2, True)


async def test_a_reader_that_is_cancelled_leaves_the_message_to_the_next_one() -> None:
    queue = MessageQueue()
    reader = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put_nowait(1)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await queue.get() == 1
