"""Requests as the vendors' clients make them, and what the providers' answers say."""

from typing import Any
from urllib.parse import urlencode

import msgspec

from dev.simulators.protocol import InvalidRequest, ProviderSimulator, ResponseContext, ServerRequest, ServerResponse, ValidRequest
from schemas.ids import DELIVERY_PREFIX, make_id

NOW = 1_760_000_000.5
CONTEXT = ResponseContext(NOW, b"Thu, 09 Oct 2025 08:53:20 GMT", 0xABC)
DELIVERY_ID = make_id(DELIVERY_PREFIX, NOW - 0.025, 7)
BEARER_HEADERS = {b"authorization": b"Bearer key"}
BASIC_HEADERS = {b"authorization": b"Basic QUMxOnRva2Vu"}  # AC1:token


def build_mail(to: str = "a@example.org", **other: Any) -> dict[str, Any]:
    """A complete mail."""
    whole = {
        "personalizations": [{"to": [{"email": to}], "custom_args": {"delivery_id": DELIVERY_ID}}],
        "from": {"email": "shop@example.org"},
        "subject": "Shipped",
        "content": [{"type": "text/plain", "value": "On its way."}],
    }
    return {name: value for name, value in {**whole, **other}.items() if value is not None}


def build_sendgrid_request(body: object, headers: dict[bytes, bytes] = BEARER_HEADERS, method: bytes = b"POST") -> ServerRequest:
    """A request of mail/send."""
    return ServerRequest(method, b"/v3/mail/send", b"", headers, body if isinstance(body, bytes) else msgspec.json.encode(body))


def build_sms_form(to: str = "+4366012345678", **other: str) -> dict[str, str]:
    """A complete text message."""
    callback = f"https://herold.example/callbacks/twilio?delivery={DELIVERY_ID}&attempt=0#rc=5"
    return {"To": to, "From": "+15005550006", "Body": "Hello", "StatusCallback": callback, **other}


def build_twilio_request(
    form: dict[str, str], headers: dict[bytes, bytes] = BASIC_HEADERS, path: bytes = b"/2010-04-01/Accounts/AC1/Messages.json"
) -> ServerRequest:
    """A request of Messages.json."""
    return ServerRequest(b"POST", path, b"", headers, urlencode({name: value for name, value in form.items() if value}).encode())


def build_fcm_request(message: object, headers: dict[bytes, bytes] = BEARER_HEADERS, **other: Any) -> ServerRequest:
    """A request of messages:send."""
    body = message if isinstance(message, bytes) else msgspec.json.encode({"message": message, **other})
    return ServerRequest(b"POST", b"/v1/projects/shop/messages:send", b"", headers, body)


def build_webhook_request(path: bytes = b"/hooks/u-1", method: bytes = b"POST") -> ServerRequest:
    """A request to the webhook sink."""
    return ServerRequest(method, path, b"a=b", {b"host": b"127.0.0.1:4010", b"webhook-id": DELIVERY_ID.encode()}, b"{}")


def get_response(provider: ProviderSimulator, request: ServerRequest) -> ServerResponse:
    """What the provider says, were every script in force."""
    read = provider.parse_request(request)
    return read.response if isinstance(read, InvalidRequest) else provider.build_response(read.details, read.stub, CONTEXT)


def get_targets(provider: ProviderSimulator, request: ServerRequest) -> list[tuple[str, str]]:
    """Whom the request is for."""
    return [tuple(target) for target in provider.parse_request(request).targets]


def is_valid(provider: ProviderSimulator, request: ServerRequest) -> bool:
    """Whether the provider could read the request."""
    return isinstance(provider.parse_request(request), ValidRequest)


def decode_body(reply: ServerResponse) -> Any:
    """The body of an answer."""
    return msgspec.json.decode(reply.body)
