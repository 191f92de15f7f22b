"""A TCP proxy that a test cuts, mends or stalls: a server that is away, back, or reachable and silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class TcpProxy:
    """Forwards connections to a server on loopback."""

    def __init__(self, url: str) -> None:
        self._upstream = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._traffic_enabled = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        """The server's URL by way of this proxy."""
        account, _, _ = self._upstream.netloc.rpartition("@")
        return urlunsplit(self._upstream._replace(netloc=f"{account}@127.0.0.1:{self.port}" if account else f"127.0.0.1:{self.port}"))

    async def enable(self) -> None:
        """Let connections in and bytes flow."""
        self._traffic_enabled.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._handle_connection, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def pause_traffic(self) -> None:
        """Let connections in, and no byte through."""
        self._traffic_enabled.clear()

    async def disable(self) -> None:
        """End all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for pipe in self._connections:
            pipe.cancel()
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
                there, back = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
                writers.append(back)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._forward(reader, back))
                    both.create_task(self._forward(there, writer))
            except* (ConnectionError, OSError):
                pass
            finally:
                for each in writers:
                    each.close()
                await asyncio.gather(*(each.wait_closed() for each in writers), return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._traffic_enabled.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError("one side has ended: so does the other")


@asynccontextmanager
async def run_proxy(url: str) -> AsyncIterator[TcpProxy]:
    """A proxy that works, cut at the end."""
    proxy = TcpProxy(url)
    await proxy.enable()
    try:
        yield proxy
    finally:
        await proxy.disable()
