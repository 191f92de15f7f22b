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

from agents.providers.answer import retry_after, unanswered
from agents.providers.request import Endpoint, endpoint, prefix
from schemas.content import WebhookContent
from schemas.delivery import Delivery
from schemas.outcome import Attempted
from schemas.ports import Answer, Answered, Prepared
from schemas.words import Channel, Outcome, Reason, StatusName

SECRET = "whsec_"
KNOWN_ENDPOINTS = 4096

BAD_URL = Attempted(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, detail="not a URL that webhooks go to")
GONE = Attempted(Outcome.REJECTED_RECIPIENT, Reason.ENDPOINT_GONE, 410, detail="the endpoint wants no more webhooks")
WRONG_CONTENT = Attempted(Outcome.REJECTED_PERMANENT, Reason.INVALID, detail="the content is not a webhook's")


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
        self._key = key_of(secret)
        self._allow_http = allow_http

    def account(self, delivery: Delivery) -> str:
        """The origin: one dead host cannot take every call. All bad URLs count as one."""
        target = target_of(delivery.address, self._allow_http)
        return target[0].origin if target else ""

    def prepare(self, delivery: Delivery, attempt: int, now: float) -> Prepared | Attempted:
        """The signed request; its timestamp is the attempt's, the payload's is the notification's."""
        content = delivery.content
        if not isinstance(content, WebhookContent):
            return WRONG_CONTENT
        target = target_of(delivery.address, self._allow_http)
        if target is None:
            return BAD_URL
        body = _encode(_Payload(content.type, datetime.fromtimestamp(delivery.created_at, UTC), content.data))
        an_id, at = delivery.id.encode(), b"%d" % now
        head = b"%b%d\r\nwebhook-id: %b\r\nwebhook-timestamp: %b\r\nwebhook-signature: %b\r\n\r\n"
        return Prepared(target[0].origin, head % (target[1], len(body), an_id, at, signature(self._key, an_id, at, body)), body)

    def attempted(self, answer: Answer, now: float) -> Attempted:
        """2xx is delivered, 410 ends the endpoint; any other answer may be tried again (section "Deliverability" of the specification)."""
        if not isinstance(answer, Answered):
            return unanswered(answer)
        status = answer.status
        if 200 <= status < 300:
            return Attempted(Outcome.ACCEPTED, "", status, status=StatusName.DELIVERED)
        if status == 410:
            return GONE
        outcome = Outcome.THROTTLED if status == 429 else Outcome.UNKNOWN
        return Attempted(outcome, "", status, retry_after=retry_after(answer.headers, now))


def key_of(secret: str) -> bytes:
    """The bytes of a `whsec_` secret. Raises ValueError, which does not repeat the secret."""
    try:
        key = b64decode(secret.removeprefix(SECRET), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(SECRET) or not 24 <= len(key) <= 64:
        raise ValueError("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")
    return key


def signature(key: bytes, an_id: bytes, at: bytes, body: bytes) -> bytes:
    """`v1,` and the base64 of HMAC-SHA256 over id, time and body, joined by dots."""
    return b"v1," + b64encode(hmac.digest(key, b"%b.%b.%b" % (an_id, at, body), "sha256"))


@lru_cache(KNOWN_ENDPOINTS)
def target_of(url: str, allow_http: bool) -> tuple[Endpoint, bytes] | None:
    """Where a URL leads and its fixed header bytes; none for a URL that webhooks do not go to."""
    try:
        at = endpoint(url)
    except ValueError:
        return None
    if at.origin.startswith("http://") and not allow_http:
        return None
    return at, prefix(at.host, at.target, {"Content-Type": "application/json"})
