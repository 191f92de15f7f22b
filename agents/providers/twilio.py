"""Twilio: a text message as one call of Messages.json.

Source of the request and of the codes: Twilio's OpenAPI document twilio_api_v2010 (CreateMessage) and its error dictionary
(https://www.twilio.com/docs/api/errors/<code>). There is no idempotency key for messages.
"""

import re
from base64 import b64encode
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from agents.providers.answer import MAX_ID_CHARACTERS, retry_after, unanswered
from agents.providers.request import endpoint, head_of, prefix
from schemas.content import SmsContent
from schemas.delivery import Delivery
from schemas.errors import UNREADABLE
from schemas.outcome import Attempted
from schemas.ports import Answer, Answered, Prepared
from schemas.words import Channel, Outcome, Reason, StatusName

MAX_VALIDITY_SECONDS = 36_000

_recipient = (Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT)
_settings = (Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED)
_payload = (Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT)

CODES: dict[int, Attempted] = {
    20003: Attempted(*_settings, 20003, detail="the key is wrong"),
    20404: Attempted(*_settings, 20404, detail="no such account"),
    20429: Attempted(Outcome.THROTTLED, "", 20429, detail="too many requests; never processed"),
    21211: Attempted(*_recipient, 21211, detail="not a phone number"),
    21408: Attempted(*_settings, 21408, detail="no permission to send to this country"),
    21602: Attempted(*_payload, 21602, detail="the message has no body"),
    21603: Attempted(*_settings, 21603, detail="the sender is missing"),
    21606: Attempted(*_settings, 21606, detail="the sender cannot send text messages"),
    21608: Attempted(*_settings, 21608, detail="a trial account sends to verified numbers only"),
    21610: Attempted(Outcome.REJECTED_RECIPIENT, Reason.OPTED_OUT, 21610, status=StatusName.UNSUBSCRIBED, detail="the recipient sent STOP"),
    21611: Attempted(Outcome.THROTTLED, "", 21611, detail="the sender's queue is full"),
    21612: Attempted(*_recipient, 21612, detail="the number is not reachable from this sender"),
    21614: Attempted(*_recipient, 21614, detail="not a mobile number"),
    21617: Attempted(*_payload, 21617, detail="the body is longer than 1,600 characters"),
}
STATUSES: dict[int, Attempted] = {
    401: Attempted(*_settings, 401, detail="the key is wrong"),
    403: Attempted(*_settings, 403, detail="the key may not do this"),
    404: Attempted(*_settings, 404, detail="no such account"),
}

BAD_NUMBER = Attempted(*_recipient, detail="not a phone number in E.164")
WRONG_CONTENT = Attempted(Outcome.REJECTED_PERMANENT, Reason.INVALID, detail="the content is not a text message's")

_E164 = re.compile(r"\+[1-9][0-9]{1,14}").fullmatch
_UNSAFE = re.compile(rb"[^A-Za-z0-9_.~ -]")
_ESCAPED = {bytes((byte,)): b"%%%02X" % byte for byte in range(256)}


class _Message(Struct, gc=False):
    sid: str = ""
    code: Annotated[int, Meta(ge=0, lt=100_000)] | None = None


_message = msgspec.json.Decoder(_Message)


class Twilio:
    """An account at Twilio: API key, sender (a number, or the SID of a messaging service) and where it reports to, if anywhere.

    Raises ValueError for a URL, account or callback URL that cannot stand in a request.
    """

    name = "twilio"
    channel: Channel = "sms"

    def __init__(self, url: str, account_sid: str, key_sid: str, key_secret: str, sender: str, callback_url: str = "") -> None:
        at = endpoint(url)
        if callback_url:
            endpoint(callback_url)
        basic = b64encode(f"{key_sid}:{key_secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        self._origin = at.origin
        self._head = prefix(at.host, at.below(f"/2010-04-01/Accounts/{account_sid}/Messages.json"), headers)
        field = b"MessagingServiceSid" if sender.startswith("MG") else b"From"
        query = callback_url + ("&" if "?" in callback_url else "?")
        self._sender = b"%b=%b&SmartEncoded=true" % (field, quoted(sender))
        self._callback = f"&StatusCallback={quoted(query).decode()}" if callback_url else ""

    def account(self, delivery: Delivery) -> str:
        """One account, one bound."""
        return self._origin

    def prepare(self, delivery: Delivery, attempt: int, now: float) -> Prepared | Attempted:
        """The form; the callback URL carries delivery and attempt, so a report that overtakes our own record finds them."""
        content = delivery.content
        if not isinstance(content, SmsContent):
            return WRONG_CONTENT
        if not _E164(delivery.address):
            return BAD_NUMBER
        report = self._callback and f"{self._callback}{_place(delivery, attempt)}"
        form = f"{report}&ValidityPeriod={validity(delivery.expires_at, now)}&To=%2B{delivery.address[1:]}&Body="
        body = b"%b%b%b" % (self._sender, form.encode(), quoted(content.text))
        return Prepared(self._origin, head_of(self._head, body), body)

    def attempted(self, answer: Answer, now: float) -> Attempted:
        """201 is accepted; else Twilio's own code decides before the HTTP status; 5xx may have been sent."""
        if not isinstance(answer, Answered):
            return unanswered(answer)
        status, said = answer.status, _said(answer.body)
        if status == 201:
            return Attempted(Outcome.ACCEPTED, "", 201, said.sid[:MAX_ID_CHARACTERS])
        code = said.code or 0
        if status == 429 or (status < 500 and code in CODES and CODES[code].outcome is Outcome.THROTTLED):
            return Attempted(Outcome.THROTTLED, "", code or status, retry_after=retry_after(answer.headers, now))
        if 300 <= status < 500 and status != 408:
            fallback = STATUSES.get(status) or Attempted(*_payload, code or status)
            return CODES.get(code, fallback)
        return Attempted(Outcome.UNKNOWN, "", status, retry_after=retry_after(answer.headers, now))


def _place(delivery: Delivery, attempt: int) -> str:
    """What a report says it is about, quoted as a part of the callback URL."""
    return f"delivery%3D{delivery.id}%26attempt%3D{attempt}%26generation%3D{delivery.generation}"


def quoted(text: str) -> bytes:
    """Form encoding (application/x-www-form-urlencoded): what is not unreserved becomes %XX, a space becomes +."""
    return _UNSAFE.sub(_escape, text.encode()).replace(b" ", b"+")


def validity(expires_at: float, now: float) -> int:
    """Seconds for which Twilio may still deliver, 1 to 36,000 as it wants them."""
    return min(MAX_VALIDITY_SECONDS, max(1, int(expires_at - now)))


def _escape(found: re.Match[bytes]) -> bytes:
    return _ESCAPED[found[0]]


def _said(body: bytes) -> _Message:
    try:
        return _message.decode(body)
    except UNREADABLE:
        return _Message()
