"""SendGrid's v3 mail/send (docs.sendgrid.com/api-reference/mail-send): 202, or errors with message, field and help."""

import re
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from dev.simulators.callback_script import DEFAULT_SCRIPT
from dev.simulators.contracts.loader import build_request_type, load_contract
from dev.simulators.contracts.sendgrid_rules import find_broken_rule, is_sandboxed
from dev.simulators.invalid_field import parse_validation_error
from dev.simulators.protocol import (
    DeliveryTarget,
    InvalidRequest,
    ResponseContext,
    ServerRequest,
    ServerResponse,
    ValidRequest,
    build_retry_after_header,
    has_content_type,
    is_bearer_valid,
)
from dev.simulators.stubs import DEFAULT_STUB, Stub, StubResponse, match_stub
from schemas.ports import Clock

_HELP_URL = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."
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


class SendGridRequestDetails(NamedTuple):
    """An accepted mail, and the number of the personalization whose address selects the stub."""

    mail: Any
    personalization: int


_RATE_LIMIT_HEADERS = b"X-RateLimit-Limit: 600\r\nX-RateLimit-Remaining: 0\r\n"
_ACCEPTING_RESPONSES = (StubResponse.ACCEPT, StubResponse.UNSUBSCRIBED)
_decode = msgspec.json.Decoder(build_request_type(load_contract("sendgrid_send"))).decode


class SendGridSimulator:
    """Simulates SendGrid. It requires `Authorization: Bearer`; a key that ends with `revoked` gets 401.

    The delivery id is `custom_args.delivery_id` of each personalization.
    """

    name = "sendgrid"
    path_prefix = b"/v3/mail/send"

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock

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
        if not has_content_type(request, b"application/json"):
            return InvalidRequest(_build_error(415, None, "Content-Type should be application/json."))
        try:
            mail = _decode(request.body)
        except msgspec.ValidationError as error:
            return InvalidRequest(_build_validation_error(str(error)))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return InvalidRequest(_build_error(400, None, "Bad Request"))
        targets = [_build_delivery_target(personalization) for personalization in mail.personalizations]
        broken_rule = find_broken_rule(mail, len(request.body), self._clock)
        if broken_rule:
            return InvalidRequest(_build_error(400, broken_rule.field_path, broken_rule.message), targets)
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
            if is_sandboxed(details.mail):
                return ServerResponse(200)
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


def _build_delivery_target(personalization: Any) -> DeliveryTarget:
    return DeliveryTarget(personalization.custom_args.get("delivery_id", ""), personalization.to[0].email)


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
