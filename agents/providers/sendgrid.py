"""SendGrid: an e-mail as one v3 mail/send call.

Source of the request and of the codes: SendGrid's OpenAPI document tsg_mail_v3 (POST /v3/mail/send) and the pages "Mail Send errors" and
"Rate limits" of its API reference. There is no idempotency key for sends, so an answer that is no answer stays UNKNOWN.
"""

import re

import msgspec
from msgspec import Raw, Struct

from agents.providers.answer import id_of, retry_after, unanswered
from agents.providers.request import endpoint, head_of, prefix
from schemas.content import EmailContent
from schemas.delivery import Delivery
from schemas.errors import UNREADABLE
from schemas.outcome import Attempted
from schemas.ports import Answer, Answered, Prepared
from schemas.words import Channel, Outcome, Reason

CODES: dict[int, Attempted] = {
    400: Attempted(Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, 400, detail="bad request"),
    401: Attempted(Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED, 401, detail="the API key is wrong"),
    403: Attempted(Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED, 403, detail="the sender is not verified, or credits are exhausted"),
    404: Attempted(Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED, 404, detail="no such API"),
    405: Attempted(Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED, 405, detail="no such API"),
    413: Attempted(Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, 413, detail="the message is too large"),
}

_ADDRESS = re.compile(r"[^\s\x00-\x1f\x7f@<>,;]{1,64}@[^\s\x00-\x1f\x7f@<>,;]{1,255}").fullmatch
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_RESET = re.compile(rb"[0-9]{1,11}").fullmatch


class _To(Struct, gc=False):
    email: str


class _Arguments(Struct, gc=False):
    delivery_id: str
    attempt: str
    generation: str


class _Personalization(Struct, gc=False):
    to: tuple[_To]
    custom_args: _Arguments


class _Part(Struct, gc=False):
    type: str
    value: str


class _Mail(Struct, gc=False, rename={"sender": "from"}):
    personalizations: tuple[_Personalization]
    sender: Raw
    subject: str
    content: tuple[_Part, ...]


class _Error(Struct):
    field: str | None = None


class _Errors(Struct):
    errors: list[_Error] = []


_encode = msgspec.json.Encoder().encode
_errors = msgspec.json.Decoder(_Errors)
_ACCEPTED = Outcome.ACCEPTED

BAD_ADDRESS = Attempted(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, detail="not an e-mail address")
WRONG_CONTENT = Attempted(Outcome.REJECTED_PERMANENT, Reason.INVALID, detail="the content is not an e-mail's")


class SendGrid:
    """An account at SendGrid: its URL, API key and verified sender. Raises ValueError for a URL or key that cannot stand in a header."""

    name = "sendgrid"
    channel: Channel = "email"

    def __init__(self, url: str, key: str, sender_address: str, sender_name: str = "") -> None:
        at = endpoint(url)
        self._origin = at.origin
        self._head = prefix(at.host, at.below("/v3/mail/send"), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        self._sender = Raw(_encode({"email": sender_address, "name": sender_name} if sender_name else {"email": sender_address}))

    def account(self, delivery: Delivery) -> str:
        """One account, one bound."""
        return self._origin

    def prepare(self, delivery: Delivery, attempt: int, now: float) -> Prepared | Attempted:
        """The mail/send request; custom_args come back with every event, so events find their delivery and attempt."""
        content = delivery.content
        if not isinstance(content, EmailContent):
            return WRONG_CONTENT
        if not _ADDRESS(delivery.address):
            return BAD_ADDRESS
        arguments = _Arguments(delivery.id, str(attempt), str(delivery.generation))
        to = _Personalization((_To(delivery.address),), arguments)
        body = _encode(_Mail((to,), self._sender, one_line(content.subject), parts(content)))
        return Prepared(self._origin, head_of(self._head, body), body)

    def attempted(self, answer: Answer, now: float) -> Attempted:
        """202 is accepted; a 400 about the `to` address is the recipient's; 5xx may have been sent."""
        if not isinstance(answer, Answered):
            return unanswered(answer)
        status = answer.status
        if status == 202:
            return Attempted(_ACCEPTED, "", 202, id_of(answer.headers, b"x-message-id"))
        if status == 429:
            return Attempted(Outcome.THROTTLED, "", 429, retry_after=_until_reset(answer, now))
        if status == 400 and _blames_recipient(answer.body):
            return Attempted(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, 400, detail="the address was refused")
        if status in CODES:
            return CODES[status]
        if 300 <= status < 500 and status != 408:
            return Attempted(Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, status, detail="an undocumented code")
        return Attempted(Outcome.UNKNOWN, "", status, retry_after=retry_after(answer.headers, now))


def one_line(subject: str) -> str:
    """A subject without line breaks and control characters: a header of the mail cannot be broken by it."""
    return subject if subject.isprintable() else _BREAKS.sub(" ", subject)


def parts(content: EmailContent) -> tuple[_Part, ...]:
    """The text part before the HTML part, as SendGrid wants them; an empty one is left out."""
    if not content.html:
        return (_Part("text/plain", content.text),)
    if not content.text:
        return (_Part("text/html", content.html),)
    return (_Part("text/plain", content.text), _Part("text/html", content.html))


def _blames_recipient(body: bytes) -> bool:
    try:
        found = _errors.decode(body).errors
    except UNREADABLE:
        return False
    return any((error.field or "").startswith("personalizations.0.to") for error in found)


def _until_reset(answer: Answered, now: float) -> float:
    reset = answer.headers.get(b"x-ratelimit-reset", b"").strip()
    if _RESET(reset):
        return max(0.0, float(reset) - now)
    return retry_after(answer.headers, now)
