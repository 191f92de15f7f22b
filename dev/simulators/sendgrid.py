"""SendGrid's v3 mail/send (docs.sendgrid.com/api-reference/mail-send): 202, or errors with message, field and help."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct, field

from dev.simulators.callback_script import DEFAULT_SCRIPT
from dev.simulators.invalid_field import parse_validation_error
from dev.simulators.protocol import (
    DeliveryTarget,
    InvalidRequest,
    ResponseContext,
    ServerRequest,
    ServerResponse,
    ValidRequest,
    build_retry_after_header,
    is_bearer_valid,
)
from dev.simulators.stubs import DEFAULT_STUB, Stub, StubResponse, match_stub

MAX_RECIPIENTS = 1000
_HELP_URL = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."
_Email = Annotated[str, Meta(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$")]
_Text = Annotated[str, Meta(min_length=1)]
_INVALID_ADDRESS = "Does not contain a valid address."
_ERROR_MESSAGES = {
    "personalizations": "The personalizations field is required and must have at least one personalization.",
    "personalizations.to": "The to array is required for all personalization objects, and must have at least one email object.",
    "personalizations.to.email": _INVALID_ADDRESS,
    "personalizations.cc.email": _INVALID_ADDRESS,
    "personalizations.bcc.email": _INVALID_ADDRESS,
    "from": "The from object must be provided for every email send. It is an object that requires the email parameter.",
    "from.email": "The from email does not contain a valid address.",
    "content": "Unless a valid template_id is provided, the content parameter is required, with at least one defined content block.",
    "template_id": "The template_id must be a valid GUID.",
    "content.type": "The content type must be a string at least one character in length.",
    "content.value": "The content value must be a string at least one character in length.",
}
_MISSING_SUBJECT = (
    "The subject is required. You can get around this requirement if you use a template with a subject defined or if every"
    " personalization has a subject defined."
)
_DUPLICATE_RECIPIENT = "Each email address in the personalization block should be unique between to, cc, and bcc."


class EmailObject(Struct, gc=False):
    email: _Email


class Personalization(Struct):
    to: Annotated[list[EmailObject], Meta(min_length=1)]
    cc: list[EmailObject] = []
    bcc: list[EmailObject] = []
    subject: str = ""
    custom_args: dict[str, str] = {}
    dynamic_template_data: dict[str, Any] = {}


class MailContent(Struct, gc=False):
    type: _Text
    value: _Text


class UnsubscribeGroup(Struct, gc=False):
    group_id: int


class MailSendRequest(Struct):
    personalizations: Annotated[list[Personalization], Meta(min_length=1)]
    from_: EmailObject = field(name="from")
    subject: str = ""
    content: list[MailContent] = []
    template_id: str = ""
    custom_args: dict[str, str] = {}
    categories: list[str] = []
    asm: UnsubscribeGroup | None = None


class SendGridRequestDetails(NamedTuple):
    """An accepted mail, and the number of the personalization whose address selects the stub."""

    mail: MailSendRequest
    personalization: int


# of a dynamic template, or the GUID of a legacy one
_is_template_id = re.compile("d-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_RATE_LIMIT_HEADERS = b"X-RateLimit-Limit: 600\r\nX-RateLimit-Remaining: 0\r\n"
_ACCEPTING_RESPONSES = (StubResponse.ACCEPT, StubResponse.UNSUBSCRIBED)
_decode = msgspec.json.Decoder(MailSendRequest).decode


class SendGridSimulator:
    """Simulates SendGrid. It requires `Authorization: Bearer`; a key that ends with `revoked` gets 401.

    The delivery id is `custom_args.delivery_id` of each personalization.
    """

    name = "sendgrid"
    path_prefix = b"/v3/mail/send"

    def find_stub(self, address: str) -> Stub:
        return match_stub(address)

    def list_accounts(self, request: ServerRequest) -> tuple[str, ...]:
        return (request.headers.get(b"authorization", b"").partition(b" ")[2].decode("latin-1"),)

    def parse_request(self, request: ServerRequest) -> ValidRequest | InvalidRequest:
        if request.path != self.path_prefix:
            return InvalidRequest(_build_error(404, None, "Not Found"))
        if request.oversize:
            return InvalidRequest(_build_error(413, None, "Payload Too Large"))
        if request.method != b"POST":
            return InvalidRequest(_build_error(405, None, "method not allowed"))
        if not is_bearer_valid(request):
            return InvalidRequest(self.build_unauthorized_response())
        try:
            mail = _decode(request.body)
        except msgspec.ValidationError as error:
            return InvalidRequest(_build_validation_error(str(error)))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return InvalidRequest(_build_error(400, None, "Bad Request"))
        targets = [_build_delivery_target(personalization) for personalization in mail.personalizations]
        error_response = _find_error(mail)
        if error_response:
            return InvalidRequest(error_response, targets)
        number, stub = 0, self.find_stub(targets[0].address)
        if len(targets) > 1:
            number, stub = self._select_stub(targets)
        return ValidRequest(targets, stub, SendGridRequestDetails(mail, number))

    def _select_stub(self, targets: Sequence[DeliveryTarget]) -> tuple[int, Stub]:
        """The first stub of a batch that does more than accept: SendGrid refuses a batch for one of its addresses."""
        stubs = [self.find_stub(target.address) for target in targets]
        return next(((number, stub) for number, stub in enumerate(stubs) if _replaces_acceptance(stub)), (0, DEFAULT_STUB))

    def build_unauthorized_response(self) -> ServerResponse:
        return _build_error(401, None, "The provided authorization grant is invalid, expired, or revoked")

    def build_response(self, details: SendGridRequestDetails, stub: Stub, context: ResponseContext) -> ServerResponse:
        # SendGrid accepts mail to unsubscribed recipients, drops it later and reports that in an event webhook
        if stub.response in _ACCEPTING_RESPONSES:
            return ServerResponse(202, b"", b"X-Message-Id: %x\r\n" % context.message_number)
        if stub.response is StubResponse.BOUNCE:
            return _build_error(400, f"personalizations.{details.personalization}.to.0.email", _INVALID_ADDRESS)
        if stub.response is StubResponse.REJECT:
            return _build_error(400, "content.0.value", _ERROR_MESSAGES["content.value"])
        if stub.response is StubResponse.THROTTLE:
            headers = _RATE_LIMIT_HEADERS + _build_reset_header("1" if stub.retry_after is None else stub.retry_after, context.now)
            return _build_error(429, None, "too many requests")._replace(headers=headers)
        return _build_error(stub.status, None, HTTPStatus(stub.status).phrase)._replace(headers=build_retry_after_header(stub))


def _replaces_acceptance(stub: Stub) -> bool:
    return stub.response not in _ACCEPTING_RESPONSES or stub._replace(response=StubResponse.ACCEPT, script=DEFAULT_SCRIPT) != DEFAULT_STUB


def _build_reset_header(retry_after: str, now: float) -> bytes:
    """X-RateLimit-Reset: the epoch second of a number of seconds from now; any other text as it is."""
    if not retry_after:
        return b""
    reset = str(int(now) + int(retry_after)) if retry_after.isdecimal() else retry_after
    return f"X-RateLimit-Reset: {reset}\r\n".encode()


def _build_delivery_target(personalization: Personalization) -> DeliveryTarget:
    return DeliveryTarget(personalization.custom_args.get("delivery_id", ""), personalization.to[0].email)


def _find_error(mail: MailSendRequest) -> ServerResponse | None:
    if mail.template_id and not _is_template_id(mail.template_id):
        return _build_error(400, "template_id", _ERROR_MESSAGES["template_id"])
    if not mail.template_id:
        if not mail.content:
            return _build_error(400, "content", _ERROR_MESSAGES["content"])
        if not mail.subject and not all(personalization.subject for personalization in mail.personalizations):
            return _build_error(400, "subject", _MISSING_SUBJECT)
    for number, personalization in enumerate(mail.personalizations):
        has_more_recipients = len(personalization.to) > 1 or personalization.cc or personalization.bcc
        if has_more_recipients and (problem := _find_recipient_problem(personalization)):
            return _build_error(400, f"personalizations.{number}", problem)
    return None


def _find_recipient_problem(personalization: Personalization) -> str:
    recipients = [recipient.email.lower() for recipient in (*personalization.to, *personalization.cc, *personalization.bcc)]
    if len(recipients) > MAX_RECIPIENTS:
        return f"There are more than {MAX_RECIPIENTS} recipients in to, cc and bcc."
    return "" if len(set(recipients)) == len(recipients) else _DUPLICATE_RECIPIENT


def _build_validation_error(problem: str) -> ServerResponse:
    invalid_field = parse_validation_error(problem)
    field_path = re.sub(r"\[(\d+)\]", r".\1", invalid_field.field_path)
    return _build_error(400, field_path or None, _ERROR_MESSAGES.get(_strip_indexes(field_path), invalid_field.problem))


def _strip_indexes(field_path: str) -> str:
    return re.sub(r"\.\d+", "", field_path)


def _build_error(status: int, field_path: str | None, message: str) -> ServerResponse:
    error: dict[str, Any] = {
        "message": message,
        "field": field_path,
        "help": _HELP_URL + _strip_indexes(field_path) if field_path else None,
    }
    return ServerResponse(status, msgspec.json.encode({"errors": [error]}))
