"""One connection: writes a request, reads its answer, and says what came of it."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from agents.providers.http.limits import Limits
from schemas.ports import Answer, Answered, MaybeSent

OnAnswer = Callable[[Answer], None]

# chunk framing may blow a body up, but not without end
_FRAMING = 8


class Owner(Protocol):
    """Whose connection it is: told when it can take another request, and when it is gone."""

    def freed(self, connection: "Connection") -> None: ...
    def lost(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """Carries one request at a time; what the other side sends without having been asked ends it."""

    __slots__ = (
        "_answer",
        "_body",
        "_fed",
        "_headers",
        "_headers_done",
        "_last",
        "_limits",
        "_loop",
        "_on_answer",
        "_owner",
        "_parser",
        "closed",
        "deadline",
        "idle_since",
        "retires",
        "transport",
    )

    def __init__(self, owner: Owner, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self._owner, self._limits, self._loop = owner, limits, loop
        self._parser = HttpResponseParser(self)
        self._on_answer: OnAnswer | None = None
        self.closed = False
        self.deadline = self.retires = self.idle_since = 0
        self._answer: Answered | None = None
        self._headers: dict[bytes, bytes] = {}
        self._headers_done = self._last = False
        self._body = b""
        self._fed = 0

    @property
    def busy(self) -> bool:
        """Whether a request waits for its answer here."""
        return self._on_answer is not None

    def start(self, request: bytes, on_answer: OnAnswer, deadline: int) -> None:
        """Write a request; `on_answer` is called once, at the latest by `give_up`, which the owner calls after the deadline (a tick)."""
        self._on_answer = on_answer
        self.deadline = deadline
        self.transport.write(request)

    def give_up(self, cause: str) -> None:
        """End the connection; its request, if any, was perhaps sent."""
        self._end(MaybeSent(cause))

    # what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._on_answer is None:
            self._end(None)
            return
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if self._answer is None:
                self.give_up(f"no HTTP/1.1 answer: {error!r}")
                return
            self._last = True
        if self._answer is not None:
            self._finish(self._answer)
        else:
            self._check_size()

    def eof_received(self) -> None:
        if self._on_answer is not None and self._ends_with_eof():
            self._end(self._answered())
        else:
            self.give_up("closed before the whole answer was here")

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._end(MaybeSent(f"connection lost before the whole answer was here: {exc!r}"))
        self._parser = None
        self._owner.lost(self)

    # what the parser tells

    def on_message_begin(self) -> None:
        if self._answer is not None:
            self._last = True

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        headers = self._headers
        headers[name] = b"%b, %b" % (headers[name], value) if name in headers else value

    def on_headers_complete(self) -> None:
        self._headers_done = True

    def on_body(self, part: bytes) -> None:
        if len(self._body) <= self._limits.max_body:
            self._body += part

    def on_message_complete(self) -> None:
        if self._answer is not None:
            return
        if self._parser.get_status_code() >= 200:
            self._answer = self._answered()
            # the parser knows it only now: it forgets the headers before it reads on
            self._last = not self._parser.should_keep_alive()
        self._headers, self._headers_done, self._body = {}, False, b""

    # what follows

    def _answered(self) -> Answered:
        return Answered(self._parser.get_status_code(), self._headers, self._body[: self._limits.max_body])

    def _ends_with_eof(self) -> bool:
        framed = b"content-length" in self._headers or b"transfer-encoding" in self._headers
        return self._headers_done and not framed

    def _finish(self, answer: Answered) -> None:
        # an answer that says so, that came before the whole request was out, or with something behind it, leaves no usable connection
        if self._last or self.transport.get_write_buffer_size():
            self._end(answer)
            return
        on_answer, self._on_answer = self._on_answer, None
        self._answer, self._fed = None, 0
        self._owner.freed(self)
        self._tell(on_answer, answer)

    def _check_size(self) -> None:
        limits = self._limits
        if not self._headers_done:
            if self._fed > limits.max_head:
                self.give_up(f"the answer's headers are longer than {limits.max_head} bytes")
        elif len(self._body) > limits.max_body:
            self._end(self._answered())
        elif self._fed > limits.max_head + _FRAMING * limits.max_body:
            self.give_up("the answer does not end")

    def _end(self, answer: Answer | None) -> None:
        on_answer, self._on_answer = self._on_answer, None
        if not self.closed:
            self.closed = True
            self.transport.abort()
        if answer is not None:
            self._tell(on_answer, answer)

    def _tell(self, on_answer: OnAnswer | None, answer: Answer) -> None:
        if on_answer is None:
            return
        try:
            on_answer(answer)
        except Exception as error:
            # the caller's fault must not take the connection with it, which may already serve someone else
            self._loop.call_exception_handler({"message": "on_answer raised", "exception": error, "protocol": self})
