"""Customers' webhooks: a signed POST after Standard Webhooks 1.0.

Source of the headers, the signature and the meaning of answers: the specification of standard-webhooks/standard-webhooks. Its consumers
drop doubles by `webhook-id`, which stays the same over all attempts.
"""

import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from agents.providers.request import ParsedUrl, encode_head_prefix, parse_url
from agents.providers.response import parse_no_response, parse_retry_after
from schemas.content import WebhookContent
from schemas.delivery import Delivery
from schemas.enums import Channel, Outcome, Reason, Status
from schemas.outcome import AttemptResult
from schemas.ports import HttpRequest, HttpResponse, HttpResult

SECRET_PREFIX = "whsec_"
TARGET_CACHE_SIZE = 4096

INVALID_URL = AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, detail="not a URL that webhooks go to")
ENDPOINT_GONE = AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.ENDPOINT_GONE, 410, detail="the endpoint wants no more webhooks")
INVALID_CONTENT = AttemptResult(Outcome.REJECTED_PERMANENT, Reason.INVALID, detail="the content is not a webhook's")


class _Payload(Struct, gc=False):
    type: str
    timestamp: datetime
    data: dict[str, Any]


_encode = msgspec.json.Encoder().encode


class Webhook:
    """The webhooks of one signing secret (`whsec_` and base64 of 24 to 64 bytes); plain http only if allowed.

    Raises ValueError for another secret.
    """

    name = "webhook"
    channel: Channel = "webhook"

    def __init__(self, secret: str, allow_http: bool = False) -> None:
        self._signing_key = decode_secret(secret)
        self._allow_http = allow_http

    def get_account(self, delivery: Delivery) -> str:
        """The origin: one dead host cannot take every call. All bad URLs count as one."""
        target = parse_target(delivery.address, self._allow_http)
        return target[0].origin if target else ""

    def build_request(self, delivery: Delivery, attempt: int, now: float) -> HttpRequest | AttemptResult:
        """The signed request; its timestamp is the attempt's, the payload's is the notification's."""
        content = delivery.content
        if not isinstance(content, WebhookContent):
            return INVALID_CONTENT
        target = parse_target(delivery.address, self._allow_http)
        if target is None:
            return INVALID_URL
        body = _encode(_Payload(content.type, datetime.fromtimestamp(delivery.created_at, UTC), content.data))
        an_id, at = delivery.id.encode(), b"%d" % now
        head = b"%b%d\r\nwebhook-id: %b\r\nwebhook-timestamp: %b\r\nwebhook-signature: %b\r\n\r\n"
        return HttpRequest(
            target[0].origin, head % (target[1], len(body), an_id, at, compute_signature(self._signing_key, an_id, at, body)), body
        )

    def parse_result(self, result: HttpResult, now: float) -> AttemptResult:
        """2xx is delivered, 410 ends the endpoint; any other answer may be tried again (section "Deliverability" of the specification)."""
        if not isinstance(result, HttpResponse):
            return parse_no_response(result)
        status = result.status_code
        if 200 <= status < 300:
            return AttemptResult(Outcome.ACCEPTED, "", status, status=Status.DELIVERED)
        if status == 410:
            return ENDPOINT_GONE
        outcome = Outcome.THROTTLED if status == 429 else Outcome.UNKNOWN
        return AttemptResult(outcome, "", status, retry_after=parse_retry_after(result.headers, now))


def decode_secret(secret: str) -> bytes:
    """The bytes of a `whsec_` secret. Raises ValueError, which does not repeat the secret."""
    try:
        key = b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")
    return key


def compute_signature(key: bytes, message_id: bytes, timestamp: bytes, body: bytes) -> bytes:
    """`v1,` and the base64 of HMAC-SHA256 over id, time and body, joined by dots."""
    return b"v1," + b64encode(hmac.digest(key, b"%b.%b.%b" % (message_id, timestamp, body), "sha256"))


@lru_cache(TARGET_CACHE_SIZE)
def parse_target(url: str, allow_http: bool) -> tuple[ParsedUrl, bytes] | None:
    """Where a URL leads and its fixed header bytes; none for a URL that webhooks do not go to."""
    try:
        at = parse_url(url)
    except ValueError:
        return None
    if at.origin.startswith("http://") and not allow_http:
        return None
    return at, encode_head_prefix(at.host_header, at.target, {"Content-Type": "application/json"})
