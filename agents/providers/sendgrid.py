"""SendGrid: an e-mail as one v3 mail/send call.

Source of the request and of the codes: SendGrid's OpenAPI document tsg_mail_v3 (POST /v3/mail/send) and the pages "Mail Send errors" and
"Rate limits" of its API reference. There is no idempotency key, so a call without a response is UNKNOWN.
"""

import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from agents.providers.request import encode_head, encode_head_prefix, parse_base_url
from agents.providers.response import build_invalid_content, build_unknown, clean_provider_id, parse_no_response, parse_retry_after
from agents.providers.sendgrid_batch import encode_batch, get_batch_key, has_same_content
from agents.providers.sendgrid_content import encode_content, replace_line_breaks
from agents.providers.sendgrid_errors import HTTP_STATUSES, parse_bad_request, parse_batch_rejection
from agents.providers.sendgrid_options import NO_PARTS, encode_parts
from agents.providers.setting_checks import check_base_url, check_header_value, check_line, check_settings, expect_match
from schemas.addresses import InvalidAddress, normalize_email
from schemas.channels import ChannelName
from schemas.content import EmailContent
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.outcome import AttemptResult, BatchResult, NumberedDelivery

_RESET = re.compile(rb"[0-9]{1,11}").fullmatch

# filled in with encoded values: a struct for each part of a mail would take twice as long
_MAIL = (
    b'{"personalizations":[{"to":[{"email":%b}]%b,"custom_args":{"delivery_id":%b,"delivery_attempt":"%d","redrive_count":"%d"%b}}],'
    b'"from":%b,"subject":%b,"content":[%b]%b}'
)
# SendGrid's own template takes the place of subject and content (tsg_mail_v3: template_id and dynamic_template_data)
_TEMPLATE_MAIL = (
    b'{"personalizations":[{"to":[{"email":%b}]%b,"dynamic_template_data":%b,'
    b'"custom_args":{"delivery_id":%b,"delivery_attempt":"%d","redrive_count":"%d"%b}}],"from":%b,"template_id":%b%b}'
)
# validated and not sent: https://www.twilio.com/docs/sendgrid/for-developers/sending-email/sandbox-mode
_SANDBOX = b',"mail_settings":{"sandbox_mode":{"enable":true}}'

_encode = msgspec.json.Encoder().encode
_ACCEPTED = Outcome.ACCEPTED

INVALID_ADDRESS = AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, detail="not an e-mail address")
INVALID_CONTENT = build_invalid_content("email")
NOT_TOGETHER = AttemptResult(Outcome.REJECTED_PERMANENT, Reason.INVALID, detail="one of the addresses is not an e-mail address")


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The section providers.sendgrid of faust.yml."""

    url: str
    api_key: str
    from_email: str
    from_name: str
    sandbox: bool
    webhook_public_key: str


def _check_sender(address: str) -> str:
    sender = normalize_email(address)
    return f"must be an e-mail address, without a name: {sender.problem}" if isinstance(sender, InvalidAddress) else ""


SETTING_CHECKS = {
    "url": check_base_url,
    "api_key": check_header_value,
    "from_email": _check_sender,
    "from_name": check_line,  # SendGrid makes it a part of a header
    "webhook_public_key": expect_match("[A-Za-z0-9+/=, ]*", "base64 without line breaks, several separated by commas"),
}


class SendGrid:
    """A SendGrid account: URL, API key and verified sender. Raises ValueError for a URL, key or sender that is not valid in a request."""

    name = "sendgrid"
    channel: ChannelName = "email"
    get_batch_key = staticmethod(get_batch_key)
    has_same_content = staticmethod(has_same_content)

    def __init__(self, url: str, api_key: str, sender_address: str, sender_name: str = "", *, is_sandbox: bool = False) -> None:
        parsed = parse_base_url(url)
        sender = normalize_email(sender_address)
        if isinstance(sender, InvalidAddress):
            raise ValueError(f"the sender: {sender.problem}")
        self._origin = parsed.origin
        self._head_prefix = encode_head_prefix(
            parsed.host_header,
            parsed.join_path("/v3/mail/send"),
            {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"},
        )
        self._settings = _SANDBOX if is_sandbox else b""
        self._accepted_statuses = frozenset((200, 202) if is_sandbox else (202,))
        self._sender = _encode({"email": sender, "name": sender_name} if sender_name else {"email": sender})

    def get_account(self, delivery: Delivery) -> str:
        """The origin: all calls count towards one account."""
        return self._origin

    def build_request(self, delivery: Delivery, attempt: int, now: float) -> HttpRequest | AttemptResult:
        """Build the mail/send request. SendGrid returns custom_args with every event, which names the delivery and attempt."""
        content = delivery.content
        if not isinstance(content, EmailContent):
            return INVALID_CONTENT
        if normalize_email(delivery.address) != delivery.address:  # written by an earlier release, or not by the router
            return INVALID_ADDRESS
        address, ids = _encode(delivery.address), (_encode(delivery.id), attempt, delivery.redrive_count)
        is_plain = not (content.list_unsubscribe or content.options or content.attachments)
        parts = NO_PARTS if is_plain else encode_parts(content, delivery.address)
        tail = parts.mail + self._settings
        if content.template_id:
            body = _TEMPLATE_MAIL % (
                address,
                parts.personalization,
                _encode(content.data),
                *ids,
                parts.custom_args,
                self._sender,
                _encode(content.template_id),
                tail,
            )
        else:
            subject = _encode(replace_line_breaks(content.subject))
            text = encode_content(content)
            body = _MAIL % (address, parts.personalization, *ids, parts.custom_args, self._sender, subject, text, tail)
        return HttpRequest(self._origin, encode_head(self._head_prefix, body), body)

    def build_batch_request(self, deliveries: Sequence[NumberedDelivery], now: float) -> HttpRequest | AttemptResult:
        """Build one mail/send request with a personalization for each delivery."""
        body = encode_batch(deliveries, self._sender, self._settings)
        return NOT_TOGETHER if body is None else HttpRequest(self._origin, encode_head(self._head_prefix, body), body)

    def allow_address(self, host: str, address: str) -> bool:
        """All: the host is that of the settings."""
        return True

    def parse_result(self, result: HttpResult, now: float) -> AttemptResult:
        """202 is ACCEPTED, in the sandbox 200; a 400 about `to` rejects the recipient; after 5xx the e-mail may have been sent."""
        if not isinstance(result, HttpResponse):
            return parse_no_response(result)
        status = result.status_code
        if status in self._accepted_statuses:
            return AttemptResult(_ACCEPTED, "", status, clean_provider_id(result.headers.get(b"x-message-id", b"").decode("latin-1")))
        if status == 429:
            return AttemptResult(Outcome.THROTTLED, "", 429, retry_after=_parse_rate_limit_reset(result, now))
        if status == 400:
            return parse_bad_request(result.body)
        if status in HTTP_STATUSES:
            return HTTP_STATUSES[status]
        if 300 <= status < 500 and status != 408:
            return AttemptResult(Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, status, detail="an undocumented HTTP status")
        return build_unknown(status, parse_retry_after(result.headers, now))

    def parse_batch_result(self, result: HttpResult, count: int, now: float) -> BatchResult:
        """As of one e-mail, whose message id all have; a 400 or 413 took none of them, and may be the fault of one."""
        if isinstance(result, HttpResponse) and result.status_code in (400, 413):
            return parse_batch_rejection(result, count)
        return BatchResult(self.parse_result(result, now))


def build_provider(settings: Settings) -> SendGrid:
    """The provider with these settings. Raises SettingError."""
    check_settings(settings, SETTING_CHECKS)
    return SendGrid(settings.url, settings.api_key, settings.from_email, settings.from_name, is_sandbox=settings.sandbox)


def _parse_rate_limit_reset(response: HttpResponse, now: float) -> float:
    reset = response.headers.get(b"x-ratelimit-reset", b"").strip()
    if _RESET(reset):
        return max(0.0, float(reset) - now)
    return parse_retry_after(response.headers, now)
