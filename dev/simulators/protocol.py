"""What passes between the server, the providers and the ledger."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from dev.simulators.stubs import Stub


class ServerRequest(NamedTuple):
    """A whole HTTP request; header names in lower case; `oversize` if the body was longer than the server keeps (it is empty then)."""

    method: bytes
    path: bytes
    query: bytes
    headers: Mapping[bytes, bytes]
    body: bytes
    oversize: bool = False


class ServerResponse(NamedTuple):
    """An HTTP answer; `headers` are whole lines that end with CRLF."""

    status: int
    body: bytes = b""
    headers: bytes = b""
    content_type: bytes = b"application/json"


class DeliveryTarget(NamedTuple):
    """One delivery that a request asks for; the id is empty if the request names none."""

    delivery_id: str
    address: str


class ValidRequest(NamedTuple):
    """An acceptable request: whom it is for, what their address scripts, and what the answer needs of it."""

    targets: Sequence[DeliveryTarget]
    stub: Stub
    details: Any = None


class InvalidRequest(NamedTuple):
    """A request that the provider refuses whoever it is for."""

    response: ServerResponse
    targets: Sequence[DeliveryTarget] = (DeliveryTarget("", ""),)


class ResponseContext(NamedTuple):
    """The time in epoch seconds and as an HTTP date, and a number for the message that no other has, of under 100 bits."""

    now: float
    date: bytes
    message_number: int


class ProviderSimulator(Protocol):
    """Speaks one vendor's API; what `read` puts into `details` comes back to it in `reply`, with the script in force now."""

    @property
    def name(self) -> str: ...
    def parse_request(self, request: ServerRequest) -> ValidRequest | InvalidRequest: ...
    def build_response(self, details: Any, stub: Stub, context: ResponseContext) -> ServerResponse: ...


class RequestLogEntry(Struct, frozen=True, gc=False):
    """One line of the ledger: `at` in epoch seconds, `status` 0 if none was decided, `fault` how the answer was spoilt, if it was."""

    seq: int
    at: float
    provider: str
    delivery_id: str
    address: str
    status: int
    fault: str
