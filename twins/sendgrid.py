"""SendGrid's v3 mail/send (docs.sendgrid.com/api-reference/mail-send): 202, or errors with message, field and help."""

import re
from typing import Any

import msgspec
from msgspec import Struct, field

from twins.scripts import Act, Script, script_of
from twins.values import Asked, Moment, Refused, Reply, Request, Target

PATH = b"/v3/mail/send"
MOST_RECIPIENTS = 1000
_HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."
_ADDRESS = re.compile(r"[^@\s<>,]+@[^@\s<>,]+").fullmatch
_PLACE = re.compile(r"(.*) - at `\$\.?(.*)`").fullmatch


class Address(Struct, gc=False):
    email: str = ""


class Personalization(Struct):
    to: list[Address] = []
    cc: list[Address] = []
    bcc: list[Address] = []
    subject: str = ""
    custom_args: dict[str, str] = {}


class Content(Struct, gc=False):
    type: str = ""
    value: str = ""


class Mail(Struct):
    personalizations: list[Personalization] = []
    sender: Address | None = field(name="from", default=None)
    subject: str = ""
    content: list[Content] = []
    template_id: str = ""


_decode = msgspec.json.Decoder(Mail).decode


class Problem(Exception):
    """What is wrong with a mail, and in which field."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.where = where


class SendGrid:
    """Needs `Authorization: Bearer`; a key that ends with `revoked` is answered 401. The delivery id is custom_args.delivery_id."""

    name = "sendgrid"

    def read(self, request: Request) -> Asked | Refused:
        if request.oversize:
            return _refused(413, None, "Payload Too Large")
        if request.method != b"POST":
            return _refused(405, None, "method not allowed")
        authorization = request.headers.get(b"authorization", b"")
        if not authorization.startswith(b"Bearer ") or authorization.endswith(b"revoked"):
            return _refused(401, None, "The provided authorization grant is invalid, expired, or revoked")
        try:
            mail = _decode(request.body)
        except msgspec.ValidationError as error:
            place = _PLACE(str(error))
            where = re.sub(r"\[(\d+)\]", r".\1", place[2]) if place else None
            return _refused(400, where, place[1] if place else str(error))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _refused(400, None, "Bad Request")
        targets = [_target(personalization) for personalization in mail.personalizations]
        try:
            _check(mail)
        except Problem as problem:
            return _refused(400, problem.where, str(problem), targets)
        return Asked(targets, script_of(targets[0].address))

    def reply(self, details: None, script: Script, moment: Moment) -> Reply:
        act = script.act
        if act is Act.BOUNCE:
            return _error(400, "personalizations.0.to.0.email", "Does not contain a valid address.")
        if act is Act.REJECT:
            return _error(400, "content.0.value", "The content value must be a string at least one character in length.")
        if act is Act.FAIL:
            return _error(500, None, "Internal Server Error")
        if act is Act.THROTTLE:
            limits = b"X-RateLimit-Limit: 600\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: %d\r\n" % (int(moment.now) + 1)
            return _error(429, None, "too many requests")._replace(headers=limits)
        # who has unsubscribed is accepted like anyone: SendGrid drops the mail afterwards and says so in an event
        return Reply(202, headers=b"X-Message-Id: %b\r\n" % moment.serial.encode(), content_type=b"")


def _target(personalization: Personalization) -> Target:
    address = personalization.to[0].email if personalization.to else ""
    return Target(personalization.custom_args.get("delivery_id", ""), address)


def _check(mail: Mail) -> None:
    if not mail.personalizations:
        raise Problem("personalizations", "The personalizations field is required and must have at least one personalization.")
    if mail.sender is None or not _ADDRESS(mail.sender.email):
        raise Problem("from.email", "The from email does not contain a valid address.")
    for number, personalization in enumerate(mail.personalizations):
        _check_recipients(f"personalizations.{number}", personalization)
    if not mail.template_id:
        _check_content(mail)


def _check_recipients(where: str, personalization: Personalization) -> None:
    if not personalization.to:
        raise Problem(f"{where}.to", "The to array is required for all personalization objects, and must have at least one email object.")
    for kind in ("to", "cc", "bcc"):
        for number, address in enumerate(getattr(personalization, kind)):
            if not _ADDRESS(address.email):
                raise Problem(f"{where}.{kind}.{number}.email", "Does not contain a valid address.")
    if not personalization.cc and not personalization.bcc and len(personalization.to) == 1:
        return
    recipients = [address.email.lower() for address in (*personalization.to, *personalization.cc, *personalization.bcc)]
    if len(recipients) > MOST_RECIPIENTS:
        raise Problem(where, f"There are too many recipients: at most {MOST_RECIPIENTS} in to, cc and bcc.")
    if len(set(recipients)) != len(recipients):
        message = "Each email address in the personalization block should be unique between to, cc, and bcc."
        raise Problem(where, message)


def _check_content(mail: Mail) -> None:
    if not mail.subject and not all(personalization.subject for personalization in mail.personalizations):
        message = "The subject is required. You can get around this requirement if you use a template with a subject defined"
        raise Problem("subject", f"{message} or if every personalization has a subject defined.")
    if not mail.content:
        message = "Unless a valid template_id is provided, the content parameter is required."
        raise Problem("content", f"{message} There must be at least one defined content block.")
    for number, content in enumerate(mail.content):
        for part in ("type", "value"):
            if not getattr(content, part):
                message = f"The content {part} must be a string at least one character in length."
                raise Problem(f"content.{number}.{part}", message)


def _error(status: int, where: str | None, message: str) -> Reply:
    anchor = re.sub(r"\.\d+", "", where) if where else ""
    error: dict[str, Any] = {"message": message, "field": where, "help": _HELP + anchor if where else None}
    return Reply(status, msgspec.json.encode({"errors": [error]}))


def _refused(status: int, where: str | None, message: str, targets: list[Target] | None = None) -> Refused:
    return Refused(_error(status, where, message), targets or [Target("", "")])
