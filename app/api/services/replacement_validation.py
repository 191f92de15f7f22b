"""Validates the value that replaces that of a dead notification, as a submission is validated; pure."""

import msgspec
from msgspec import UNSET

from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.services.policy_validation import PolicyValidator
from app.api.services.submission_validation import decode_submission, find_field_error
from schemas.dead_letters import StoredDeadLetter
from schemas.ids import is_id
from schemas.json_errors import BYTE_ORDER_MARK
from schemas.notification import Submission
from schemas.record_size import compute_batch_size
from schemas.redrives import Replacement
from schemas.topics import MAX_NOTIFICATION_BYTES

HEADER_BYTES = 1024  # room for the headers of a redriven record
_encode = msgspec.json.Encoder().encode


def build_replacement(body: bytes, stored: StoredDeadLetter, policy_validator: PolicyValidator | None, now: float) -> Replacement:
    """The value in a body, with the id that the notification has already. Raises ProblemError with the path of the invalid field."""
    submission = decode_submission(body.removeprefix(BYTE_ORDER_MARK))
    if submission.id not in (None, stored.notification_id):
        error = build_field_error("$.id", f"it is {stored.notification_id}: leave it out")
        raise ProblemError(build_validation_problem([error]))
    # without the id: its time may be days ago, and the router knows that of a redriven one
    notification = _strip(submission)
    if found := find_field_error(notification, _encode(notification), policy_validator, now):
        raise ProblemError(build_validation_problem([found]))
    if is_id(stored.notification_id):
        notification = msgspec.structs.replace(notification, id=stored.notification_id)
    value = _encode(notification)
    if compute_batch_size(submission.user_id.encode(), value, ()) > MAX_NOTIFICATION_BYTES - HEADER_BYTES:
        limit = MAX_NOTIFICATION_BYTES - HEADER_BYTES
        raise ProblemError(build_problem("too-large", f"{len(value)} bytes do not fit into a record of {limit} bytes"))
    return Replacement(value, None if submission.priority is UNSET else submission.priority)


def _strip(submission: Submission) -> Submission:
    return msgspec.structs.replace(submission, id=None, priority=UNSET)
