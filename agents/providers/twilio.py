"""Twilio: a text message as one call of Messages.json.

Source of the request: Twilio's OpenAPI document twilio_api_v2010 (CreateMessage). There is no idempotency key for messages. MaxPrice is
obsolete there, and is not sent. The codes are in twilio_codes.py.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from agents.providers.form_encoding import quote_form_value
from agents.providers.request import ParsedUrl, encode_head, encode_head_prefix, parse_base_url, parse_url
from agents.providers.response import build_invalid_content, build_unknown, clean_provider_id, parse_no_response, parse_retry_after
from agents.providers.setting_checks import check_base_url, check_settings, expect_match, expect_parsed
from agents.providers.twilio_codes import ERROR_CODES, ERROR_CODES_OF_SENDERS, HTTP_STATUSES, build_link
from agents.providers.twilio_look_up import TwilioLookUp
from agents.providers.twilio_senders import SENDER_PATTERN, SENDER_WORDS, SenderChoice, is_messaging_service, parse_senders
from schemas.channels import ChannelName
from schemas.content import SmsContent
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason
from schemas.errors import DECODE_ERRORS
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.outcome import AttemptResult

MAX_VALIDITY_SECONDS = 36_000
MAX_ERROR_CODE = 999_999
NO_SENDERS: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})

INVALID_NUMBER = AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, detail="not a phone number in E.164")
INVALID_CONTENT = build_invalid_content("sms")

_E164 = re.compile(r"\+[1-9][0-9]{1,14}").fullmatch


class _MessageResource(Struct, gc=False):
    sid: str = ""
    code: Annotated[int, Meta(ge=0, le=MAX_ERROR_CODE)] | None = None


_response_decoder = msgspec.json.Decoder(_MessageResource)


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The section providers.twilio of faust.yml."""

    url: str
    account_sid: str
    api_key_sid: str
    api_key_secret: str
    from_number: str
    senders: str
    smart_encoding: bool
    callback_base_url: str
    auth_token: str
    webhook_shared_keys: str


SETTING_CHECKS = {
    "url": check_base_url,
    "account_sid": expect_match("[A-Za-z0-9]*", "letters and digits"),  # a part of the path
    "api_key_sid": expect_match("[A-Za-z0-9]*", "letters and digits"),  # the user of the basic authentication
    "api_key_secret": expect_match("[!-~]*", "printable ASCII without spaces"),
    "from_number": expect_match(SENDER_PATTERN, SENDER_WORDS),
    "senders": expect_parsed(parse_senders),
    "callback_base_url": expect_parsed(lambda url: url and _parse_callback_url(url)),
    "auth_token": expect_match("[!-~ ]*", "printable ASCII, several separated by commas"),
    "webhook_shared_keys": expect_match("[!-~ ]*", "printable ASCII, id:algorithm:secret, several separated by commas"),
}


class Twilio:
    """A Twilio account: API key, sender (a number, or the SID of a messaging service) and the URL for status callbacks, or "".

    `senders` are those by the beginning of the recipient's number, before which comes no other (twilio_senders.parse_senders).
    Raises ValueError for a URL, account or callback URL that is not valid in a request.
    """

    name = "twilio"
    channel: ChannelName = "sms"

    @property
    def reports_source(self) -> bool:
        """Whether it calls back."""
        return self._callback is not None

    def __init__(
        self,
        url: str,
        account_sid: str,
        key_sid: str,
        key_secret: str,
        sender: str,
        callback_url: str = "",
        senders: Mapping[str, Sequence[str]] = NO_SENDERS,
        smart_encoding: bool = True,
    ) -> None:
        parsed = parse_base_url(url)
        basic = b64encode(f"{key_sid}:{key_secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        self._origin = parsed.origin
        self.look_up = TwilioLookUp(parsed, account_sid, headers["Authorization"])
        self._head_prefix = encode_head_prefix(
            parsed.host_header, parsed.join_path(f"/2010-04-01/Accounts/{account_sid}/Messages.json"), headers
        )
        self._sender = _encode_sender(sender, smart_encoding)
        pools = {prefix: [_encode_sender(one, smart_encoding) for one in pool] for prefix, pool in senders.items()}
        self._choice = SenderChoice(pools, self._sender) if pools else None
        self._error_codes = ERROR_CODES_OF_SENDERS if pools else ERROR_CODES
        self._callback = _split_callback_url(callback_url) if callback_url else None

    def get_account(self, delivery: Delivery) -> str:
        """The origin: all calls count towards one account."""
        return self._origin

    def build_request(self, delivery: Delivery, attempt: int, now: float) -> HttpRequest | AttemptResult:
        """Build the form. The callback URL names delivery and attempt, so a callback finds them before they are recorded."""
        content = delivery.content
        if not isinstance(content, SmsContent):
            return INVALID_CONTENT
        if not _E164(delivery.address):
            return INVALID_NUMBER
        callback = "" if self._callback is None else _encode_callback_query(delivery, attempt).join(self._callback)
        form = f"{callback}&ValidityPeriod={compute_validity_period(delivery.expires_at, now)}&To=%2B{delivery.address[1:]}&Body="
        sender = self._sender if self._choice is None else self._choice.choose(delivery.address)
        body = b"%b%b%b" % (sender, form.encode(), quote_form_value(content.text))
        return HttpRequest(self._origin, encode_head(self._head_prefix, body), body)

    def allow_address(self, host: str, address: str) -> bool:
        """All: the host is that of the settings."""
        return True

    def parse_result(self, result: HttpResult, now: float) -> AttemptResult:
        """201 is ACCEPTED; otherwise Twilio's error code is looked up, then the HTTP status; after 5xx the message may have been sent."""
        if not isinstance(result, HttpResponse):
            return parse_no_response(result)
        status, message = result.status_code, _decode_response(result.body)
        if status == 201:
            return AttemptResult(Outcome.ACCEPTED, "", 201, clean_provider_id(message.sid))
        code = message.code or 0
        listed = self._error_codes.get(code)
        if status == 429 or (status < 500 and listed is not None and listed.outcome is Outcome.THROTTLED):
            return AttemptResult(Outcome.THROTTLED, "", code or status, retry_after=parse_retry_after(result.headers, now))
        if 300 <= status < 500 and status != 408:
            return listed or HTTP_STATUSES.get(status) or _build_unlisted(code, status)
        return build_unknown(status, parse_retry_after(result.headers, now))


def build_provider(settings: Settings) -> Twilio:
    """The provider with these settings. Raises SettingError."""
    check_settings(settings, SETTING_CHECKS)
    callback_url = ""
    if settings.callback_base_url:
        parts = urlsplit(settings.callback_base_url)
        callback_url = parts._replace(path=parts.path.rstrip("/") + "/v1/callbacks/twilio").geturl()
    return Twilio(
        settings.url,
        settings.account_sid,
        settings.api_key_sid,
        settings.api_key_secret,
        settings.from_number,
        callback_url,
        parse_senders(settings.senders),
        settings.smart_encoding,
    )


def _encode_sender(sender: str, smart_encoding: bool) -> bytes:
    """The form fields of a sender and of what does not change with it."""
    field = b"MessagingServiceSid" if is_messaging_service(sender) else b"From"
    return b"%b=%b&SmartEncoded=%b" % (field, quote_form_value(sender), b"true" if smart_encoding else b"false")


def _parse_callback_url(url: str) -> ParsedUrl:
    """Raises ValueError as parse_url does, and for a host that Twilio refuses (CreateMessage, StatusCallback; error 21609)."""
    parsed = parse_url(url)
    if "_" in parsed.host:
        raise ValueError("Twilio calls no host with an underscore in its name")
    return parsed


def _split_callback_url(url: str) -> tuple[str, str]:
    """The form field before and after the query of a call; the fragment, with Twilio's connection overrides, stays at the end."""
    _parse_callback_url(url)
    before, hash_sign, fragment = url.partition("#")
    before += "&" if "?" in before else "?"
    return f"&StatusCallback={quote_form_value(before).decode()}", quote_form_value(hash_sign + fragment).decode()


def _encode_callback_query(delivery: Delivery, attempt: int) -> str:
    """The query of the callback URL, quoted as a part of the form value."""
    source = f"%26source%3D{delivery.source}" if delivery.source else ""
    return f"delivery%3D{delivery.id}%26attempt%3D{attempt}%26redrive_count%3D{delivery.redrive_count}{source}"


def compute_validity_period(expires_at: float, now: float) -> int:
    """ValidityPeriod: the seconds in which Twilio may still deliver, 1 to 36,000."""
    return min(MAX_VALIDITY_SECONDS, max(1, int(expires_at - now)))


def _build_unlisted(code: int, status: int) -> AttemptResult:
    """A rejection that is not in the table; Twilio's own message may quote the number or the text."""
    detail = f"Twilio rejected the message: {build_link(code)}" if code else "Twilio rejected the message, without a code"
    return AttemptResult(Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, code or status, detail=detail)


def _decode_response(body: bytes) -> _MessageResource:
    try:
        return _response_decoder.decode(body)
    except DECODE_ERRORS:
        return _MessageResource()
