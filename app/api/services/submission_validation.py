"""Decodes and validates submissions as the router does; pure."""

import json
from typing import Any, Final

import msgspec
from msgspec import UNSET

from agents.router.gates.decode import find_problem
from agents.router.gates.recipient import INVALID_ADDRESS, get_explicit_addresses
from agents.router.gates.schedule import EXPIRES_BEFORE_SEND_AT
from app.api.problems import FieldError, ProblemError, build_field_error, build_validation_problem, to_field_error
from app.api.services.policy_validation import PolicyValidator
from schemas.addresses import NORMALIZERS, InvalidAddress
from schemas.channels import CHANNEL_NAMES
from schemas.enums import Priority, Reason
from schemas.errors import DECODE_ERRORS
from schemas.json_errors import find_half_pair, load_with_half_pairs
from schemas.notification import Notification, Submission
from schemas.timestamps import to_epoch_seconds

MAX_BULK_SIZE: Final = 1000
DEFAULT_PRIORITY: Final[Priority] = "medium"


class BulkSubmission(msgspec.Struct, frozen=True):
    """The body of a bulk request that is an object instead of an array."""

    notifications: list[Submission]


class RawBulkSubmission(msgspec.Struct, frozen=True):
    """A BulkSubmission with its items undecoded."""

    notifications: list[msgspec.Raw]


_decode_json = msgspec.json.Decoder(Submission).decode
_decode_array = msgspec.json.Decoder(list[Submission]).decode
_decode_object = msgspec.json.Decoder(BulkSubmission).decode
_decode_raw_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_raw_object = msgspec.json.Decoder(RawBulkSubmission).decode


def decode_submission(body: bytes) -> Submission:
    """The notification in a request body. Raises ProblemError with the path of the invalid field."""
    try:
        return _decode_json(body)
    except DECODE_ERRORS as error:
        raise ProblemError(build_validation_problem([to_field_error(error, body)])) from None


def decode_bulk(body: bytes) -> tuple[str, list[Submission | FieldError]]:
    """The JSONPath of the array in a bulk request, and for each item the notification or its field error.

    Raises ProblemError if the body as a whole is invalid.
    """
    wrapped = body.lstrip()[:1] == b"{"
    try:
        items: list[Submission | FieldError] = [*(_decode_object(body).notifications if wrapped else _decode_array(body))]
    except DECODE_ERRORS:
        items = _decode_items(body, wrapped)
    _check_count(len(items))
    return "$.notifications" if wrapped else "$", items


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_BULK_SIZE:
        detail = f"a bulk request has 1 to {MAX_BULK_SIZE} notifications, this one has {count}"
        raise ProblemError(build_validation_problem([build_field_error("$", detail)]))


def _decode_items(body: bytes, wrapped: bool) -> list[Submission | FieldError]:
    try:
        raws = _decode_raw_object(body).notifications if wrapped else _decode_raw_array(body)
    except DECODE_ERRORS as error:
        if find_half_pair(error, body) and (values := _load_values(body, wrapped)):
            _check_count(len(values))
            return [_decode_item(json.dumps(value).encode()) for value in values]
        raise ProblemError(build_validation_problem([to_field_error(error, body)])) from None
    _check_count(len(raws))  # before each is decoded, and its error described: a million take seconds
    return [_decode_item(bytes(raw)) for raw in raws]


def _load_values(body: bytes, wrapped: bool) -> list[Any]:
    """The items of a body in which some have half surrogate pairs, which msgspec does not even skip; empty if more is wrong with it."""
    try:
        value = load_with_half_pairs(body)
    except (ValueError, RecursionError):
        return []
    items = value.get("notifications") if wrapped else value
    return items if isinstance(items, list) else []


def _decode_item(item: bytes) -> Submission | FieldError:
    try:
        return _decode_json(item)
    except DECODE_ERRORS as error:
        return to_field_error(error, item)


def find_field_error(submission: Submission, value: bytes, policy_validator: PolicyValidator | None, now: float) -> FieldError | None:
    """The first field error by which the router would reject it, None if none is known; `value` is its JSON, `now` in epoch seconds."""
    if problem := find_problem(submission, now, value):
        reason, path, text = problem
        return build_field_error(path, text, reason)
    if error := _find_expiry_error(submission, now):
        return error
    if error := find_address_error(submission):
        return error
    return policy_validator.find_field_error(submission) if policy_validator else None


def _find_expiry_error(submission: Submission, now: float) -> FieldError | None:
    if submission.expires_at is None:
        return None
    expires_at = to_epoch_seconds(submission.expires_at)
    if expires_at <= now:
        return build_field_error("$.expires_at", "it has expired already: leave it out, or give a time in the future", Reason.EXPIRED)
    if submission.send_at is not None and expires_at <= to_epoch_seconds(submission.send_at):
        return build_field_error("$.expires_at", "it is before send_at: leave it out, or give a later time", EXPIRES_BEFORE_SEND_AT)
    return None


def find_address_error(notification: Notification) -> FieldError | None:
    """The field error of the first address in the notification that is not valid; None if there is none."""
    for channel in CHANNEL_NAMES:
        given = notification.to.get(channel)
        for index, text in enumerate(get_explicit_addresses(notification, channel)):
            address = NORMALIZERS[channel](text)
            if isinstance(address, InvalidAddress):
                path = "$.user_id" if given is None else f"$.to.{channel}" if isinstance(given, str) else f"$.to.{channel}[{index}]"
                return build_field_error(path, address.problem, INVALID_ADDRESS)
    return None


def resolve_priority(submission: Submission, policy_validator: PolicyValidator | None) -> Priority:
    """The priority of the submission, else of the rule for its type, else medium."""
    if submission.priority is not UNSET:
        return submission.priority
    return (policy_validator.get_priority(submission.type) if policy_validator else None) or DEFAULT_PRIORITY
