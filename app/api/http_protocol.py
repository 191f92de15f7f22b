"""uvicorn's HTTP protocol with limits for what a client can use before its API key is checked: bytes, time and connections."""

import asyncio
from typing import ClassVar, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.api.problems import PROBLEM_MEDIA_TYPE, ProblemDetails, build_problem, build_problem_headers
from app.api.security_headers import add_security_headers
from app.settings import GatewaySection
from app.telemetry import log_event

CONNECTIONS_RETRY_AFTER = 1  # seconds
LINGER_TIMEOUT = 1.0  # seconds in which a rejected client can read why; a connection that is closed while it sends is reset
HTTP_VERSIONS = ("1.0", "1.1")
MAX_BODY_OVERHEAD = 2  # times max_body_bytes; a body in chunks may be so large on the wire: extensions of chunks have no end of their own
HEADER_OVERHEAD = 4  # bytes; the colon, the space and the line break of a header


class HeadersTooLargeError(Exception):
    """The request line and the headers are larger than gateway.max_header_bytes."""


class UnknownVersionError(Exception):
    """The request is not one of HTTP/1.0 or HTTP/1.1."""


class JoiningTransport:
    """Joins what is written in one iteration of the event loop: the headers and the body of a response are one packet, not two."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write after the current callback of the event loop."""
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)

    def flush(self) -> None:
        """Write what is joined so far."""
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts.clear()

    def close(self) -> None:
        """Close after everything is written."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether the connection is closed or closing."""
        return self._transport.is_closing()


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection. A timer limits each reading of headers and of a body; in between, uvicorn's keep-alive timeout does.

    Without the limits, the parser keeps headers of any size, for any time. build_protocol_class sets `settings`.
    """

    settings: GatewaySection
    open_count: ClassVar[int] = 0  # without those that became WebSockets, which have a limit of their own
    _timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _plain_transport: asyncio.Transport
    _is_rejected = _are_headers_too_large = _is_upgraded = False
    _reads_body = _has_begun = False
    _pending_bytes = 0  # received of headers that are not complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to read, or reject one connection too many."""
        super().connection_made(transport)
        self._plain_transport = transport
        self.transport = cast(asyncio.Transport, JoiningTransport(transport, self.loop))
        self.access_log = False  # GatewayMiddleware logs; uvicorn prepares a line although its level is not logged
        limit = self.settings.max_connections
        type(self).open_count += 1
        if self.open_count > limit:
            detail = f"the gateway has {limit} open connections, as many as gateway.max_connections allows"
            self._reject(build_problem("unavailable", detail, retry_after=CONNECTIONS_RETRY_AFTER))
            self.transport.close()
        else:
            self._start_timer(self.settings.header_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers with the connection."""
        self._stop_timer()
        self._stop_write_timer()
        type(self).open_count -= 1
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and limit what is not complete yet; what a rejected client still sends is dropped."""
        if not self._is_rejected:
            self._pending_bytes += len(data)
            super().data_received(data)
            self._limit_incomplete()

    def pause_writing(self) -> None:
        """Wait for a client that does not read as fast as it is written to, but not for ever."""
        super().pause_writing()
        self._start_write_timer()

    def resume_writing(self) -> None:
        """Go on: the client has read most of what was written."""
        self._stop_write_timer()
        super().resume_writing()

    def _start_write_timer(self) -> None:
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.settings.response_timeout, self._handle_unread)

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _handle_unread(self) -> None:
        cause = f"the client did not read its response within {self.settings.response_timeout:g} s"
        log_event("gateway.connection_rejected", status=0, cause=cause)
        cast(JoiningTransport, self.transport).abort()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the protocol of WebSocket, whose clients are counted by the live view."""
        self._is_upgraded = True
        type(self).open_count -= 1
        self._stop_timer()
        self.transport = self._plain_transport
        super().handle_websocket_upgrade()

    def _limit_incomplete(self) -> None:
        if self._is_rejected or self._is_upgraded:
            return
        if not self._reads_body and self._pending_bytes > self.settings.max_header_bytes:
            self._reject_headers()
        elif self._pending_bytes > self.settings.max_header_bytes + MAX_BODY_OVERHEAD * self.settings.max_body_bytes:
            self._reject(build_problem("too-large", f"a request body has at most {self.settings.max_body_bytes} bytes"))
        elif self._timer is None and (self._reads_body or self._has_begun or self._pending_bytes):
            self._start_timer(self.settings.body_timeout if self._reads_body else self.settings.header_timeout)

    def on_message_begin(self) -> None:
        """Begin the headers of a request."""
        self._has_begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin the body. Raises HeadersTooLargeError or UnknownVersionError, at which the parser stops and send_400_response is called."""
        self._stop_timer()
        size = len(self.url) + sum([len(name) + len(value) + HEADER_OVERHEAD for name, value in self.headers])
        if size > self.settings.max_header_bytes:
            self._are_headers_too_large = True
            raise HeadersTooLargeError
        if self.parser.get_http_version() not in HTTP_VERSIONS:  # a request line without a version is one of HTTP/0.9 to the parser
            raise UnknownVersionError
        self._reads_body, self._has_begun = True, False
        super().on_headers_complete()
        if not (self.parser.should_upgrade() and self._should_upgrade()):
            self.headers = []  # the request has its own; trailers come here, so that no credential or length comes after the headers

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._stop_timer()
        self._reads_body, self._pending_bytes = False, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Reject what the parser rejected."""
        if self._are_headers_too_large:
            self._reject_headers()
        else:
            self._reject(build_problem("bad-request", "what was received is not an HTTP/1.1 request"))

    def _reject_headers(self) -> None:
        limit = self.settings.max_header_bytes
        self._reject(build_problem("headers-too-large", f"request line and headers have at most {limit} bytes together"))

    def _handle_timeout(self) -> None:
        self._timer = None
        part, seconds = ("body", self.settings.body_timeout) if self._reads_body else ("headers", self.settings.header_timeout)
        if self.flow.read_paused:  # the gateway itself does not read at the moment
            self._start_timer(seconds)
        elif self._reads_body and self.cycle.response_started:  # the client has its response, and goes on sending
            self.transport.close()
        else:
            self._reject(build_problem("timeout", f"the {part} of the request did not arrive within {seconds:g} s"))

    def _reject(self, problem: ProblemDetails) -> None:
        """Send the problem and close the connection, after a moment in which the client may read it."""
        self._is_rejected = True
        self._stop_timer()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(_encode_response(problem, self.scheme or "http"))
        self._timer = self.loop.call_later(LINGER_TIMEOUT, self.transport.close)
        log_event("gateway.connection_rejected", status=problem.status, cause=problem.detail)

    def _start_timer(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._handle_timeout)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def build_protocol_class(settings: GatewaySection) -> type[asyncio.Protocol]:
    """The protocol with these settings, for uvicorn's `http`."""
    return cast(type[asyncio.Protocol], type("GatewayHttpProtocol", (LimitedHttpProtocol,), {"settings": settings}))


def _encode_response(problem: ProblemDetails, scheme: str) -> bytes:
    body = msgspec.json.encode(problem)
    headers = [
        (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        *build_problem_headers(problem),
    ]
    lines = [b"%b: %b\r\n" % header for header in add_security_headers(headers, scheme)]
    return b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", body])
