"""A transport in memory, and a dial that hands out connections over it."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from agents.providers.http.connect import ConnectError
from agents.providers.http.connection import HttpConnection
from schemas.ports import HttpResult

ACCEPTED_RESPONSE = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"


class FakeTransport(asyncio.Transport):
    """Keeps what is written; `far` is the other end of the socket it pretends to be."""

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
        """The event loop says that the connection is gone."""
        self.aborted = True
        self.near_socket.close()
        self.far_socket.close()
        self.protocol.connection_lost(error)


class FakeConnector:
    """Dials: `wires` are all connections ever made; while `down` says why, there are no more; dials hang while `held`."""

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
        wire = FakeTransport()
        wire.protocol = protocol_factory()
        wire.protocol.connection_made(wire)
        self.transports.append(wire)
        if self.closed_on_open:
            wire.lose_connection()
        return wire.protocol

    def close(self) -> None:
        """Close what the tests left open."""
        for wire in self.transports:
            wire.near_socket.close()
            wire.far_socket.close()


async def run_pending_tasks() -> None:
    """Let everything happen that is due."""
    for _ in range(10):
        await asyncio.sleep(0)


class ResultCollector:
    """Hears answers."""

    def __init__(self) -> None:
        self.results: list[HttpResult] = []

    def __call__(self, answer: HttpResult) -> None:
        self.results.append(answer)
