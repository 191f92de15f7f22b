"""A server with faults: the path of a request selects what its connection does."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Callable
from typing import cast

MAX_BYTES = 64 * 1024


def build_response(status: int, body: bytes = b"", *headers: bytes) -> bytes:
    """A complete response with Content-Length."""
    lines = [b"HTTP/1.1 %d Reason" % status, *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class FaultyConnection(asyncio.Protocol):
    """One connection of the FaultServer."""

    def __init__(self, server: "FaultServer") -> None:
        self.server = server
        self.received = b""
        self.disconnected = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.server.connections.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.disconnected.done():
            self.disconnected.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        _, path, _ = head.split(b" ", 2) if end else (b"", b"", b"")
        if path == b"/early":
            self.transport.pause_reading()
            self._apply_fault(path, self.transport.write, build_response(413))
            return
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        if end and len(body) >= length:
            self.received = body[length:]
            self._apply_fault(path, FAULTS.get(path, FaultyConnection.echo), self, body[:length])

    def _apply_fault(self, path: bytes, fault: Callable[..., object], *arguments: object) -> None:
        self.server.request_counts[path] += 1
        self.server.request_paths.put_nowait(path)
        fault(*arguments)

    # the faults, each called with the request's body

    def echo(self, body: bytes) -> None:
        self.transport.write(build_response(200, body, b"X-Part: First", b"x-part: second", b"X-Empty:"))

    def close(self, body: bytes) -> None:
        self.transport.close()

    def reset(self, body: bytes) -> None:
        sock = cast(socket.socket, self.transport.get_extra_info("socket"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def hang(self, body: bytes) -> None:
        pass

    def send_chunked(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n")

    def send_until_eof(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\n\r\nto the end")
        self.transport.close()

    def send_truncated(self, body: bytes) -> None:
        self.transport.write(build_response(200, b"0123456789")[:-5])
        self.transport.close()

    def send_interim(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + build_response(201, b"made"))

    def send_and_close(self, body: bytes) -> None:
        self.transport.write(build_response(200, b"bye", b"Connection: close"))

    def send_twice(self, body: bytes) -> None:
        self.transport.write(build_response(200, b"first", b"X-Response: first") + build_response(500, b"second", b"X-Response: second"))

    def send_garbage(self, body: bytes) -> None:
        self.transport.write(b"SSH-2.0-OpenSSH_9.9\r\n")

    def send_upgrade(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: tea\r\nConnection: upgrade\r\n\r\n")

    def send_no_content(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    def send_long_head(self, body: bytes) -> None:
        self.transport.write(build_response(200, b"", b"X-Long: " + b"h" * 4 * MAX_BYTES))

    def send_long_body(self, body: bytes) -> None:
        self.transport.write(build_response(200, b"b" * 4 * MAX_BYTES))

    def send_redirect(self, body: bytes) -> None:
        self.transport.write(build_response(307, b"", b"Location: /empty"))

    def send_slowly(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        self._send_byte()

    def _send_byte(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b".")
            asyncio.get_running_loop().call_later(0.02, self._send_byte)


FAULTS = {
    b"/close": FaultyConnection.close,
    b"/reset": FaultyConnection.reset,
    b"/hang": FaultyConnection.hang,
    b"/chunked": FaultyConnection.send_chunked,
    b"/until-eof": FaultyConnection.send_until_eof,
    b"/truncated": FaultyConnection.send_truncated,
    b"/interim": FaultyConnection.send_interim,
    b"/connection-close": FaultyConnection.send_and_close,
    b"/twice": FaultyConnection.send_twice,
    b"/garbage": FaultyConnection.send_garbage,
    b"/upgrade": FaultyConnection.send_upgrade,
    b"/empty": FaultyConnection.send_no_content,
    b"/long-head": FaultyConnection.send_long_head,
    b"/long-body": FaultyConnection.send_long_body,
    b"/redirect": FaultyConnection.send_redirect,
    b"/slow": FaultyConnection.send_slowly,
}


class FaultServer:
    """Listens on loopback; `request_counts` counts requests by path, `request_paths` has their paths in order."""

    def __init__(self) -> None:
        self.request_counts: Counter[bytes] = Counter()
        self.request_paths: asyncio.Queue[bytes] = asyncio.Queue()
        self.connections: list[FaultyConnection] = []

    async def listen(self, **options: object) -> "FaultServer":
        """Start to listen; `options` are those of create_server."""
        self._server = await asyncio.get_running_loop().create_server(lambda: FaultyConnection(self), "127.0.0.1", 0, **options)  # type: ignore[arg-type]
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def close(self) -> None:
        """Stop listening and close all connections."""
        self._server.close()
        for connection in self.connections:
            connection.transport.abort()
        for connection in self.connections:
            await connection.disconnected
