"""Firebase Cloud Messaging: a push message as one HTTP v1 call.

Source of the request and of the codes: Google's discovery document fcm.v1 (projects.messages.send) and
https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode. A re-sent message replaces the first on the device (collapse key).
"""

import re
from collections.abc import Callable

import msgspec
from msgspec import UNSET, Struct, UnsetType

from agents.providers.answer import MAX_ID_CHARACTERS, retry_after, unanswered
from agents.providers.request import endpoint, head_of, prefix
from schemas.content import PushContent
from schemas.delivery import Delivery
from schemas.errors import UNREADABLE
from schemas.outcome import Attempted
from schemas.ports import Answer, Answered, Prepared
from schemas.words import Channel, Outcome, Reason, StatusName

MAX_TTL_SECONDS = 28 * 86_400
TOPIC = "topic:"

_settings = (Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED)

CODES: dict[str, Attempted] = {
    "UNREGISTERED": Attempted(Outcome.REJECTED_RECIPIENT, Reason.TOKEN_DEAD, status=StatusName.BOUNCED, detail="the app was removed"),
    "SENDER_ID_MISMATCH": Attempted(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, detail="a token of another project"),
    "THIRD_PARTY_AUTH_ERROR": Attempted(*_settings, detail="the APNs certificate or web push key is wrong"),
    "APNS_AUTH_ERROR": Attempted(*_settings, detail="the APNs certificate is wrong"),
}
STATUSES: dict[int, Attempted] = {
    401: Attempted(*_settings, detail="the access token was refused"),
    403: Attempted(*_settings, detail="the service account may not send"),
    404: Attempted(*_settings, detail="no such project"),
}
PAYLOAD = Attempted(Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, detail="the message was refused")
BAD_TOKEN = Attempted(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, detail="not a registration token or topic")
WRONG_CONTENT = Attempted(Outcome.REJECTED_PERMANENT, Reason.INVALID, detail="the content is not a push message's")

_TOKEN = re.compile(r"[!-~]{1,4096}").fullmatch
_TOPIC = re.compile(r"topic:([A-Za-z0-9_.~%-]{1,900})").fullmatch


class _Notification(Struct, gc=False):
    title: str
    body: str


class _Tag(Struct, gc=False):
    tag: str


class _Android(Struct, gc=False):
    collapse_key: str
    ttl: str
    notification: _Tag


class _ApnsHeaders(Struct, gc=False, rename="kebab"):
    apns_collapse_id: str
    apns_expiration: str


class _Apns(Struct, gc=False):
    headers: _ApnsHeaders


class _WebHeaders(Struct, gc=False):
    TTL: str


class _Web(Struct, gc=False):
    headers: _WebHeaders


class _Message(Struct, gc=False):
    notification: _Notification
    data: dict[str, str]
    android: _Android
    apns: _Apns
    webpush: _Web
    token: str | UnsetType = UNSET
    topic: str | UnsetType = UNSET


class _Body(Struct, gc=False):
    message: _Message


class _Violation(Struct):
    field: str = ""


class _Detail(Struct, rename={"error_code": "errorCode", "violations": "fieldViolations"}):
    error_code: str = ""
    violations: list[_Violation] = []


class _Error(Struct, frozen=True):
    message: str = ""
    details: list[_Detail] = []


class _Reply(Struct):
    name: str = ""
    error: _Error = _Error()


_encode = msgspec.json.Encoder().encode
_reply = msgspec.json.Decoder(_Reply)


class Fcm:
    """A Firebase project; `token` gives the access token in force at each attempt. Raises ValueError for a URL or project that cannot
    stand in a request, and at an attempt for such a token."""

    name = "fcm"
    channel: Channel = "push"

    def __init__(self, url: str, project: str, token: Callable[[], str]) -> None:
        self._at = endpoint(url)
        self._path = self._at.below(f"/v1/projects/{project}/messages:send")
        self._token = token
        self._used = ""
        self._head = prefix(self._at.host, self._path, {})

    def account(self, delivery: Delivery) -> str:
        """One project, one bound."""
        return self._at.origin

    def prepare(self, delivery: Delivery, attempt: int, now: float) -> Prepared | Attempted:
        """The message to one token, or to a topic if the address is `topic:<name>`."""
        content = delivery.content
        if not isinstance(content, PushContent):
            return WRONG_CONTENT
        topic = _TOPIC(delivery.address)
        if topic is None and (delivery.address.startswith(TOPIC) or not _TOKEN(delivery.address)):
            return BAD_TOKEN
        body = _encode(_Body(message(delivery, content, topic and topic[1], now)))
        return Prepared(self._at.origin, head_of(self._authorized(), body), body)

    def attempted(self, answer: Answer, now: float) -> Attempted:
        """200 is accepted; else FCM's own code decides before the HTTP status; 5xx may have been sent."""
        if not isinstance(answer, Answered):
            return unanswered(answer)
        status, said = answer.status, _said(answer.body)
        if status == 200:
            return Attempted(Outcome.ACCEPTED, "", 200, said.name[:MAX_ID_CHARACTERS])
        if status == 429:
            return Attempted(Outcome.THROTTLED, "", 429, retry_after=retry_after(answer.headers, now))
        if 300 <= status < 500 and status != 408:
            return msgspec.structs.replace(_rejection(status, said.error), code=status)
        return Attempted(Outcome.UNKNOWN, "", status, retry_after=retry_after(answer.headers, now))

    def _authorized(self) -> bytes:
        token = self._token()
        if token != self._used:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            self._head, self._used = prefix(self._at.host, self._path, headers), token
        return self._head


def message(delivery: Delivery, content: PushContent, topic: str | None, now: float) -> _Message:
    """What FCM is told: it expires with the delivery, and a second copy replaces the first."""
    same, ttl = delivery.notification_id, time_to_live(delivery.expires_at, now)
    return _Message(
        _Notification(content.title, content.body),
        {**content.data, "delivery_id": delivery.id},
        _Android(same, f"{ttl}s", _Tag(same)),
        _Apns(_ApnsHeaders(same, str(int(now) + ttl))),
        _Web(_WebHeaders(str(ttl))),
        delivery.address if topic is None else UNSET,
        topic or UNSET,
    )


def time_to_live(expires_at: float, now: float) -> int:
    """Seconds for which FCM may still deliver, at most four weeks."""
    return min(MAX_TTL_SECONDS, max(0, int(expires_at - now)))


def _rejection(status: int, error: _Error) -> Attempted:
    code = next((detail.error_code for detail in error.details if detail.error_code), "")
    if code in CODES:
        return CODES[code]
    if status == 400:
        return BAD_TOKEN if _blames_token(error) else PAYLOAD
    return STATUSES.get(status, PAYLOAD)


def _blames_token(error: _Error) -> bool:
    """Google names the field, or, for a malformed token, only says so in words; a doubtful answer must not cost a user the device."""
    fields = [violation.field for detail in error.details for violation in detail.violations]
    return all(field == "message.token" for field in fields) if fields else "registration token" in error.message.lower()


def _said(body: bytes) -> _Reply:
    try:
        return _reply.decode(body)
    except UNREADABLE:
        return _Reply()
