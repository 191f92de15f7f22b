"""One connection: writes a request, reads its answer, and says what came of it."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from agents.providers.http.limits import HttpLimits
from schemas.ports import HttpResponse, HttpResult, MaybeSent

ResultCallback = Callable[[HttpResult], None]

# chunk framing may blow a body up, but not without end
_MAX_FRAMING_RATIO = 8


class ConnectionListener(Protocol):
    """Whose connection it is: told when it can take another request, and when it is gone."""

    def on_ready(self, connection: "HttpConnection") -> None: ...
    def on_closed(self, connection: "HttpConnection") -> None: ...


class HttpConnection(asyncio.Protocol):
    """Carries one request at a time; what the other side sends without having been asked ends it."""

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
        """Whether a request waits for its answer here."""
        return self._on_result is not None

    def send_request(self, request: bytes, on_result: ResultCallback, deadline: int) -> None:
        """Write a request; `on_answer` is called once, at the latest by `give_up`, which the owner calls after the deadline (a tick)."""
        self._on_result = on_result
        self.deadline = deadline
        self.transport.write(request)

    def abort(self, cause: str) -> None:
        """End the connection; its request, if any, was perhaps sent."""
        self._close(MaybeSent(cause))

    # what the event loop tells

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
                self.abort(f"no HTTP/1.1 answer: {error!r}")
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
            self.abort("closed before the whole answer was here")

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._close(MaybeSent(f"connection lost before the whole answer was here: {exc!r}"))
        self._parser = None
        self._listener.on_closed(self)

    # what the parser tells

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
            # the parser knows it only now: it forgets the headers before it reads on
            self._close_after_response = not self._parser.should_keep_alive()
        self._headers, self._headers_complete, self._body = {}, False, b""

    # what follows

    def _build_response(self) -> HttpResponse:
        return HttpResponse(self._parser.get_status_code(), self._headers, self._body[: self._limits.max_body_bytes])

    def _is_eof_delimited(self) -> bool:
        framed = b"content-length" in self._headers or b"transfer-encoding" in self._headers
        return self._headers_complete and not framed

    def _finish_response(self, response: HttpResponse) -> None:
        # an answer that says so, that came before the whole request was out, or with something behind it, leaves no usable connection
        if self._close_after_response or self.transport.get_write_buffer_size():
            self._close(response)
            return
        on_answer, self._on_result = self._on_result, None
        self._response, self._bytes_received = None, 0
        self._listener.on_ready(self)
        self._notify(on_answer, response)

    def _check_size(self) -> None:
        limits = self._limits
        if not self._headers_complete:
            if self._bytes_received > limits.max_head_bytes:
                self.abort(f"the answer's headers are longer than {limits.max_head_bytes} bytes")
        elif len(self._body) > limits.max_body_bytes:
            self._close(self._build_response())
        elif self._bytes_received > limits.max_head_bytes + _MAX_FRAMING_RATIO * limits.max_body_bytes:
            self.abort("the answer does not end")

    def _close(self, result: HttpResult | None) -> None:
        on_answer, self._on_result = self._on_result, None
        if not self.closed:
            self.closed = True
            self.transport.abort()
        if result is not None:
            self._notify(on_answer, result)

    def _notify(self, on_result: ResultCallback | None, result: HttpResult) -> None:
        if on_result is None:
            return
        try:
            on_result(result)
        except Exception as error:
            # the caller's fault must not take the connection with it, which may already serve someone else
            self._loop.call_exception_handler({"message": "on_answer raised", "exception": error, "protocol": self})
