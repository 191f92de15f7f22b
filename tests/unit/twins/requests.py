"""Requests as the vendors' clients make them, and what the providers' answers say."""

from typing import Any
from urllib.parse import urlencode

import msgspec

from schemas.ids import DELIVERY, new_id
from twins.values import Asked, Moment, Provider, Refused, Reply, Request

NOW = 1_760_000_000.5
MOMENT = Moment(NOW, b"Thu, 09 Oct 2025 08:53:20 GMT", 0xABC)
ID = new_id(DELIVERY, NOW - 0.025, 7)
BEARER = {b"authorization": b"Bearer key"}
BASIC = {b"authorization": b"Basic QUMxOnRva2Vu"}  # AC1:token


def mail(to: str = "a@example.org", **other: Any) -> dict[str, Any]:
    """A complete mail."""
    whole = {
        "personalizations": [{"to": [{"email": to}], "custom_args": {"delivery_id": ID}}],
        "from": {"email": "shop@example.org"},
        "subject": "Shipped",
        "content": [{"type": "text/plain", "value": "On its way."}],
    }
    return {name: value for name, value in {**whole, **other}.items() if value is not None}


def sendgrid(body: object, headers: dict[bytes, bytes] = BEARER, method: bytes = b"POST") -> Request:
    """A request of mail/send."""
    return Request(method, b"/v3/mail/send", b"", headers, body if isinstance(body, bytes) else msgspec.json.encode(body))


def sms(to: str = "+4366012345678", **other: str) -> dict[str, str]:
    """A complete text message."""
    callback = f"https://herold.example/callbacks/twilio?delivery={ID}&attempt=0#rc=5"
    return {"To": to, "From": "+15005550006", "Body": "Hello", "StatusCallback": callback, **other}


def twilio(form: dict[str, str], headers: dict[bytes, bytes] = BASIC, path: bytes = b"/2010-04-01/Accounts/AC1/Messages.json") -> Request:
    """A request of Messages.json."""
    return Request(b"POST", path, b"", headers, urlencode({name: value for name, value in form.items() if value}).encode())


def fcm(message: object, headers: dict[bytes, bytes] = BEARER, **other: Any) -> Request:
    """A request of messages:send."""
    body = message if isinstance(message, bytes) else msgspec.json.encode({"message": message, **other})
    return Request(b"POST", b"/v1/projects/shop/messages:send", b"", headers, body)


def hook(path: bytes = b"/hooks/u-1", method: bytes = b"POST") -> Request:
    """A request to the webhook sink."""
    return Request(method, path, b"a=b", {b"host": b"127.0.0.1:4010", b"webhook-id": ID.encode()}, b"{}")


def answer(provider: Provider, request: Request) -> Reply:
    """What the provider says, were every script in force."""
    read = provider.read(request)
    return read.reply if isinstance(read, Refused) else provider.reply(read.details, read.script, MOMENT)


def targets(provider: Provider, request: Request) -> list[tuple[str, str]]:
    """Whom the request is for."""
    return [tuple(target) for target in provider.read(request).targets]


def accepted(provider: Provider, request: Request) -> bool:
    """Whether the provider could read the request."""
    return isinstance(provider.read(request), Asked)


def said(reply: Reply) -> Any:
    """The body of an answer."""
    return msgspec.json.decode(reply.body)
