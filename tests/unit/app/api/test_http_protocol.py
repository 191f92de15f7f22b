"""What one connection writes."""

import asyncio
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from app.api.http_protocol import build_protocol_class
from app.telemetry import configure_logging
from tests.settings_builders import DEFAULT_SETTINGS


class MemoryTransport(asyncio.Transport):
    """Keeps what is written; `closed_after` is the number of writes before it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed_after: int | None = None

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed_after = len(self.writes)

    def is_closing(self) -> bool:
        return self.closed_after is not None


async def respond(scope: Any, receive: Any, send: Any) -> None:
    """Respond in three messages, the last one later."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"ab", "more_body": True})
    await asyncio.sleep(0.001)
    await send({"type": "http.response.body", "body": b"cd"})


@pytest.fixture
async def protocol() -> Any:
    config = Config(respond, ws="none", access_log=False, log_config=None)
    config.load()
    configure_logging("info")  # as the gateway's factory does, after uvicorn's own configuration
    return build_protocol_class(DEFAULT_SETTINGS.gateway)(config, ServerState(), {})  # type: ignore[call-arg]


async def test_headers_and_body_are_written_together(protocol: Any) -> None:
    transport = MemoryTransport()
    protocol.connection_made(transport)
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
    while transport.closed_after is None:
        await asyncio.sleep(0)
    head, _, body = transport.writes[0].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (body, transport.writes[1:]) == (b"ab", [b"cd"])
    assert transport.closed_after == 2
    protocol.connection_lost(None)


async def test_a_rejected_client_gets_the_reason_before_the_connection_closes(protocol: Any) -> None:
    transport = MemoryTransport()
    type(protocol).open_count = DEFAULT_SETTINGS.gateway.max_connections
    protocol.connection_made(transport)
    assert b" 503 " in transport.writes[0]
    assert transport.closed_after == 1
    protocol.connection_lost(None)


async def test_uvicorn_prepares_no_access_log(protocol: Any) -> None:
    protocol.connection_made(MemoryTransport())
    assert not protocol.access_log
    protocol.connection_lost(None)
