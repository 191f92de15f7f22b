"""Webhooks: a signed POST as Standard Webhooks 1.0 specifies.

Source of the headers, the signature and the meaning of responses: the specification of standard-webhooks/standard-webhooks. Consumers
drop duplicates by `webhook-id`, which is the same in all attempts.
"""

import hmac
from base64 import b64encode
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from agents.providers.http import AddressPolicy
from agents.providers.request import ParsedUrl, encode_head_prefix, parse_url
from agents.providers.response import build_invalid_content, parse_no_response, parse_retry_after
from agents.providers.setting_checks import check_settings, expect_parsed
from agents.providers.webhook_secret import decode_master_secret, derive_secret
from schemas.channels import ChannelName
from schemas.content import WebhookContent
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason, Status
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.outcome import AttemptResult

TARGET_CACHE_SIZE = 4096

INVALID_URL = AttemptResult(
    Outcome.REJECTED_RECIPIENT,
    Reason.REJECTED_RECIPIENT,
    detail="not a webhook URL: it is invalid, or plain http, which providers.webhook.allow_http forbids",
)
INVALID_CONTENT = build_invalid_content("webhook")

_REJECTED = (Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT)

# Responses that say clearly that the endpoint did not process the webhook, so that another attempt makes no duplicate. Not among them, and
# UNKNOWN: 408 and 409, which may come after the webhook was processed, and all 5xx.
HTTP_STATUSES: dict[int, AttemptResult] = {
    400: AttemptResult(*_REJECTED, 400, detail="the endpoint calls it a bad request"),
    401: AttemptResult(*_REJECTED, 401, detail="the endpoint does not accept the signature, or wants a log-in"),
    403: AttemptResult(*_REJECTED, 403, detail="the endpoint forbids it"),
    404: AttemptResult(*_REJECTED, 404, detail="there is no endpoint at this path"),
    405: AttemptResult(*_REJECTED, 405, detail="the endpoint takes no POST"),
    410: AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.ENDPOINT_GONE, 410, detail="the endpoint is gone"),
    413: AttemptResult(*_REJECTED, 413, detail="the payload is too large for the endpoint"),
    415: AttemptResult(*_REJECTED, 415, detail="the endpoint takes no JSON"),
    422: AttemptResult(*_REJECTED, 422, detail="the endpoint rejects the content"),
    425: AttemptResult(Outcome.THROTTLED, "", 425, detail="the endpoint asks for it later"),
    429: AttemptResult(Outcome.THROTTLED, "", 429, detail="the endpoint received too many requests"),
}
UNCLEAR_STATUSES = frozenset((408, 409))
REDIRECTED = AttemptResult(*_REJECTED, detail="the endpoint redirects, and redirects are not followed: use the URL that it redirects to")
OTHER_REJECTION = AttemptResult(*_REJECTED, detail="the endpoint rejected the request")


class _Payload(Struct, gc=False):
    type: str
    timestamp: datetime
    data: dict[str, Any]


_encode = msgspec.json.Encoder().encode


class Target(NamedTuple):
    """The parsed URL of an endpoint, its host, and the fixed bytes of its request head."""

    url: ParsedUrl
    host: str
    head_prefix: bytes


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The section providers.webhook of faust.yml."""

    master_secret: str
    allow_http: bool
    allow: str


class Webhook:
    """Webhooks, signed with a secret for each user and host that is derived from the master secret; plain http only if allowed.

    Endpoints that are not public are called only if `allow` lists them, as AddressPolicy reads it. Raises ValueError for an invalid secret
    or list.
    """

    name = "webhook"
    channel: ChannelName = "webhook"

    def __init__(self, master_secret: str, allow_http: bool = False, allow: str = "") -> None:
        self._master_secret = decode_master_secret(master_secret)
        self._allow_http = allow_http
        self._address_policy = AddressPolicy(allow)

    def get_account(self, delivery: Delivery) -> str:
        """The origin, so that one dead host cannot use all calls; invalid URLs share one account."""
        target = parse_target(delivery.address, self._allow_http)
        return target.url.origin if target else ""

    def build_request(self, delivery: Delivery, attempt: int, now: float) -> HttpRequest | AttemptResult:
        """Build the signed request; the header has the time of the attempt, the payload the time of the notification."""
        content = delivery.content
        if not isinstance(content, WebhookContent):
            return INVALID_CONTENT
        target = parse_target(delivery.address, self._allow_http)
        if target is None:
            return INVALID_URL
        body = _encode(_Payload(content.type, datetime.fromtimestamp(delivery.created_at, UTC), content.data))
        message_id, timestamp = delivery.id.encode(), b"%d" % now
        secret = derive_secret(self._master_secret, delivery.user_id, target.host)
        signature = compute_signature(secret, message_id, timestamp, body)
        head = b"%b%d\r\nwebhook-id: %b\r\nwebhook-timestamp: %b\r\nwebhook-signature: %b\r\n\r\n"
        return HttpRequest(target.url.origin, head % (target.head_prefix, len(body), message_id, timestamp, signature), body)

    def allow_address(self, host: str, address: str) -> bool:
        """Public addresses, and those that the settings list: a producer chooses the host."""
        return self._address_policy.allows(host, address)

    def parse_result(self, result: HttpResult, now: float) -> AttemptResult:
        """2xx is DELIVERED; a clear 3xx or 4xx is a rejection, a dead letter that can be redriven; the rest may have been processed."""
        if not isinstance(result, HttpResponse):
            return parse_no_response(result)
        status = result.status_code
        if 200 <= status < 300:
            return AttemptResult(Outcome.ACCEPTED, "", status, status=Status.DELIVERED)
        retry_after = parse_retry_after(result.headers, now)
        if 300 <= status < 500 and status not in UNCLEAR_STATUSES:
            fallback = REDIRECTED if status < 400 else OTHER_REJECTION
            return msgspec.structs.replace(HTTP_STATUSES.get(status, fallback), provider_code=status, retry_after=retry_after)
        return AttemptResult(Outcome.UNKNOWN, "", status, retry_after=retry_after)


def build_provider(settings: Settings) -> Webhook:
    """The provider with these settings. Raises SettingError."""
    check_settings(settings, {"master_secret": expect_parsed(decode_master_secret), "allow": expect_parsed(AddressPolicy)})
    return Webhook(settings.master_secret, settings.allow_http, settings.allow)


def compute_signature(key: bytes, message_id: bytes, timestamp: bytes, body: bytes) -> bytes:
    """`v1,` and the base64 of HMAC-SHA256 over id, time and body, joined by dots."""
    return b"v1," + b64encode(hmac.digest(key, b"%b.%b.%b" % (message_id, timestamp, body), "sha256"))


@lru_cache(TARGET_CACHE_SIZE)
def parse_target(url: str, allow_http: bool) -> Target | None:
    """The target of a URL; None for an invalid URL, or plain http if that is not allowed."""
    try:
        parsed = parse_url(url)
    except ValueError:
        return None
    if parsed.origin.startswith("http://") and not allow_http:
        return None
    return Target(parsed, parsed.host, encode_head_prefix(parsed.host_header, parsed.target, {"Content-Type": "application/json"}))
