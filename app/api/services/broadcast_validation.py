"""Validates what a broadcast or a schedule sends as the gateway validates a submission; pure."""

import msgspec

from app.api.problems import FieldError, build_field_error, prefix_path
from app.api.services.policy_validation import PolicyValidator
from app.api.services.submission_validation import find_field_error
from schemas.broadcasts import BroadcastNotification
from schemas.enums import Reason
from schemas.notification import Submission
from schemas.record_size import compute_batch_size
from schemas.topics import MAX_NOTIFICATION_BYTES

PATH = "$.notification"
EXAMPLE_USER = "u"
LONGEST_USER = b"u" * 1024  # 256 characters of four bytes, which are in the key and in the value
ID_BYTES = 64


def find_broadcast_error(notification: BroadcastNotification, policy_validator: PolicyValidator | None, now: float) -> FieldError | None:
    """The first field error by which the router would reject it for every user; None if none is known. `now` in epoch seconds."""
    fields = {name: getattr(notification, name) for name in notification.__struct_fields__}
    submission = Submission(user_id=EXAMPLE_USER, **fields)
    value = msgspec.json.encode(submission)
    if error := find_field_error(submission, value, policy_validator, now):
        return prefix_path(error, PATH)
    size = compute_batch_size(LONGEST_USER, value, ()) + len(LONGEST_USER) + ID_BYTES
    if size > MAX_NOTIFICATION_BYTES:
        text = f"{size} bytes with the id of a user do not fit into a record of {MAX_NOTIFICATION_BYTES} bytes"
        return build_field_error(PATH, text, Reason.TOO_LARGE)
    return None
