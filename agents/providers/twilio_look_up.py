"""Asks Twilio whether it has a message: its list of those to a number since a time, searched by the hash of the body.

Twilio has no idempotency key for messages, so after a call without an answer only this tells whether it took the message.
Source: the message resource, "Read multiple Message resources" and "Message Status values"
(https://www.twilio.com/docs/messaging/api/message-resource). What Twilio says is a second behind at most.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from agents.providers.request import ParsedUrl, encode_get_suffix
from agents.providers.response import clean_provider_id
from schemas.content import SmsContent
from schemas.delivery import Delivery
from schemas.enums import Reason, Status
from schemas.errors import DECODE_ERRORS
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.outcome import Found, LookUpFailed, LookUpResult, NotFound
from schemas.sms_smart_encoding import SMART_ENCODING

CLOCK_MARGIN = 60.0  # seconds that the clocks of Twilio and of this host may differ
PAGE_SIZE = 20  # messages to one number since the call; a page of them fits into a response

_IN_HAND = frozenset(("accepted", "scheduled", "queued", "sending", "sent"))
_DELIVERED = frozenset(("delivered", "read", "partially_delivered"))
_FAILED = frozenset(("failed", "undelivered", "canceled"))
_BOUNCES = frozenset((30004, 30005, 30006))  # blocked, unknown number, landline: https://www.twilio.com/docs/api/errors/30004 and so on


class _Message(Struct, gc=False):
    sid: str
    status: str
    body: str = ""
    to: str = ""
    date_created: str = ""
    direction: str = ""
    error_code: int | None = None


class _Page(Struct, gc=False):
    messages: list[_Message]
    next_page_uri: str | None = None


_decode = msgspec.json.Decoder(_Page).decode


class TwilioLookUp:
    """The messages of an account; `url` is the API's, `authorization` the value of the header. Raises ValueError if they are not valid."""

    def __init__(self, url: ParsedUrl, account_sid: str, authorization: str) -> None:
        self._origin = url.origin
        self._target = url.join_path(f"/2010-04-01/Accounts/{account_sid}/Messages.json").encode()
        self._suffix = encode_get_suffix(url.host_header, {"Authorization": authorization})

    def build_request(self, delivery: Delivery, since: float) -> HttpRequest:
        """A GET of the newest messages to the number; DateSent takes whole seconds."""
        sent_after = datetime.fromtimestamp(int(since - CLOCK_MARGIN), UTC).strftime("%Y-%m-%dT%H%%3A%M%%3A%SZ")
        query = f"?To=%2B{delivery.address[1:]}&DateSent%3E={sent_after}&PageSize={PAGE_SIZE}"
        return HttpRequest(self._origin, b"GET %b%b%b" % (self._target, query.encode(), self._suffix), b"")

    def parse_result(self, delivery: Delivery, since: float, result: HttpResult) -> LookUpResult:
        """The newest message with the delivery's text; without one, that is certain only if the page has all messages."""
        if not isinstance(result, HttpResponse):
            return LookUpFailed(result.cause)
        if result.status_code != 200:
            return LookUpFailed(f"Twilio answered {result.status_code} when it was asked for the message")
        try:
            page = _decode(result.body)
        except DECODE_ERRORS:
            return LookUpFailed("Twilio's list of messages could not be read")
        content = delivery.content
        wanted = compute_body_hash(content.text if isinstance(content, SmsContent) else "")
        for message in page.messages:
            if message.direction != "inbound" and _is_recent(message, since) and compute_body_hash(message.body) == wanted:
                return _build_found(message)
        if page.next_page_uri and all(_is_recent(message, since) for message in page.messages):
            return LookUpFailed(f"Twilio has more than {PAGE_SIZE} messages to the number since the call")
        return NotFound()


def compute_body_hash(text: str) -> bytes:
    """The hash of a text, the same before and after Twilio's smart encoding."""
    return sha256(text.translate(SMART_ENCODING).encode("utf-8", "surrogatepass")).digest()


def _is_recent(message: _Message, since: float) -> bool:
    """Whether the message may be of a call at `since`; one without a readable time may be."""
    try:
        return parsedate_to_datetime(message.date_created).timestamp() >= since - CLOCK_MARGIN
    except (ValueError, OverflowError):
        return True


def _build_found(message: _Message) -> LookUpResult:
    sid, code = clean_provider_id(message.sid), message.error_code or 0
    if message.status in _DELIVERED:
        return Found(Status.DELIVERED, sid)
    if message.status in _IN_HAND:
        return Found(Status.SENT, sid)
    if message.status in _FAILED:
        if code in _BOUNCES:
            return Found(Status.BOUNCED, sid, code, Reason.BOUNCED)
        return Found(Status.FAILED, sid, code, Reason.CANCELED if message.status == "canceled" else Reason.UNDELIVERED)
    return LookUpFailed("Twilio has the message in a status that Herold does not know")
