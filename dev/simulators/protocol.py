"""The values that the server, the provider simulators and the request log exchange."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from dev.simulators.stubs import Stub


class ServerRequest(NamedTuple):
    """A complete HTTP request; header names in lower case.

    `oversize`: the body exceeded http_protocol.MAX_BODY_BYTES and was discarded.
    """

    method: bytes
    path: bytes
    query: bytes
    headers: Mapping[bytes, bytes]
    body: bytes
    oversize: bool = False


class ServerResponse(NamedTuple):
    """An HTTP response; `headers` are complete lines that end with CRLF."""

    status: int
    body: bytes = b""
    headers: bytes = b""
    content_type: bytes = b"application/json"


class DeliveryTarget(NamedTuple):
    """One delivery of a request; the id is empty if the request contains none."""

    delivery_id: str
    address: str


class ValidRequest(NamedTuple):
    """A request that passes the vendor's validation: its deliveries, the stub of the address, and what the response needs."""

    targets: Sequence[DeliveryTarget]
    stub: Stub
    details: Any = None


class InvalidRequest(NamedTuple):
    """A request that fails the vendor's validation, with the error response."""

    response: ServerResponse
    targets: Sequence[DeliveryTarget] = (DeliveryTarget("", ""),)


class ResponseContext(NamedTuple):
    """The time in epoch seconds and as an HTTP date, and a unique number of less than 100 bits for the message id."""

    now: float
    date: bytes
    message_number: int


class ProviderSimulator(Protocol):
    """Simulates one vendor's API.

    Requests whose path begins with `path_prefix` are the vendor's. `find_stub` finds the stub that an address selects. `list_accounts`
    names the account or credential of a request in each way that a fault may name it. `parse_request` validates a request. The server
    resolves its stub and passes the request's `details` to `build_response`. `build_unauthorized_response` builds the response to
    credentials that are wrong or revoked.
    """

    @property
    def name(self) -> str: ...
    @property
    def path_prefix(self) -> bytes: ...
    def find_stub(self, address: str) -> Stub: ...
    def list_accounts(self, request: ServerRequest) -> tuple[str, ...]: ...
    def parse_request(self, request: ServerRequest) -> ValidRequest | InvalidRequest: ...
    def build_unauthorized_response(self) -> ServerResponse: ...
    def build_response(self, details: Any, stub: Stub, context: ResponseContext) -> ServerResponse: ...


class RequestLogEntry(Struct, frozen=True, gc=False):
    """One line of the request log.

    `seq` counts from 1; `at` is the arrival in epoch seconds; `status` is the HTTP status, 0 if the request was not processed;
    `fault` is the connection fault, empty if there was none.
    """

    seq: int
    at: float
    provider: str
    delivery_id: str
    address: str
    status: int
    fault: str

    @property
    def accepted(self) -> bool:
        """Whether the provider accepted the delivery."""
        return 200 <= self.status < 300


def has_content_type(request: ServerRequest, expected: bytes) -> bool:
    """Whether the body is of this media type; parameters such as the charset do not count."""
    content_type = request.headers.get(b"content-type", b"")
    return content_type == expected or content_type.partition(b";")[0].strip().lower() == expected


def build_retry_after_header(stub: Stub, usual: str = "") -> bytes:
    """The header line that says when a request may be repeated, with the provider's usual text unless the stub has one."""
    text = usual if stub.retry_after is None else stub.retry_after
    return b"Retry-After: %b\r\n" % text.encode() if text else b""


def is_not_revoked(token: bytes) -> bool:
    """Whether a token does not end with `revoked`."""
    return not token.endswith(b"revoked")


def is_bearer_valid(request: ServerRequest, is_token_valid: Callable[[bytes], bool] = is_not_revoked) -> bool:
    """Whether the request has a bearer token that is valid."""
    scheme, _, token = request.headers.get(b"authorization", b"").partition(b" ")
    return scheme == b"Bearer" and bool(token) and is_token_valid(token)
