"""From a request's bytes to notifications that the router will take, or to what is wrong with them; pure."""

from typing import Final

import msgspec
from msgspec import UNSET

from agents.router.gates.decode import find_problem
from app.api.problems import FieldError, ProblemDetails, ProblemError, build_field_error, build_problem, to_field_error
from app.api.services.policy_validation import PolicyValidator
from schemas.enums import Priority
from schemas.errors import DECODE_ERRORS
from schemas.notification import Submission

MAX_BULK_SIZE: Final = 1000
MAX_LISTED_ERRORS: Final = 3  # in the sentence; the list has them all
DEFAULT_PRIORITY: Final[Priority] = "medium"


class BulkSubmission(msgspec.Struct, frozen=True):
    """The body of a bulk request that is not a plain array."""

    notifications: list[Submission]


class RawBulkSubmission(msgspec.Struct, frozen=True):
    """The same, its items not yet read."""

    notifications: list[msgspec.Raw]


_decode_json = msgspec.json.Decoder(Submission).decode
_decode_array = msgspec.json.Decoder(list[Submission]).decode
_decode_object = msgspec.json.Decoder(BulkSubmission).decode
_decode_raw_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_raw_object = msgspec.json.Decoder(RawBulkSubmission).decode


def decode_submission(body: bytes) -> Submission:
    """The notification in a request. Raises ProblemFound with the place of what is wrong."""
    try:
        return _decode_json(body)
    except DECODE_ERRORS as error:
        raise ProblemError(build_validation_problem([to_field_error(error)])) from None


def decode_bulk(body: bytes) -> tuple[str, list[Submission | FieldError]]:
    """The JSONPath of the array in a bulk request and its notifications; one that cannot be read is its flaw.

    Raises ProblemFound if the whole cannot be read.
    """
    wrapped = body.lstrip()[:1] == b"{"
    try:
        items: list[Submission | FieldError] = [*(_decode_object(body).notifications if wrapped else _decode_array(body))]
    except DECODE_ERRORS:
        items = _decode_items(body, wrapped)
    if not 1 <= len(items) <= MAX_BULK_SIZE:
        raise ProblemError(
            build_validation_problem(
                [build_field_error("$", f"a bulk request has 1 to {MAX_BULK_SIZE} notifications, this one has {len(items)}")]
            )
        )
    return "$.notifications" if wrapped else "$", items


def _decode_items(body: bytes, wrapped: bool) -> list[Submission | FieldError]:
    try:
        raws = _decode_raw_object(body).notifications if wrapped else _decode_raw_array(body)
    except DECODE_ERRORS as error:
        raise ProblemError(build_validation_problem([to_field_error(error)])) from None
    return [_decode_item(raw) for raw in raws]


def _decode_item(raw: msgspec.Raw) -> Submission | FieldError:
    try:
        return _decode_json(raw)
    except DECODE_ERRORS as error:
        return to_field_error(error)


def find_field_error(submission: Submission, value: bytes, policy_validator: PolicyValidator | None, now: float) -> FieldError | None:
    """Why the router would not take this notification, as far as it can be told before; `value` is its JSON, `now` in epoch seconds."""
    if found := find_problem(submission, now, now, value):
        reason, path, text = found
        return build_field_error(path, text, reason)
    return policy_validator.find_field_error(submission) if policy_validator else None


def resolve_priority(submission: Submission, policy_validator: PolicyValidator | None) -> Priority:
    """The priority, or the priority of the rule for the type, or medium."""
    if submission.priority is not UNSET:
        return submission.priority
    return (policy_validator.get_priority(submission.type) if policy_validator else None) or DEFAULT_PRIORITY


def build_validation_problem(errors: list[FieldError]) -> ProblemDetails:
    """The problem of a request with these flaws."""
    told = "; ".join(f"{flaw.path}: {flaw.detail}" for flaw in errors[:MAX_LISTED_ERRORS])
    rest = len(errors) - MAX_LISTED_ERRORS
    return build_problem("invalid", f"{told}; and {rest} more" if rest > 0 else told, errors)
