"""uvicorn's WebSocket protocol with a limit for a client that does not read, to which even the message of closing could not be written."""

import asyncio
from typing import cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.settings import GatewaySection
from app.telemetry import log_event


class LimitedSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket. build_socket_protocol_class sets `settings`."""

    settings: GatewaySection
    _write_timer: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Wait for a client that does not read as fast as it is written to, but not for ever."""
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.settings.response_timeout, self._handle_unread)

    def resume_writing(self) -> None:
        """Go on: the client has read most of what was written."""
        self._stop_timer()
        super().resume_writing()

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
