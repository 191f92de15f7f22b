"""Webhooks: a signed POST as Standard Webhooks 1.0 specifies.

Source of the headers, the signature and the meaning of responses: the specification of standard-webhooks/standard-webhooks. Consumers
drop duplicates by `webhook-id`, which is the same in all attempts.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from agents.providers.endpoint_secrets import SealedSecretError, SecretBox, sign
from agents.providers.endpoint_url import UrlPolicy, parse_ports
from agents.providers.http import AddressPolicy
from agents.providers.request import ParsedUrl, encode_head_prefix, parse_url
from agents.providers.response import build_invalid_content, build_unknown, parse_no_response, parse_retry_after
from agents.providers.setting_checks import check_settings, expect_parsed
from agents.providers.webhook_secret import decode_master_secret, derive_secret
from schemas.channels import ChannelName
from schemas.content import WebhookContent
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason, Status
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.outcome import AttemptResult
from schemas.store_ports import EndpointView
from schemas.webhook_endpoints import DELETED, SignatureKind, SigningEndpoint

TARGET_CACHE_SIZE = 4096
BUSY_DELAY = 60.0  # seconds; the least wait after an answer that says that the endpoint has too much to do, and not for how long

INVALID_URL = AttemptResult(
    Outcome.REJECTED_RECIPIENT,
    Reason.REJECTED_RECIPIENT,
    detail="not a webhook URL: it is invalid, or plain http, which providers.webhook.allow_http forbids",
)
PORT_NOT_ALLOWED = AttemptResult(
    Outcome.REJECTED_RECIPIENT, Reason.ADDRESS_NOT_ALLOWED, detail="the port of the URL is not among providers.webhook.ports"
)
ENDPOINT_DISABLED = AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.ENDPOINT_DISABLED, detail="the endpoint is disabled")
ENDPOINT_DELETED = AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.ENDPOINT_GONE, detail="the endpoint was deleted from the registry")
ENDPOINT_UNKNOWN = AttemptResult(Outcome.NOT_SENT, detail="the endpoint's secret is not known: PostgreSQL does not answer")
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
# By the specification these mean, as 429 does, that the endpoint has too much to do. But they do not say whether it has processed the
# webhook, so they are UNKNOWN, and only the next attempt waits.
BUSY_STATUSES = frozenset((502, 504))
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
    ports: str
    max_body_bytes: int
    allow: str


class Webhook:
    """Webhooks, signed with the secret of the registered endpoint, else with one for each user and host; plain http only if allowed.

    Endpoints that are not public are called only if `allow` lists them, as AddressPolicy reads it, and only at these `ports`. Raises
    ValueError for an invalid secret or list. `max_body_bytes`: of a payload; 0: no limit.
    """

    name = "webhook"
    channel: ChannelName = "webhook"

    def __init__(self, master_secret: str, allow_http: bool = False, allow: str = "", ports: str = "", max_body_bytes: int = 0) -> None:
        self._master_secret = decode_master_secret(master_secret)
        self._box = SecretBox(self._master_secret)
        self._allow_http, self._max_body_bytes = allow_http, max_body_bytes
        self._address_policy = AddressPolicy(allow)
        self._urls = UrlPolicy(allow_http, parse_ports(ports), self._address_policy)
        self._endpoints: EndpointView | None = None
        self._find_target = lru_cache(TARGET_CACHE_SIZE)(self._check_target)

    def use_endpoints(self, endpoints: EndpointView) -> None:
        """Look up the endpoints that deliveries name in this view."""
        self._endpoints = endpoints

    def get_account(self, delivery: Delivery) -> str:
        """The origin, so that one dead host cannot use all calls; invalid URLs share one account."""
        target = parse_target(delivery.address, self._allow_http)
        return target.url.origin if target else ""

    def build_request(self, delivery: Delivery, attempt: int, now: float) -> HttpRequest | AttemptResult:
        """Build the signed request; the header has the time of the attempt, the payload the time of the notification."""
        content = delivery.content
        if not isinstance(content, WebhookContent):
            return INVALID_CONTENT
        target = self._find_target(delivery.address)
        if isinstance(target, AttemptResult):
            return target
        body = _encode(_Payload(content.type, datetime.fromtimestamp(delivery.created_at, UTC), content.data))
        if self._max_body_bytes and len(body) > self._max_body_bytes:
            return _build_too_large(len(body), self._max_body_bytes)
        signer = self._find_signer(delivery, target.host, now)
        if isinstance(signer, AttemptResult):
            return signer
        message_id, timestamp = delivery.id.encode(), b"%d" % now
        signature = sign(*signer, message_id, timestamp, body)
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
        if not retry_after and status in BUSY_STATUSES:
            retry_after = BUSY_DELAY
        if 300 <= status < 500 and status not in UNCLEAR_STATUSES:
            fallback = REDIRECTED if status < 400 else OTHER_REJECTION
            return msgspec.structs.replace(HTTP_STATUSES.get(status, fallback), provider_code=status, retry_after=retry_after)
        return build_unknown(status, retry_after)

    def _check_target(self, url: str) -> Target | AttemptResult:
        target = parse_target(url, self._allow_http)
        if target is None:
            return INVALID_URL
        return target if self._urls.allows_port(target.url) else PORT_NOT_ALLOWED

    def _find_signer(self, delivery: Delivery, host: str, now: float) -> tuple[SignatureKind, list[bytes]] | AttemptResult:
        """What signs a delivery, or why it is not sent."""
        if not delivery.endpoint_id:
            return "hmac", [derive_secret(self._master_secret, delivery.user_id, host)]
        endpoint = self._endpoints.find(delivery.endpoint_id) if self._endpoints else None
        if endpoint is None:
            return ENDPOINT_UNKNOWN
        if endpoint is DELETED:
            return ENDPOINT_DELETED
        if not endpoint.is_enabled:
            return ENDPOINT_DISABLED
        return self._open_secrets(endpoint, now)

    def _open_secrets(self, endpoint: SigningEndpoint, now: float) -> tuple[SignatureKind, list[bytes]] | AttemptResult:
        try:
            return endpoint.signature, self._box.open_secrets(endpoint, now)
        except SealedSecretError as error:  # of this worker's settings, so that every other call would fail as well
            return AttemptResult(Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED, detail=str(error), is_account_fault=True)


def build_provider(settings: Settings) -> Webhook:
    """The provider with these settings. Raises SettingError."""
    checks: dict[str, Callable[[str], object]] = {"master_secret": decode_master_secret, "ports": parse_ports, "allow": AddressPolicy}
    check_settings(settings, {name: expect_parsed(parse) for name, parse in checks.items()})
    return Webhook(settings.master_secret, settings.allow_http, settings.allow, settings.ports, settings.max_body_bytes)


def _build_too_large(size: int, limit: int) -> AttemptResult:
    detail = f"the payload has {size} bytes, and providers.webhook.max_body_bytes is {limit}: send an id instead"
    return AttemptResult(Outcome.REJECTED_PERMANENT, Reason.TOO_LARGE, detail=detail)


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
