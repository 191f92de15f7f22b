"""HTTP/1.1 messages of the load generator and the sink: prebuilt requests, the response, and a parser that knows only what they need."""

import re

from schemas.channels import ChannelName

TOKEN_DIGITS = 8
TOKEN = re.compile(rb"live-(\d{%d})" % TOKEN_DIGITS)
HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)

# accepts a webhook, an e-mail, and, so that a test needs no gateway, a notification
RESPONSE = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: live\r\nContent-Length: 0\r\n\r\n"

_TYPES: dict[ChannelName, str] = {"webhook": "partner.order-webhook", "email": "order.shipped"}


def find_message_end(data: bytes) -> int:
    """The length of the first message in `data`, 0 if it is incomplete. Raises ValueError if its head has no Content-Length."""
    head_length = data.find(HEAD_END) + len(HEAD_END)
    if head_length < len(HEAD_END):
        return 0
    match = CONTENT_LENGTH.search(data, 0, head_length)
    if match is None:
        raise ValueError(f"a message without Content-Length: {data[:head_length]!r}")
    end = head_length + int(match[1])
    return end if end <= len(data) else 0


def parse_status(response: bytes) -> int:
    """The status code of a response. Raises ValueError if its status line has none."""
    return int(response[9:12])


def parse_number(request: bytes) -> int:
    """The number of the notification that a provider's request is about. Raises ValueError if it has none."""
    match = TOKEN.search(request)
    if match is None:
        raise ValueError(f"a request without the number of a notification: {request[:300]!r}")
    return int(match[1])


def build_user_id(number: int) -> bytes:
    """The user id of a notification; each has a user of its own, as no user may get a thousand webhooks in an hour."""
    return b"user-%08d" % number


def build_body_template(channel: ChannelName, priority: str, sink: str) -> bytes:
    """A notification of about 300 bytes; `%` with its number, three times, makes it one. Without a priority its rule has one."""
    address = f"{sink}/user-%08d" if channel == "webhook" else "user-%08d@example.org"
    text = (
        '{"user_id":"user-%08d","type":"TYPE","channels":["CHANNEL"],PRIORITY'
        '"data":{"order":"live-%08d","name":"Ada Lovelace","eta":"tomorrow between nine and noon","items":["book","lamp","chair"]},'
        '"locale":"en","to":{"CHANNEL":"ADDRESS"}}'
    )
    priority_field = f'"priority":"{priority}",' if priority else ""
    for name, value in (("TYPE", _TYPES[channel]), ("CHANNEL", channel), ("PRIORITY", priority_field), ("ADDRESS", address)):
        text = text.replace(name, value)
    return text.encode()


def build_request_template(host: str, api_key: str, body_template: bytes, *, has_key: bool = False) -> bytes:
    """A POST of a notification; `%` with its number, three times, makes it one; with an Idempotency-Key, four times."""
    length = len(body_template % (0, 0, 0))
    head = f"POST /v1/notifications HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {api_key}\r\nContent-Type: application/json\r\n"
    key = b"Idempotency-Key: live-%08d\r\n" if has_key else b""
    return head.encode().replace(b"%", b"%%") + key + b"Content-Length: %d\r\n\r\n" % length + body_template
