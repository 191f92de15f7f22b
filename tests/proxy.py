"""A TCP proxy that a test cuts, mends or stalls: a server that is away, back, or reachable and silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Forwards connections to a server on loopback."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        """The server's URL by way of this proxy."""
        account, _, _ = self._url.netloc.rpartition("@")
        return urlunsplit(self._url._replace(netloc=f"{account}@127.0.0.1:{self.port}" if account else f"127.0.0.1:{self.port}"))

    async def mend(self) -> None:
        """Let connections in and bytes flow."""
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._meet, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def stall(self) -> None:
        """Let connections in, and no byte through."""
        self._flows.clear()

    async def cut(self) -> None:
        """End all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for pipe in self._pipes:
            pipe.cancel()
        if self._pipes:
            await asyncio.wait(self._pipes)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pipes.add(task)
        task.add_done_callback(self._pipes.discard)
        writers = [writer]
        with suppress(asyncio.CancelledError, OSError):
            try:
                there, back = await asyncio.open_connection(self._url.hostname, self._url.port)
                writers.append(back)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pipe(reader, back))
                    both.create_task(self._pipe(there, writer))
            except* (ConnectionError, OSError):
                pass
            finally:
                for each in writers:
                    each.close()
                await asyncio.gather(*(each.wait_closed() for each in writers), return_exceptions=True)

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError("one side has ended: so does the other")


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """A proxy that works, cut at the end."""
    proxy = Proxy(url)
    await proxy.mend()
    try:
        yield proxy
    finally:
        await proxy.cut()
