"""uvicorn's WebSocket protocol with a limit for a client that does not read, to which even the message of closing could not be written.

A gateway has thousands of clients that wait, so that each keeps only what it needs after the handshake.
"""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.settings import GatewaySection
from app.telemetry import log_event


class MessageQueue:
    """What its one reader has not read yet; an asyncio.Queue has four deques of 600 bytes each."""

    __slots__ = ("_messages", "_reader")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._reader: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:
        """Add a message."""
        self._messages.append(message)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def empty(self) -> bool:
        """Whether there is nothing to read."""
        return not self._messages

    async def get(self) -> Any:
        """The oldest message."""
        while not self._messages:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._messages.pop(0)


class WritableTransport:
    """Stands for the event of a transport that can be written to, as it nearly always is."""

    async def wait(self) -> bool:
        """Do not wait."""
        return True

    def set(self) -> None:
        """Do nothing: it is set."""


WRITABLE: Final = WritableTransport()


class LimitedSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket. build_socket_protocol_class sets `settings`."""

    settings: GatewaySection
    _write_timer: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.queue: Any = MessageQueue()
        self.writable: Any = WRITABLE

    def start_keepalive(self) -> None:
        """Forget the headers of the handshake, which was accepted; the parser would keep those of the request."""
        super().start_keepalive()
        self.request.headers.clear()
        self.response.headers.clear()

    def pause_writing(self) -> None:
        """Wait for a client that does not read as fast as it is written to, but not for ever."""
        self.writable = asyncio.Event()
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.settings.response_timeout, self._handle_unread)

    def resume_writing(self) -> None:
        """Go on: the client has read most of what was written."""
        self._stop_timer()
        super().resume_writing()
        self.writable = WRITABLE

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer with the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _handle_unread(self) -> None:
        cause = f"the client of a WebSocket read nothing for {self.settings.response_timeout:g} s"
        log_event("gateway.connection_rejected", status=0, cause=cause)
        self.transport.abort()


def build_socket_protocol_class(settings: GatewaySection) -> type[asyncio.Protocol]:
    """The protocol with these settings, for uvicorn's `ws`."""
    return cast(type[asyncio.Protocol], type("GatewaySocketProtocol", (LimitedSocketProtocol,), {"settings": settings}))
