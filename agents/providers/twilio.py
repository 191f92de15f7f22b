"""Twilio: a text message as one call of Messages.json.

Source of the request and of the codes: Twilio's OpenAPI document twilio_api_v2010 (CreateMessage) and its error dictionary
(https://www.twilio.com/docs/api/errors/<code>). There is no idempotency key for messages.
"""

import re
from base64 import b64encode
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from agents.providers.request import encode_head, encode_head_prefix, parse_base_url, parse_url
from agents.providers.response import (
    build_account_fault,
    build_invalid_content,
    clean_provider_id,
    parse_no_response,
    parse_retry_after,
)
from agents.providers.setting_checks import check_base_url, check_settings, expect_match, expect_parsed
from agents.providers.twilio_look_up import TwilioLookUp
from schemas.channels import ChannelName
from schemas.content import SmsContent
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason, Status
from schemas.errors import DECODE_ERRORS
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.outcome import AttemptResult

MAX_VALIDITY_SECONDS = 36_000

_INVALID_RECIPIENT = (Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT)
_MISCONFIGURED = (Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED)  # for this recipient only: the account works for others
_INVALID_PAYLOAD = (Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT)

ERROR_CODES: dict[int, AttemptResult] = {
    # account faults; https://www.twilio.com/docs/api/errors/10001, .../20003 and so on, by code
    10001: build_account_fault(10001, "the account is not active"),
    20003: build_account_fault(20003, "wrong API key, or a suspended account: check providers.twilio.api_key_sid and api_key_secret"),
    20005: build_account_fault(20005, "the account is not active"),
    20403: build_account_fault(20403, "the account is suspended or closed"),
    20404: build_account_fault(20404, "no such account: check providers.twilio.account_sid"),
    21603: build_account_fault(21603, "the sender is missing: check providers.twilio.from_number"),
    21606: build_account_fault(21606, "the sender cannot send text messages: check providers.twilio.from_number"),
    21659: build_account_fault(21659, "the sender is not a number of Twilio: check providers.twilio.from_number"),
    21660: build_account_fault(21660, "the sender belongs to another account: check providers.twilio.from_number"),
    21661: build_account_fault(21661, "the sender cannot send text messages: check providers.twilio.from_number"),
    70051: build_account_fault(70051, "the API key may not do this"),
    20429: AttemptResult(Outcome.THROTTLED, "", 20429, detail="too many requests; never processed"),
    21211: AttemptResult(*_INVALID_RECIPIENT, 21211, detail="not a phone number"),
    21408: AttemptResult(*_MISCONFIGURED, 21408, detail="no permission to send to this country"),
    21602: AttemptResult(*_INVALID_PAYLOAD, 21602, detail="the message has no body"),
    21608: AttemptResult(*_MISCONFIGURED, 21608, detail="a trial account sends to verified numbers only"),
    21610: AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.OPTED_OUT, 21610, status=Status.UNSUBSCRIBED, detail="the recipient sent STOP"),
    21611: AttemptResult(Outcome.THROTTLED, "", 21611, detail="the sender's queue is full"),
    21612: AttemptResult(*_INVALID_RECIPIENT, 21612, detail="the number is not reachable from this sender"),
    21614: AttemptResult(*_INVALID_RECIPIENT, 21614, detail="not a mobile number"),
    21617: AttemptResult(*_INVALID_PAYLOAD, 21617, detail="the body is longer than 1,600 characters"),
}
HTTP_STATUSES: dict[int, AttemptResult] = {
    # https://www.twilio.com/docs/usage/twilios-response (401 Unauthorized, 403 Forbidden, 404 Not Found), without an error code
    401: build_account_fault(401, "the API key is wrong: check api_key_sid and api_key_secret of providers.twilio"),
    403: build_account_fault(403, "the API key may not send messages: check its permissions"),
    404: build_account_fault(404, "no such account: check account_sid and url of providers.twilio"),
}

INVALID_NUMBER = AttemptResult(*_INVALID_RECIPIENT, detail="not a phone number in E.164")
INVALID_CONTENT = build_invalid_content("sms")

_MESSAGING_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}").fullmatch
_E164 = re.compile(r"\+[1-9][0-9]{1,14}").fullmatch
_UNSAFE = re.compile(rb"[^A-Za-z0-9_.~ -]")
_ESCAPED = {bytes((byte,)): b"%%%02X" % byte for byte in range(256)}


class _MessageResource(Struct, gc=False):
    sid: str = ""
    code: Annotated[int, Meta(ge=0, lt=100_000)] | None = None


_response_decoder = msgspec.json.Decoder(_MessageResource)


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The section providers.twilio of faust.yml."""

    url: str
    account_sid: str
    api_key_sid: str
    api_key_secret: str
    from_number: str
    callback_base_url: str
    auth_token: str


SETTING_CHECKS = {
    "url": check_base_url,
    "account_sid": expect_match("[A-Za-z0-9]*", "letters and digits"),  # a part of the path
    "api_key_sid": expect_match("[A-Za-z0-9]*", "letters and digits"),  # the user of the basic authentication
    "api_key_secret": expect_match("[!-~]*", "printable ASCII without spaces"),
    "from_number": expect_match(
        r"\+[1-9][0-9]{1,14}|[0-9]{3,8}|MG[0-9a-fA-F]{32}|(?=.*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}",
        "a number in E.164, a short code, the SID of a messaging service (MG and 32 hex digits) or a name of at most 11 characters",
    ),
    "callback_base_url": expect_parsed(lambda url: url and parse_url(url)),
    "auth_token": expect_match("[!-~]*", "printable ASCII without spaces"),
}


class Twilio:
    """A Twilio account: API key, sender (a number, or the SID of a messaging service) and the URL for status callbacks, or "".

    Raises ValueError for a URL, account or callback URL that is not valid in a request.
    """

    name = "twilio"
    channel: ChannelName = "sms"

    def __init__(self, url: str, account_sid: str, key_sid: str, key_secret: str, sender: str, callback_url: str = "") -> None:
        parsed = parse_base_url(url)
        basic = b64encode(f"{key_sid}:{key_secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        self._origin = parsed.origin
        self.look_up = TwilioLookUp(parsed, account_sid, headers["Authorization"])
        self._head_prefix = encode_head_prefix(
            parsed.host_header, parsed.join_path(f"/2010-04-01/Accounts/{account_sid}/Messages.json"), headers
        )
        field = b"MessagingServiceSid" if _MESSAGING_SERVICE_SID(sender) else b"From"
        self._sender = b"%b=%b&SmartEncoded=true" % (field, quote_form_value(sender))
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
        body = b"%b%b%b" % (self._sender, form.encode(), quote_form_value(content.text))
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
        if status == 429 or (status < 500 and code in ERROR_CODES and ERROR_CODES[code].outcome is Outcome.THROTTLED):
            return AttemptResult(Outcome.THROTTLED, "", code or status, retry_after=parse_retry_after(result.headers, now))
        if 300 <= status < 500 and status != 408:
            fallback = HTTP_STATUSES.get(status) or AttemptResult(*_INVALID_PAYLOAD, code or status, detail=_describe_unlisted_code(code))
            return ERROR_CODES.get(code, fallback)
        return AttemptResult(Outcome.UNKNOWN, "", status, retry_after=parse_retry_after(result.headers, now))


def build_provider(settings: Settings) -> Twilio:
    """The provider with these settings. Raises SettingError."""
    check_settings(settings, SETTING_CHECKS)
    callback_url = ""
    if settings.callback_base_url:
        parts = urlsplit(settings.callback_base_url)
        callback_url = parts._replace(path=parts.path.rstrip("/") + "/v1/callbacks/twilio").geturl()
    return Twilio(settings.url, settings.account_sid, settings.api_key_sid, settings.api_key_secret, settings.from_number, callback_url)


def _split_callback_url(url: str) -> tuple[str, str]:
    """The form field before and after the query of a call; the fragment, with Twilio's connection overrides, stays at the end."""
    parse_url(url)
    before, hash_sign, fragment = url.partition("#")
    before += "&" if "?" in before else "?"
    return f"&StatusCallback={quote_form_value(before).decode()}", quote_form_value(hash_sign + fragment).decode()


def _encode_callback_query(delivery: Delivery, attempt: int) -> str:
    """The query of the callback URL, quoted as a part of the form value."""
    return f"delivery%3D{delivery.id}%26attempt%3D{attempt}%26redrive_count%3D{delivery.redrive_count}"


def quote_form_value(text: str) -> bytes:
    """Form encoding (application/x-www-form-urlencoded): each byte that is not unreserved becomes %XX, a space becomes +."""
    return _UNSAFE.sub(_escape, text.encode()).replace(b" ", b"+")


def compute_validity_period(expires_at: float, now: float) -> int:
    """ValidityPeriod: the seconds in which Twilio may still deliver, 1 to 36,000."""
    return min(MAX_VALIDITY_SECONDS, max(1, int(expires_at - now)))


def _describe_unlisted_code(code: int) -> str:
    """What is known of a rejection that is not in ERROR_CODES; Twilio's own message may quote the number or the text."""
    return (
        f"Twilio rejected the message: https://www.twilio.com/docs/api/errors/{code}"
        if code
        else "Twilio rejected the message, without a code"
    )


def _escape(match: re.Match[bytes]) -> bytes:
    return _ESCAPED[match[0]]


def _decode_response(body: bytes) -> _MessageResource:
    try:
        return _response_decoder.decode(body)
    except DECODE_ERRORS:
        return _MessageResource()
