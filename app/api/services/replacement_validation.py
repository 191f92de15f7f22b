"""Validates the value that replaces that of a dead notification, as a submission is validated; pure."""

import msgspec
from msgspec import UNSET

from agents.redrives.judge import read_test_flag
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.services.policy_validation import PolicyValidator
from app.api.services.submission_validation import decode_submission, find_field_error
from schemas.dead_letters import DeadLetterContent
from schemas.ids import is_id
from schemas.json_errors import BYTE_ORDER_MARK
from schemas.notification import Submission
from schemas.record_size import compute_batch_size
from schemas.redrives import Replacement
from schemas.sealed_records import is_sealed_record, seal_notification
from schemas.sealing import Sealer
from schemas.topics import MAX_NOTIFICATION_BYTES

HEADER_BYTES = 1024  # room for the headers of a redriven record
_encode = msgspec.json.Encoder().encode


def build_replacement(body: bytes, content: DeadLetterContent, policy_validator: PolicyValidator | None, now: float) -> Submission:
    """The submission in a body, with the id that the notification has already; that of a test is a test.

    Raises ProblemError with the path of the invalid field, or if nobody can tell whether what it replaces is a test.
    """
    stored, submission = content.stored, decode_submission(body.removeprefix(BYTE_ORDER_MARK))
    if submission.id not in (None, stored.notification_id):
        error = build_field_error("$.id", f"it is {stored.notification_id}: leave it out")
        raise ProblemError(build_validation_problem([error]))
    is_test = _is_test(content)
    # without the id: its time may be days ago, and the router knows that of a redriven one
    notification = msgspec.structs.replace(submission, id=None, priority=UNSET, is_test=is_test or submission.is_test)
    if found := find_field_error(notification, _encode(notification), policy_validator, now):
        raise ProblemError(build_validation_problem([found]))
    return msgspec.structs.replace(
        notification, id=stored.notification_id if is_id(stored.notification_id) else None, priority=submission.priority
    )


def encode_replacement(submission: Submission, sealer: Sealer | None) -> Replacement:
    """The value of the record, sealed if there is a sealer. Raises ProblemError if it is too large."""
    notification = msgspec.structs.replace(submission, priority=UNSET)
    value = _encode(notification if sealer is None else seal_notification(notification, sealer, notification.id or ""))
    if compute_batch_size(notification.user_id.encode(), value, ()) > MAX_NOTIFICATION_BYTES - HEADER_BYTES:
        limit = MAX_NOTIFICATION_BYTES - HEADER_BYTES
        raise ProblemError(build_problem("too-large", f"{len(value)} bytes do not fit into a record of {limit} bytes"))
    return Replacement(value, None if submission.priority is UNSET else submission.priority)


def _is_test(content: DeadLetterContent) -> bool:
    """Whether a dead notification is a test, which must not become a live one. Of bytes that are nothing, nobody says so."""
    value = content.value or b""
    is_test = read_test_flag(value)
    if is_test is None and (content.stored.is_truncated or is_sealed_record(value)):
        why = "its bytes are cut" if content.stored.is_truncated else "it cannot be opened"
        raise ProblemError(build_problem("conflict", f"{why}, so nobody can tell whether it is a test: submit the notification anew"))
    return bool(is_test)
