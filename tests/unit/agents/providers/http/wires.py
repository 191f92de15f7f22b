"""A transport in memory, and a dial that hands out connections over it."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from agents.providers.http.connection import Connection
from agents.providers.http.dial import NotConnected
from schemas.ports import Answer

OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"


class Wire(asyncio.Transport):
    """Keeps what is written; `far` is the other end of the socket it pretends to be."""

    def __init__(self) -> None:
        super().__init__()
        self.near, self.far = socket.socketpair()
        self.written: list[bytes] = []
        self.backlog = 0
        self.aborted = False
        self.protocol: Connection

    def write(self, data: Any) -> None:
        assert not self.aborted
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.aborted

    def get_write_buffer_size(self) -> int:
        return self.backlog

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.near if name == "socket" else default

    def abort(self) -> None:
        if not self.aborted:
            self.aborted = True
            asyncio.get_running_loop().call_soon(self.lose)

    def lose(self, error: Exception | None = None) -> None:
        """The event loop says that the connection is gone."""
        self.aborted = True
        self.near.close()
        self.far.close()
        self.protocol.connection_lost(error)


class Switchboard:
    """Dials: `wires` are all connections ever made; while `down` says why, there are no more; dials hang while `held`."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []
        self.down = ""
        self.born_dead = False
        self.open = asyncio.Event()
        self.open.set()

    async def dial(self, make: Callable[[], Connection]) -> Connection:
        await self.open.wait()
        if self.down:
            raise NotConnected(self.down)
        wire = Wire()
        wire.protocol = make()
        wire.protocol.connection_made(wire)
        self.wires.append(wire)
        if self.born_dead:
            wire.lose()
        return wire.protocol

    def hang_up(self) -> None:
        """Close what the tests left open."""
        for wire in self.wires:
            wire.near.close()
            wire.far.close()


async def settle() -> None:
    """Let everything happen that is due."""
    for _ in range(10):
        await asyncio.sleep(0)


class Ear:
    """Hears answers."""

    def __init__(self) -> None:
        self.heard: list[Answer] = []

    def __call__(self, answer: Answer) -> None:
        self.heard.append(answer)
