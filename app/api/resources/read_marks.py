"""The resource /v1/notifications: the app of a producer says that a notification was read."""

from litestar import post
from litestar.openapi.datastructures import ResponseSpec

from app.api.access import requires
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import describe_problem
from app.api.problems import ProblemError, build_problem
from app.api.resources.held_notifications import RETRY_AFTER, UNDECIDED
from app.api.resources.notifications import LOOKUP_ERRORS, NotificationIdParameter, UserIdParameter, find_notification
from app.api.responses import NotificationResponse
from schemas.enums import State
from schemas.errors import UnavailableError
from schemas.events import DecidedEvent
from schemas.permissions import Permission


@post(
    "/{notification_id:str}/read",
    opt=requires(Permission.NOTIFICATIONS_CHANGE),
    status_code=200,
    responses={
        200: ResponseSpec(NotificationResponse, description="marked; `read_at` is the first time that is known"),
        **LOOKUP_ERRORS,
        409: describe_problem("the notification was not sent, or its decision is not recorded yet; see Retry-After"),
    },
    summary="Mark a notification as read",
    operation_id="mark_notification_as_read",
)
async def mark_notification_as_read(
    request: ApiRequest, notification_id: NotificationIdParameter, user_id: UserIdParameter = None
) -> NotificationResponse:
    """The user has read it, on whichever channel: no further channel follows if its rule escalates unless `read`. May be repeated."""
    event, _ = await find_notification(request, notification_id, user_id)
    if event is None:
        raise ProblemError(build_problem("conflict", f"{notification_id}: {UNDECIDED}", retry_after=RETRY_AFTER))
    dependencies = get_dependencies(request)
    try:
        read_at = await dependencies.read_marks.mark(event.id, event.user_id, dependencies.clock())
    except UnavailableError as error:
        raise ProblemError(build_problem("unavailable", str(error), retry_after=RETRY_AFTER)) from None
    if read_at is None:
        raise ProblemError(build_problem("conflict", _describe_unsent(event)))
    return (await find_notification(request, event.id, event.user_id))[1]


def _describe_unsent(event: DecidedEvent) -> str:
    """Why nobody can have read it; of what was merged, its digest can be read."""
    if event.state == State.MERGED:
        return f"{event.id} was merged into {event.duplicate_of}, which is what can be read"
    return f"{event.id} was not sent, so that nobody can have read it: it is {event.state}{f' ({event.reason})' if event.reason else ''}"


HANDLERS = (mark_notification_as_read,)
