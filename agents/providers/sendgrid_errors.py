"""What SendGrid's answers other than 202 and 429 mean, for one e-mail and for several in one call.

Source: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors. One bad personalization fails the whole call with a 400, which
names its field: `personalizations.3.to.0.email`.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from agents.providers.response import build_account_fault, describe_rejected_fields
from schemas.enums import Outcome, Reason
from schemas.errors import DECODE_ERRORS
from schemas.http import HttpResponse
from schemas.outcome import AttemptResult, BatchResult

HTTP_STATUSES: dict[int, AttemptResult] = {
    # https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/responses (401: requires authentication; 403: the
    # sender is not a verified identity, or the account is blocked for a time); https://www.twilio.com/docs/api/errors/60604 (key scopes)
    401: build_account_fault(401, "the API key is wrong or may not send, or the credits are exhausted: check providers.sendgrid.api_key"),
    403: build_account_fault(403, "the sender is not verified, the API key may not send, or the account is blocked"),
    # tsg_mail_v3, responses of POST /v3/mail/send: the URL of the settings is not SendGrid's API
    404: build_account_fault(404, "no such API: check providers.sendgrid.url"),
    405: build_account_fault(405, "no such API: check providers.sendgrid.url"),
    413: AttemptResult(Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, 413, detail="the message is too large"),
}

SHARED_FIELDS: Final = frozenset({"from", "content", "template_id", "attachments", "categories", "reply_to", "mail_settings"})
"""What a call has once: if one of these is rejected, each of its e-mails would be."""

_match_personalization = re.compile(r"personalizations\.([0-9]{1,4})(?:\.|$)").match


class _ErrorItem(Struct):
    field: str | None = None


class _ErrorResponse(Struct):
    errors: list[_ErrorItem] = []


_error_decoder = msgspec.json.Decoder(_ErrorResponse)


def parse_bad_request(body: bytes) -> AttemptResult:
    """The result of a 400 for one e-mail."""
    return _build_rejection(_read_rejected_fields(body), 0)


def parse_batch_rejection(response: HttpResponse, count: int) -> BatchResult:
    """What follows from a 400 or 413 for `count` e-mails: those that are named are rejected; if none is, they are split."""
    if response.status_code == 413:
        return BatchResult(HTTP_STATUSES[413], is_split=True)
    fields = _read_rejected_fields(response.body)
    named = {int(match[1]) for field in fields if (match := _match_personalization(field))}
    result = _build_rejection([field for field in fields if not _match_personalization(field)], 0)
    if rejected := {number: _build_rejection(fields, number) for number in sorted(named) if number < count}:
        return BatchResult(result, rejected)
    is_shared = bool(fields) and all(field.partition(".")[0] in SHARED_FIELDS for field in fields)
    return BatchResult(result, is_split=not is_shared)


def _build_rejection(fields: Sequence[str], number: int) -> AttemptResult:
    """The result of the e-mail with this number in its call."""
    own = f"personalizations.{number}."
    if any(field.startswith(f"{own}to") for field in fields):
        return AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, 400, detail="the address was rejected")
    others = [field for field in fields if field.startswith(own) or not _match_personalization(field)]
    detail = describe_rejected_fields("SendGrid", others)
    return AttemptResult(Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, 400, detail=detail)


def _read_rejected_fields(body: bytes) -> list[str]:
    try:
        return [error.field or "" for error in _error_decoder.decode(body).errors]
    except DECODE_ERRORS:
        return []
