"""Whose a broadcast, a schedule or a change of members is: its ids as they are stored; pure.

Bodies are qualified after they are decoded, because what they name has to have the form of a name before.
"""

from msgspec.structs import replace

from schemas.audiences import MemberChange
from schemas.broadcasts import BroadcastNotification, BroadcastRequest
from schemas.projects import qualify
from schemas.schedules import ScheduleDefinition


def qualify_broadcast(project: str, request: BroadcastRequest) -> BroadcastRequest:
    """The request of a project as it is stored: its audience, users, rule and template are the project's."""
    if not project:
        return request
    notification = _qualify_notification(project, request.notification)
    audience, user_ids = _qualify_optional(project, request.audience), _qualify_all(project, request.user_ids)
    return replace(request, notification=notification, audience=audience, user_ids=user_ids)


def qualify_definition(project: str, definition: ScheduleDefinition) -> ScheduleDefinition:
    """The schedule of a project as it is stored, as its broadcasts are."""
    if not project:
        return definition
    notification = _qualify_notification(project, definition.notification)
    audience, user_ids = _qualify_optional(project, definition.audience), _qualify_all(project, definition.user_ids)
    return replace(definition, notification=notification, audience=audience, user_ids=user_ids)


def qualify_members(project: str, change: MemberChange) -> MemberChange:
    """The users of a project as they are stored."""
    if not project:
        return change
    return replace(change, add=[qualify(project, one) for one in change.add], remove=[qualify(project, one) for one in change.remove])


def strip_project(project: str, stored_id: str) -> str:
    """An id of the project as its requests name it."""
    return stored_id.removeprefix(qualify(project, ""))


def _qualify_notification(project: str, notification: BroadcastNotification) -> BroadcastNotification:
    template = _qualify_optional(project, notification.template)
    return replace(notification, type=qualify(project, notification.type), template=template)


def _qualify_optional(project: str, text: str | None) -> str | None:
    return None if text is None else qualify(project, text)


def _qualify_all(project: str, user_ids: list[str] | None) -> list[str] | None:
    return None if user_ids is None else [qualify(project, user_id) for user_id in user_ids]
