"""The server side of an HTTP/1.1 connection: parses requests and sends responses, with connection faults if a stub asks for them."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from dev.simulators import connection_faults
from dev.simulators.protocol import ServerRequest
from dev.simulators.stubs import Fault

MAX_BODY_BYTES = 30 * 1024 * 1024
_MAX_HEAD_BYTES = 64 * 1024
_BAD_REQUEST_RESPONSE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CONTINUE_RESPONSE = b"HTTP/1.1 100 Continue\r\n\r\n"


class HttpServerProtocol(asyncio.Protocol):
    """Passes each complete request to `on_request`, which calls `send_response` later.

    The connection closes if a second request arrives before the response (no pipelining).
    """

    def __init__(self, on_request: Callable[["HttpServerProtocol", ServerRequest], None], loop: asyncio.AbstractEventLoop) -> None:
        self._on_request, self._loop = on_request, loop
        self._parser = HttpRequestParser(self)
        self._awaiting_response = self._keep_alive = self._in_head = False
        self._head_size = 0
        self._reset_request()

    def _reset_request(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body_parts: list[bytes] = []
        self._body_size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._parser = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserCallbackError as error:  # an error of the simulators: the event loop logs it and closes the connection
            raise error.__context__ or error from None
        except (HttpParserError, HttpParserUpgrade):
            self._reject_request()
            return
        self._head_size = self._head_size + len(data) if self._in_head else 0
        if self._head_size > _MAX_HEAD_BYTES:
            self._reject_request()

    def _reject_request(self) -> None:
        self._transport.write(_BAD_REQUEST_RESPONSE)
        self._transport.close()

    # callbacks of httptools.HttpRequestParser

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._in_head = False
        if b"expect" in self._headers and self._headers[b"expect"].lower() == b"100-continue":
            self._transport.write(_CONTINUE_RESPONSE)

    def on_body(self, part: bytes) -> None:
        self._body_size += len(part)
        if self._body_size <= MAX_BODY_BYTES:
            self._body_parts.append(part)
        else:
            self._body_parts.clear()

    def on_message_complete(self) -> None:
        if self._awaiting_response:
            self._transport.close()
            return
        self._awaiting_response, self._keep_alive = True, self._parser.should_keep_alive()
        path, _, query = self._url.partition(b"?")
        oversize = self._body_size > MAX_BODY_BYTES
        request = ServerRequest(self._parser.get_method(), path, query, self._headers, b"".join(self._body_parts), oversize)
        self._reset_request()
        self._on_request(self, request)

    def send_response(self, data: bytes, fault: Fault = Fault.NONE, delay: float = 0.0) -> None:
        """Write the response after `delay` seconds, with the connection fault."""
        if delay:
            self._loop.call_later(delay, self.send_response, data, fault)
        elif fault is Fault.NONE:
            self._awaiting_response = False
            self._transport.write(data)
            if not self._keep_alive:
                self._transport.close()
        else:
            self._inject_fault(data, fault)

    def _inject_fault(self, data: bytes, fault: Fault) -> None:
        if fault is Fault.INTERIM:
            self.send_response(connection_faults.INTERIM_RESPONSES + data)
        elif fault is Fault.TRICKLE:
            connection_faults.send_slowly(self._transport, self._loop, data)
        elif fault is Fault.ENDLESS:
            connection_faults.send_endlessly(self._transport, self._loop, data)
        elif fault is Fault.BOMB:
            self.send_response(connection_faults.build_bomb_response(data))
        elif fault is Fault.TRUNCATE:
            self._transport.write(data[: len(data) // 2])
            self._transport.close()
        elif fault is Fault.DROP:
            self._transport.close()
        elif fault is Fault.RESET:
            # closing with a linger time of zero sends RST instead of FIN (socket(7), SO_LINGER)
            connection = cast(socket.socket, self._transport.get_extra_info("socket"))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
