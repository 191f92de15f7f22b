"""Builds requests as the vendors' clients send them, and decodes the simulators' responses."""

from typing import Any
from urllib.parse import urlencode

import msgspec

from dev.simulators.protocol import InvalidRequest, ProviderSimulator, ResponseContext, ServerRequest, ServerResponse, ValidRequest
from schemas.ids import DELIVERY_PREFIX, make_id

NOW = 1_760_000_000.5
CONTEXT = ResponseContext(NOW, b"Thu, 09 Oct 2025 08:53:20 GMT", 0xABC)
DELIVERY_ID = make_id(DELIVERY_PREFIX, NOW - 0.025, 7)
JSON = {b"content-type": b"application/json"}
FORM = {b"content-type": b"application/x-www-form-urlencoded"}
BEARER_HEADERS = {b"authorization": b"Bearer key", **JSON}
BASIC_HEADERS = {b"authorization": b"Basic QUMxOnRva2Vu", **FORM}  # AC1:token
ACCOUNT_SID = "AC" + "1" * 32
MESSAGES_PATH = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json".encode()


def build_mail(to: str = "a@example.org", **changes: Any) -> dict[str, Any]:
    """Build the body of a mail/send request; a change to None removes the field."""
    mail = {
        "personalizations": [{"to": [{"email": to}], "custom_args": {"delivery_id": DELIVERY_ID}}],
        "from": {"email": "shop@example.org"},
        "subject": "Shipped",
        "content": [{"type": "text/plain", "value": "On its way."}],
    }
    return {name: value for name, value in {**mail, **changes}.items() if value is not None}


def build_sendgrid_request(body: object, headers: dict[bytes, bytes] = BEARER_HEADERS, method: bytes = b"POST") -> ServerRequest:
    """Build a mail/send request."""
    return ServerRequest(method, b"/v3/mail/send", b"", headers, body if isinstance(body, bytes) else msgspec.json.encode(body))


def build_sms_form(to: str = "+4366012345678", **changes: str) -> dict[str, str]:
    """Build the form of an SMS."""
    callback = f"https://herold.example/callbacks/twilio?delivery={DELIVERY_ID}&attempt=0#rc=5"
    return {"To": to, "From": "+15005550006", "Body": "Hello", "StatusCallback": callback, **changes}


def build_twilio_request(form: dict[str, str], headers: dict[bytes, bytes] = BASIC_HEADERS, path: bytes = MESSAGES_PATH) -> ServerRequest:
    """Build a request of the Messages resource; empty fields are left out."""
    return ServerRequest(b"POST", path, b"", headers, urlencode({name: value for name, value in form.items() if value}).encode())


def build_fcm_request(message: object, headers: dict[bytes, bytes] = BEARER_HEADERS, **fields: Any) -> ServerRequest:
    """Build a messages:send request; `message` may be the raw body."""
    body = message if isinstance(message, bytes) else msgspec.json.encode({"message": message, **fields})
    return ServerRequest(b"POST", b"/v1/projects/shop/messages:send", b"", headers, body)


def build_webhook_request(path: bytes = b"/hooks/u-1", method: bytes = b"POST") -> ServerRequest:
    """Build a webhook request."""
    return ServerRequest(method, path, b"a=b", {**JSON, b"host": b"127.0.0.1:4010", b"webhook-id": DELIVERY_ID.encode()}, b"{}")


def get_response(provider: ProviderSimulator, request: ServerRequest) -> ServerResponse:
    """Get the provider's response, with the stub of the address."""
    parsed_request = provider.parse_request(request)
    if isinstance(parsed_request, InvalidRequest):
        return parsed_request.response
    return provider.build_response(parsed_request.details, parsed_request.stub, CONTEXT)


def get_targets(provider: ProviderSimulator, request: ServerRequest) -> list[tuple[str, str]]:
    """Get the delivery ids and addresses of a request."""
    return [tuple(target) for target in provider.parse_request(request).targets]


def is_valid(provider: ProviderSimulator, request: ServerRequest) -> bool:
    """Whether the request passes the provider's validation."""
    return isinstance(provider.parse_request(request), ValidRequest)


def decode_body(response: ServerResponse) -> Any:
    """Decode the JSON body of a response."""
    return msgspec.json.decode(response.body)
