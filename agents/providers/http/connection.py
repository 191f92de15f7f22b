"""One HTTP/1.1 connection: writes a request, parses the response and calls back with the result."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from agents.providers.http.connection_errors import describe_connection_error
from agents.providers.http.limits import HttpLimits
from schemas.http import HttpResponse, HttpResult, MaybeSent

ResultCallback = Callable[[HttpResult], None]

# received bytes for each byte of the body limit: chunk extensions enlarge a response without enlarging its body
_MAX_FRAMING_RATIO = 8


class ConnectionListener(Protocol):
    """The owner of a connection, called when the connection is ready for the next request and when it is closed."""

    def on_ready(self, connection: "HttpConnection") -> None: ...
    def on_closed(self, connection: "HttpConnection") -> None: ...


class HttpConnection(asyncio.Protocol):
    """A connection with at most one request in flight; data received without a request closes it."""

    __slots__ = (
        "_body",
        "_bytes_received",
        "_close_after_response",
        "_headers",
        "_headers_complete",
        "_limits",
        "_listener",
        "_loop",
        "_on_result",
        "_parser",
        "_response",
        "closed",
        "deadline",
        "idle_since",
        "retire_at",
        "transport",
    )

    def __init__(self, listener: ConnectionListener, limits: HttpLimits, loop: asyncio.AbstractEventLoop) -> None:
        self._listener, self._limits, self._loop = listener, limits, loop
        self._parser = HttpResponseParser(self)
        # a control character in a header says nothing against the status: without this, what was accepted would be sent again
        self._parser.set_dangerous_leniencies(lenient_headers=True)
        self._on_result: ResultCallback | None = None
        self.closed = False
        self.deadline = self.retire_at = self.idle_since = 0
        self._response: HttpResponse | None = None
        self._headers: dict[bytes, bytes] = {}
        self._headers_complete = self._close_after_response = False
        self._body = b""
        self._bytes_received = 0

    @property
    def is_busy(self) -> bool:
        """Whether a request is in flight."""
        return self._on_result is not None

    def send_request(self, request: bytes, on_result: ResultCallback, deadline: int) -> None:
        """Write a request; `on_result` is called exactly once, at the latest by `abort`, which the owner calls at the tick `deadline`."""
        self._on_result = on_result
        self.deadline = deadline
        self.transport.write(request)

    def abort(self, cause: str) -> None:
        """Close the connection; a request in flight is MaybeSent."""
        self._close(MaybeSent(cause))

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._on_result is None:
            self._close(None)
            return
        self._bytes_received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if self._response is None:
                self.abort(f"the response is not HTTP/1.1: {error}")
                return
            self._close_after_response = True
        if self._response is not None:
            self._finish_response(self._response)
        else:
            self._check_size()

    def eof_received(self) -> None:
        if self._on_result is not None and self._is_eof_delimited():
            self._close(self._build_response())
        else:
            self.abort("connection closed before the response was complete")

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        cause = f": {describe_connection_error(exc)}" if isinstance(exc, OSError) else ""
        self._close(MaybeSent(f"connection lost before the response was complete{cause}"))
        self._parser = None
        self._listener.on_closed(self)

    # callbacks of the parser

    def on_message_begin(self) -> None:
        if self._response is not None:
            self._close_after_response = True

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        headers = self._headers
        headers[name] = b"%b, %b" % (headers[name], value) if name in headers else value

    def on_headers_complete(self) -> None:
        self._headers_complete = True

    def on_body(self, part: bytes) -> None:
        if len(self._body) <= self._limits.max_body_bytes:
            self._body += part

    def on_message_complete(self) -> None:
        if self._response is not None:
            return
        if self._parser.get_status_code() >= 200:
            self._response = self._build_response()
            # should_keep_alive is valid only here: the parser drops the headers before it parses further data
            self._close_after_response = not self._parser.should_keep_alive()
        self._headers, self._headers_complete, self._body = {}, False, b""

    # responses

    def _build_response(self) -> HttpResponse:
        return HttpResponse(self._parser.get_status_code(), self._headers, self._body[: self._limits.max_body_bytes])

    def _is_eof_delimited(self) -> bool:
        framed = b"content-length" in self._headers or b"transfer-encoding" in self._headers
        return self._headers_complete and not framed

    def _finish_response(self, response: HttpResponse) -> None:
        # not reusable: the response requires the close, was followed by more data, or came before the request was written completely
        if self._close_after_response or self.transport.get_write_buffer_size():
            self._close(response)
            return
        on_result, self._on_result = self._on_result, None
        self._response, self._bytes_received = None, 0
        self._listener.on_ready(self)
        self._notify(on_result, response)

    def _check_size(self) -> None:
        limits = self._limits
        if not self._headers_complete:
            if self._bytes_received > limits.max_head_bytes:
                self.abort(f"the response's headers are longer than {limits.max_head_bytes} bytes")
        elif len(self._body) > limits.max_body_bytes:
            self._close(self._build_response())
        elif self._bytes_received > limits.max_head_bytes + _MAX_FRAMING_RATIO * limits.max_body_bytes:
            self.abort("the response is too long")

    def _close(self, result: HttpResult | None) -> None:
        on_result, self._on_result = self._on_result, None
        if not self.closed:
            self.closed = True
            self.transport.abort()
        if result is not None:
            self._notify(on_result, result)

    def _notify(self, on_result: ResultCallback | None, result: HttpResult) -> None:
        if on_result is None:
            return
        try:
            on_result(result)
        except Exception as error:
            # an error of the caller must not close the connection, which may already have the next request
            self._loop.call_exception_handler({"message": "on_result raised an exception", "exception": error, "protocol": self})
