"""A server that misbehaves on request: the path of a request names what its connection does."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Callable
from typing import cast

LONG = 64 * 1024


def answer(status: int, body: bytes = b"", *headers: bytes) -> bytes:
    """A whole answer with its length."""
    lines = [b"HTTP/1.1 %d Said" % status, *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Faulty(asyncio.Protocol):
    """One connection; `server` counts what it saw."""

    def __init__(self, server: "FaultServer") -> None:
        self.server = server
        self.received = b""
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.server.connections.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        _, path, _ = head.split(b" ", 2) if end else (b"", b"", b"")
        if path == b"/early":
            self.transport.pause_reading()
            self._take(path, self.transport.write, answer(413))
            return
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        if end and len(body) >= length:
            self.received = body[length:]
            self._take(path, DEEDS.get(path, Faulty.echo), self, body[:length])

    def _take(self, path: bytes, deed: Callable[..., object], *given: object) -> None:
        self.server.seen[path] += 1
        self.server.arrivals.put_nowait(path)
        deed(*given)

    # what a path does; each gets the request's body

    def echo(self, body: bytes) -> None:
        self.transport.write(answer(200, body, b"X-Said: First", b"x-said: second", b"X-Empty:"))

    def close(self, body: bytes) -> None:
        self.transport.close()

    def reset(self, body: bytes) -> None:
        plug = cast(socket.socket, self.transport.get_extra_info("socket"))
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def hang(self, body: bytes) -> None:
        pass

    def chunked(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n")

    def until_eof(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\n\r\nto the end")
        self.transport.close()

    def cut(self, body: bytes) -> None:
        self.transport.write(answer(200, b"0123456789")[:-5])
        self.transport.close()

    def interim(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + answer(201, b"made"))

    def last(self, body: bytes) -> None:
        self.transport.write(answer(200, b"bye", b"Connection: close"))

    def twice(self, body: bytes) -> None:
        self.transport.write(answer(200, b"first", b"X-Of: first") + answer(500, b"second", b"X-Of: second"))

    def gibberish(self, body: bytes) -> None:
        self.transport.write(b"SSH-2.0-OpenSSH_9.9\r\n")

    def upgrade(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: tea\r\nConnection: upgrade\r\n\r\n")

    def empty(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    def long_head(self, body: bytes) -> None:
        self.transport.write(answer(200, b"", b"X-Long: " + b"h" * 4 * LONG))

    def long_body(self, body: bytes) -> None:
        self.transport.write(answer(200, b"b" * 4 * LONG))

    def drip(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        self._drop()

    def _drop(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b".")
            asyncio.get_running_loop().call_later(0.02, self._drop)


DEEDS = {
    b"/close": Faulty.close,
    b"/reset": Faulty.reset,
    b"/hang": Faulty.hang,
    b"/chunked": Faulty.chunked,
    b"/until-eof": Faulty.until_eof,
    b"/cut": Faulty.cut,
    b"/interim": Faulty.interim,
    b"/last": Faulty.last,
    b"/twice": Faulty.twice,
    b"/gibberish": Faulty.gibberish,
    b"/upgrade": Faulty.upgrade,
    b"/empty": Faulty.empty,
    b"/long-head": Faulty.long_head,
    b"/long-body": Faulty.long_body,
    b"/drip": Faulty.drip,
}


class FaultServer:
    """Listens on loopback; `seen` counts requests by path, `arrivals` are their paths in order, `connections` all there ever were."""

    def __init__(self) -> None:
        self.seen: Counter[bytes] = Counter()
        self.arrivals: asyncio.Queue[bytes] = asyncio.Queue()
        self.connections: list[Faulty] = []

    async def listen(self, **how: object) -> "FaultServer":
        """Begin to listen; `how` goes to create_server."""
        self._server = await asyncio.get_running_loop().create_server(lambda: Faulty(self), "127.0.0.1", 0, **how)  # type: ignore[arg-type]
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def close(self) -> None:
        """Stop listening and end every connection."""
        self._server.close()
        for connection in self.connections:
            connection.transport.abort()
        for connection in self.connections:
            await connection.lost
