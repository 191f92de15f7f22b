"""Twilio's Messages resource (twilio.com/docs/messaging/api/message-resource): 201 with the message, or code, message and more_info."""

import base64
import binascii
import re
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec

from twins.scripts import Act, Script, script_of_number
from twins.segments import segments
from twins.values import Asked, Moment, Refused, Reply, Request, Target

MOST_CHARACTERS = 1600
_PATH = re.compile(rb"/2010-04-01/Accounts/([^/]+)/Messages\.json").fullmatch
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
_MORE = "https://www.twilio.com/docs/errors/"
_CODES = {
    Act.BOUNCE: (400, 21211),
    Act.REJECT: (400, 21617),
    Act.UNSUBSCRIBED: (400, 21610),
    Act.THROTTLE: (429, 20429),
    Act.FAIL: (500, 20500),
}
_MESSAGES = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "Internal Server Error",
    21211: "Invalid 'To' Phone Number: {to}",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21610: "Attempt to send to unsubscribed recipient",
    21612: "Message cannot be sent with the current combination of 'To' ({to}) and 'From' parameters",
    21614: "'To' number is not a valid mobile number: {to}",
    21617: f"The concatenated message body exceeds the {MOST_CHARACTERS} character limit",
}


class Sms(NamedTuple):
    """What the answer repeats of the request."""

    account: str
    to: str
    sender: str
    service: str
    body: str


class Twilio:
    """Needs basic authentication; a password that ends with `revoked` is answered 401.

    The delivery id is the query parameter `delivery` of the StatusCallback.
    """

    name = "twilio"

    def read(self, request: Request) -> Asked | Refused:
        path = _PATH(request.path)
        if path is None or request.method != b"POST":
            return Refused(_error(404, 20404))
        if request.oversize:
            return Refused(_error(413, 21617))
        if not _authentic(request.headers.get(b"authorization", b"")):
            return Refused(_error(401, 20003)._replace(headers=b'WWW-Authenticate: Basic realm="Twilio API"\r\n'))
        form = dict(_pairs(request.body))
        text = {name: _text(form.get(name, b"")) for name in (b"To", b"From", b"MessagingServiceSid", b"Body", b"StatusCallback")}
        sms = Sms(_text(path[1]), text[b"To"], text[b"From"], text[b"MessagingServiceSid"], text[b"Body"])
        target = Target(_delivery(text[b"StatusCallback"]), sms.to)
        code = _problem(sms, b"MediaUrl" in form or b"ContentSid" in form)
        if code:
            return Refused(_error(400, code, sms.to), [target])
        return Asked((target,), script_of_number(sms.to), sms)

    def reply(self, details: Sms, script: Script, moment: Moment) -> Reply:
        if script.act is Act.ACCEPT:
            return Reply(201, _created(details, moment))
        status, code = _CODES[script.act]
        return _error(status, script.code or code, details.to)


def _authentic(authorization: bytes) -> bool:
    if not authorization.startswith(b"Basic "):
        return False
    try:
        user, _, password = base64.b64decode(authorization[6:], validate=True).partition(b":")
    except binascii.Error:
        return False
    return bool(user and password) and not password.endswith(b"revoked")


def _pairs(form: bytes) -> list[tuple[bytes, bytes]]:
    parts = (pair.partition(b"=") for pair in form.split(b"&"))
    return [(name, value) for name, _, value in parts]


def _text(value: bytes) -> str:
    return unquote_to_bytes(value.replace(b"+", b" ")).decode("utf-8", "replace")


def _delivery(callback: str) -> str:
    query = callback.partition("#")[0].partition("?")[2]
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name == "delivery":
            return value
    return ""


def _problem(sms: Sms, has_other_content: bool) -> int:
    if not sms.to:
        return 21604
    if not _NUMBER(sms.to):
        return 21211
    if not sms.sender and not sms.service:
        return 21603
    if not sms.body and not has_other_content:
        return 21602
    return 21617 if len(sms.body) > MOST_CHARACTERS else 0


def _error(status: int, code: int, to: str = "") -> Reply:
    message = _MESSAGES[code].format(to=to)
    return Reply(status, msgspec.json.encode({"code": code, "message": message, "more_info": f"{_MORE}{code}", "status": status}))


def _created(sms: Sms, moment: Moment) -> bytes:
    sid = f"SM{moment.number:032x}"
    date = moment.date.decode().replace("GMT", "+0000")
    uri = f"/2010-04-01/Accounts/{sms.account}/Messages/{sid}"
    message: dict[str, Any] = {
        "account_sid": sms.account,
        "api_version": "2010-04-01",
        "body": sms.body,
        "date_created": date,
        "date_sent": None,
        "date_updated": date,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": sms.sender or None,
        "messaging_service_sid": sms.service or None,
        "num_media": "0",
        # the service picks the sender later, and counts then
        "num_segments": "0" if sms.service else str(segments(sms.body)),
        "price": None,
        "price_unit": None,
        "sid": sid,
        "status": "accepted" if sms.service else "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": sms.to,
        "uri": f"{uri}.json",
    }
    return msgspec.json.encode(message)
