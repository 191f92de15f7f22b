"""HTTP values and the HTTP client that providers use (ports)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from msgspec import Struct


class HttpRequest(Struct, frozen=True, gc=False):
    """One HTTP/1.1 request, encoded: the origin (`https://host:port`), the request line with headers, and the body.

    `head` contains Host and Content-Length and ends with the empty line. The client sends `head` and `body` unchanged.
    """

    origin: str
    head: bytes
    body: bytes


class HttpResponse(Struct, frozen=True, gc=False):
    """A complete response; header names are in lower case."""

    status_code: int
    headers: Mapping[bytes, bytes]
    body: bytes


class NotSent(NamedTuple):
    """No byte of the request was sent: connection refused, host not found, connect timeout, or TLS failure."""

    cause: str


class NotAllowed(NamedTuple):
    """No byte of the request was sent, because the host has no address that may be connected to."""

    cause: str


class MaybeSent(NamedTuple):
    """The request was sent at least in part, and no complete response was received."""

    cause: str


HttpResult = HttpResponse | NotSent | NotAllowed | MaybeSent


class HttpClient(Protocol):
    """Sends requests without retries."""

    def send(self, request: HttpRequest, on_result: Callable[[HttpResult], None]) -> None:
        """Send one request. Calls `on_result` exactly once."""
        ...
