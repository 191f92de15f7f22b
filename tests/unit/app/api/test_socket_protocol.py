"""A WebSocket whose client does not read, on real sockets."""

import asyncio
import socket
from typing import Any

import msgspec
from uvicorn import Config
from uvicorn.server import ServerState

from app.api.http_protocol import build_protocol_class
from app.api.socket_protocol import build_socket_protocol_class
from tests.settings_builders import DEFAULT_SETTINGS

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
RESPONSE_TIMEOUT = 0.05  # seconds
CHUNK = "x" * 65_536


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


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    app, settings = Watched(), msgspec.structs.replace(DEFAULT_SETTINGS.gateway, response_timeout=RESPONSE_TIMEOUT)
    config = Config(app, ws=build_socket_protocol_class(settings), access_log=False, log_config=None, ws_per_message_deflate=False)
    config.load()
    protocol: Any = build_protocol_class(settings)
    server = await asyncio.get_running_loop().create_server(lambda: protocol(config, ServerState(), {}), "127.0.0.1", 0)
    client = socket.create_connection(server.sockets[0].getsockname()[:2])
    try:
        client.sendall(HANDSHAKE)
        await asyncio.wait_for(app.ended.wait(), 30)
        assert app.error == "ClientDisconnected"
        assert protocol.open_count == 0
    finally:
        client.close()
        server.close()
        await server.wait_closed()
