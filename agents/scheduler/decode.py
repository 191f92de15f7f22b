"""Decodes records of `scheduled.<priority>` and validates what is in them."""

from collections.abc import Container
from typing import NamedTuple

import msgspec

from schemas.enums import Reason
from schemas.errors import DECODE_ERRORS
from schemas.json_errors import describe_decode_error
from schemas.ports import Record
from schemas.scheduled import Cancel, Reschedule, Scheduled, ScheduledRecord
from schemas.timestamps import explain_implausible, is_plausible

_MAX_RESUME_COUNT = 2**32 - 2  # a reschedule adds one, and the table has 32 bits
_decode = msgspec.json.Decoder(ScheduledRecord).decode


class DecodeFailure(NamedTuple):
    """Why a record is a dead letter, with the ids that are known."""

    reason: Reason
    error: str
    entry_id: str = ""
    user_id: str = ""


def decode_record(record: Record, target_topics: Container[str]) -> Scheduled | Cancel | Reschedule | DecodeFailure:
    """The value of a record; an entry may only be released to one of these topics."""
    if record.value is None:
        return DecodeFailure(Reason.NULL_VALUE, "the record has no value")
    try:
        value = _decode(record.value)
    except DECODE_ERRORS as error:
        reason = Reason.INVALID if isinstance(error, msgspec.ValidationError) else Reason.UNDECODABLE
        return DecodeFailure(reason, str(describe_decode_error(error, record.value)))
    problem = _find_problem(value, target_topics)
    return DecodeFailure(Reason.INVALID, problem, value.id, value.user_id) if problem else value


def _find_problem(value: Scheduled | Cancel | Reschedule, target_topics: Container[str]) -> str:
    """What is wrong with a value, and where; empty if it is valid."""
    for name in ("id", "user_id"):
        text = getattr(value, name)
        if not text or "\0" in text:
            return f"an id cannot be empty or contain the character NUL - at $.{name}"
    if isinstance(value, Cancel):
        return ""
    if not is_plausible(value.due_at):
        return f"{explain_implausible(value.due_at)} - at $.due_at"
    if isinstance(value, Reschedule):
        return ""
    if value.target_topic not in target_topics:
        return f"the scheduler does not write to {value.target_topic!r} - at $.target_topic"
    if not 0 <= value.resume_count <= _MAX_RESUME_COUNT:
        return f"must be at least 0 and at most {_MAX_RESUME_COUNT} - at $.resume_count"
    return ""
