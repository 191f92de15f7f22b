"""SendGrid's v3 mail/send (docs.sendgrid.com/api-reference/mail-send): 202, or errors with message, field and help."""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from twins.misfits import misfit_of
from twins.scripts import Act, Script, script_of
from twins.values import Asked, Moment, Refused, Reply, Request, Target

PATH = b"/v3/mail/send"
MOST_RECIPIENTS = 1000
_HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."
_Email = Annotated[str, Meta(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$")]
_Text = Annotated[str, Meta(min_length=1)]
_NO_ADDRESS = "Does not contain a valid address."
_MESSAGES = {
    "personalizations": "The personalizations field is required and must have at least one personalization.",
    "personalizations.to": "The to array is required for all personalization objects, and must have at least one email object.",
    "personalizations.to.email": _NO_ADDRESS,
    "personalizations.cc.email": _NO_ADDRESS,
    "personalizations.bcc.email": _NO_ADDRESS,
    "from": "The from object must be provided for every email send. It is an object that requires the email parameter.",
    "from.email": "The from email does not contain a valid address.",
    "content": "Unless a valid template_id is provided, the content parameter is required, with at least one defined content block.",
    "content.type": "The content type must be a string at least one character in length.",
    "content.value": "The content value must be a string at least one character in length.",
}
_NO_SUBJECT = (
    "The subject is required. You can get around this requirement if you use a template with a subject defined or if every"
    " personalization has a subject defined."
)
_REPEATED = "Each email address in the personalization block should be unique between to, cc, and bcc."


class Address(Struct, gc=False):
    email: _Email


class Personalization(Struct):
    to: Annotated[list[Address], Meta(min_length=1)]
    cc: list[Address] = []
    bcc: list[Address] = []
    subject: str = ""
    custom_args: dict[str, str] = {}


class Content(Struct, gc=False):
    type: _Text
    value: _Text


class Mail(Struct):
    personalizations: Annotated[list[Personalization], Meta(min_length=1)]
    sender: Address = field(name="from")
    subject: str = ""
    content: list[Content] = []
    template_id: str = ""


_ACCEPTED = (Act.ACCEPT, Act.UNSUBSCRIBED)
_decode = msgspec.json.Decoder(Mail).decode


class SendGrid:
    """Needs `Authorization: Bearer`; a key that ends with `revoked` is answered 401. The delivery id is custom_args.delivery_id."""

    name = "sendgrid"

    def read(self, request: Request) -> Asked | Refused:
        if request.oversize:
            return Refused(_error(413, None, "Payload Too Large"))
        if request.method != b"POST":
            return Refused(_error(405, None, "method not allowed"))
        authorization = request.headers.get(b"authorization", b"")
        if not authorization.startswith(b"Bearer ") or authorization.endswith(b"revoked"):
            return Refused(_error(401, None, "The provided authorization grant is invalid, expired, or revoked"))
        try:
            mail = _decode(request.body)
        except msgspec.ValidationError as error:
            return Refused(_misfit(str(error)))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Refused(_error(400, None, "Bad Request"))
        targets = [_target(one) for one in mail.personalizations]
        problem = _problem(mail)
        return Refused(problem, targets) if problem else Asked(targets, script_of(targets[0].address))

    def reply(self, details: None, script: Script, moment: Moment) -> Reply:
        # who has unsubscribed is accepted like anyone: SendGrid drops the mail afterwards and says so in an event
        if script.act in _ACCEPTED:
            return Reply(202, b"", b"X-Message-Id: %x\r\n" % moment.number)
        if script.act is Act.BOUNCE:
            return _error(400, "personalizations.0.to.0.email", _NO_ADDRESS)
        if script.act is Act.REJECT:
            return _error(400, "content.0.value", _MESSAGES["content.value"])
        if script.act is Act.THROTTLE:
            limits = b"X-RateLimit-Limit: 600\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: %d\r\n" % (int(moment.now) + 1)
            return _error(429, None, "too many requests")._replace(headers=limits)
        return _error(500, None, "Internal Server Error")


def _target(personalization: Personalization) -> Target:
    return Target(personalization.custom_args.get("delivery_id", ""), personalization.to[0].email)


def _problem(mail: Mail) -> Reply | None:
    if not mail.template_id:
        if not mail.content:
            return _error(400, "content", _MESSAGES["content"])
        if not mail.subject and not all(one.subject for one in mail.personalizations):
            return _error(400, "subject", _NO_SUBJECT)
    for number, one in enumerate(mail.personalizations):
        if len(one.to) > 1 or one.cc or one.bcc:
            recipients = [address.email.lower() for address in (*one.to, *one.cc, *one.bcc)]
            if len(recipients) > MOST_RECIPIENTS:
                return _error(400, f"personalizations.{number}", f"There are more than {MOST_RECIPIENTS} recipients in to, cc and bcc.")
            if len(set(recipients)) != len(recipients):
                return _error(400, f"personalizations.{number}", _REPEATED)
    return None


def _misfit(problem: str) -> Reply:
    misfit = misfit_of(problem)
    where = re.sub(r"\[(\d+)\]", r".\1", misfit.place)
    return _error(400, where or None, _MESSAGES.get(_kind(where), misfit.problem))


def _kind(where: str) -> str:
    return re.sub(r"\.\d+", "", where)


def _error(status: int, where: str | None, message: str) -> Reply:
    error: dict[str, Any] = {"message": message, "field": where, "help": _HELP + _kind(where) if where else None}
    return Reply(status, msgspec.json.encode({"errors": [error]}))
