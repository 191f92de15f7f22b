"""An in-memory transport, and a connector that opens connections over it."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from agents.providers.http.connection import HttpConnection
from agents.providers.http.connector import ConnectError
from schemas.http import HttpResult

ACCEPTED_RESPONSE = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"


class FakeTransport(asyncio.Transport):
    """Records what is written; `near_socket` is the socket of the transport, `far_socket` that of the server."""

    def __init__(self) -> None:
        super().__init__()
        self.near_socket, self.far_socket = socket.socketpair()
        self.written: list[bytes] = []
        self.write_buffer_size = 0
        self.aborted = False
        self.protocol: HttpConnection

    def write(self, data: Any) -> None:
        assert not self.aborted
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.aborted

    def get_write_buffer_size(self) -> int:
        return self.write_buffer_size

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.near_socket if name == "socket" else default

    def abort(self) -> None:
        if not self.aborted:
            self.aborted = True
            asyncio.get_running_loop().call_soon(self.lose_connection)

    def lose_connection(self, error: Exception | None = None) -> None:
        """Call connection_lost, as the event loop does."""
        self.aborted = True
        self.near_socket.close()
        self.far_socket.close()
        self.protocol.connection_lost(error)


class FakeConnector:
    """Opens connections over FakeTransports; fails with `connect_error` if it is set, waits while `may_connect` is not set."""

    def __init__(self) -> None:
        self.transports: list[FakeTransport] = []
        self.connect_error = ""
        self.closed_on_open = False
        self.may_connect = asyncio.Event()
        self.may_connect.set()

    async def connect(self, protocol_factory: Callable[[], HttpConnection]) -> HttpConnection:
        await self.may_connect.wait()
        if self.connect_error:
            raise ConnectError(self.connect_error)
        transport = FakeTransport()
        transport.protocol = protocol_factory()
        transport.protocol.connection_made(transport)
        self.transports.append(transport)
        if self.closed_on_open:
            transport.lose_connection()
        return transport.protocol

    def close(self) -> None:
        """Close the sockets."""
        for transport in self.transports:
            transport.near_socket.close()
            transport.far_socket.close()


class ResultCollector:
    """A result callback that records the results."""

    def __init__(self) -> None:
        self.results: list[HttpResult] = []

    def __call__(self, result: HttpResult) -> None:
        self.results.append(result)
