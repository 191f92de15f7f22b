"""A TCP proxy with which a test simulates a server that is down, up again, accepts connections and does not respond, or has TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""What a client of PostgreSQL sends first, if it wants TLS (PostgreSQL documentation, "Message Formats", SSLRequest)."""


class TcpProxy:
    """Forwards connections from a port on loopback to a server; with `tls`, clients need TLS.

    With `is_postgres` they ask for it in the protocol of PostgreSQL.
    """

    def __init__(self, url: str, tls: ssl.SSLContext | None = None, *, is_postgres: bool = False) -> None:
        self._upstream, self._tls, self._is_postgres = urlsplit(url), tls, is_postgres
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._traffic_enabled = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        """The server's URL with the address of this proxy."""
        credentials, _, _ = self._upstream.netloc.rpartition("@")
        address = f"127.0.0.1:{self.port}"
        return urlunsplit(self._upstream._replace(netloc=f"{credentials}@{address}" if credentials else address))

    async def enable(self) -> None:
        """Accept connections and forward bytes."""
        self._traffic_enabled.set()
        if self._server is None:
            tls = None if self._is_postgres else self._tls
            self._server = await asyncio.start_server(self._handle_connection, "127.0.0.1", self.port, ssl=tls)
            self.port = self._server.sockets[0].getsockname()[1]

    def pause_traffic(self) -> None:
        """Accept connections, but forward no bytes."""
        self._traffic_enabled.clear()

    async def disable(self) -> None:
        """Close all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    async def _handle_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        writers = [writer]
        with suppress(asyncio.CancelledError, OSError):
            try:
                if self._is_postgres:
                    await self._start_tls(reader, writer)
                upstream_reader, upstream_writer = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
                writers.append(upstream_writer)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._forward(reader, upstream_writer))
                    tasks.create_task(self._forward(upstream_reader, writer))
            except* (EOFError, OSError):
                pass
            finally:
                for open_writer in writers:
                    open_writer.close()
                await asyncio.gather(*(open_writer.wait_closed() for open_writer in writers), return_exceptions=True)

    async def _start_tls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(len(SSL_REQUEST)) != SSL_REQUEST or self._tls is None:
            raise ConnectionResetError("the client does not ask for TLS")
        writer.write(b"S")
        await writer.start_tls(self._tls)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._traffic_enabled.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError("one side has closed the connection")  # ends the task group, and with it the other direction


@asynccontextmanager
async def run_proxy(url: str, tls: ssl.SSLContext | None = None, *, is_postgres: bool = False) -> AsyncIterator[TcpProxy]:
    """Run an enabled proxy and disable it at the end."""
    proxy = TcpProxy(url, tls, is_postgres=is_postgres)
    await proxy.enable()
    try:
        yield proxy
    finally:
        await proxy.disable()
