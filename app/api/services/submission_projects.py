"""Whose a submission is: its ids as they are stored, and those that the default project may not name; pure."""

import msgspec

from app.api.principal import Principal
from schemas.notification import MAX_NAME, MAX_USER_ID, Submission
from schemas.projects import is_reserved, qualify

RESERVED = "what begins with @ belongs to another project"
TOO_LONG = "is too long with the project, `@<project>/`, before it"


def qualify_submission(project: str, submission: Submission) -> Submission:
    """A submission of a project as it is stored: its user, rule and template are the project's."""
    if not project:
        return submission
    template = qualify(project, submission.template) if submission.template else submission.template
    return msgspec.structs.replace(
        submission, user_id=qualify(project, submission.user_id), type=qualify(project, submission.type), template=template
    )


def find_reserved_field(submission: Submission) -> str:
    """The field that names what can only be another project's; empty if none does."""
    if is_reserved(submission.user_id):
        return "user_id"
    if is_reserved(submission.type):
        return "type"
    return "template" if submission.template and is_reserved(submission.template) else ""


def find_long_field(submission: Submission) -> str:
    """The field that is too long with its project, as the router would find; empty if none is."""
    if len(submission.user_id) > MAX_USER_ID:
        return "user_id"
    if len(submission.type) > MAX_NAME:
        return "type"
    return "template" if len(submission.template or "") > MAX_NAME else ""


def qualify_key(key: str, principal: Principal) -> str:
    """An Idempotency-Key as it is stored: no project and no test gets the response of another one."""
    if not principal.project and not principal.is_test:
        return key
    return f"\0{principal.project}\0{'test' if principal.is_test else ''}\0{key}"
