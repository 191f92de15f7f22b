"""The resource /v1/notifications: cancel and move a notification that is held, or whose next channel may follow."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlencode

import msgspec
from litestar import Response, delete, patch
from litestar.openapi.datastructures import ResponseSpec

from app.api.access import requires
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import INVALID, describe_body, describe_problem
from app.api.presenter import find_next_decision_at, present_notification
from app.api.problems import (
    ProblemDetails,
    ProblemError,
    build_field_error,
    build_problem,
    build_validation_problem,
    to_field_error,
)
from app.api.resources.notifications import LOOKUP_ERRORS, NotificationIdParameter, UserIdParameter, find_notification
from app.api.responses import HeldChangeResponse, NotificationResponse
from app.api.services.held_changes import is_cancelled, is_moved
from schemas.enums import State
from schemas.errors import DECODE_ERRORS, UnavailableError
from schemas.events import DecidedEvent
from schemas.history import NotificationHistory
from schemas.lifetimes import DAY, MAX_SEND_AHEAD
from schemas.notification import NotificationChange
from schemas.permissions import Permission
from schemas.timestamps import explain_implausible, is_plausible, to_epoch_seconds

UNDECIDED = "its decision is not recorded yet: try again in a second"
RETRY_AFTER = 1  # seconds
CHANGE_ERRORS = {
    **LOOKUP_ERRORS,
    409: describe_problem("the notification is not held, or was released before the request"),
}
CHANGE_RESPONSES = {
    202: ResponseSpec(HeldChangeResponse, description="requested; the result is not known yet, and `path` will show it"),
    **CHANGE_ERRORS,
}


@delete(
    "/{notification_id:str}",
    opt=requires(Permission.NOTIFICATIONS_CHANGE),
    status_code=200,
    responses={200: ResponseSpec(NotificationResponse, description="cancelled"), **CHANGE_RESPONSES},
    summary="Cancel a held notification",
    operation_id="cancel_notification",
)
async def cancel_notification(
    request: ApiRequest, notification_id: NotificationIdParameter, user_id: UserIdParameter = None
) -> Response[NotificationResponse | HeldChangeResponse]:
    """The scheduler decides whether the notification is still held; the request waits for its answer for up to 3 s."""
    event = await _find_held(request, notification_id, user_id)
    return await _answer(request, event, get_dependencies(request).held_changes.cancel(event), is_cancelled)


@patch(
    "/{notification_id:str}",
    opt=requires(Permission.NOTIFICATIONS_CHANGE),
    status_code=200,
    responses={
        200: ResponseSpec(NotificationResponse, description="held until the new time, or released since then: the state says so"),
        **INVALID,
        **CHANGE_RESPONSES,
    },
    summary="Move a held notification to another time",
    operation_id="reschedule_notification",
    operation_class=describe_body("NotificationChange", {"send_at": "2026-12-24T18:00:00Z"}),
)
async def reschedule_notification(
    request: ApiRequest, notification_id: NotificationIdParameter, user_id: UserIdParameter = None
) -> Response[NotificationResponse | HeldChangeResponse]:
    """The scheduler decides whether the notification is still held. The gate that holds it judges again when it is released."""
    due_at = _decode_send_at(await request.body())
    event = await _find_held(request, notification_id, user_id)
    if due_at - event.created_at > MAX_SEND_AHEAD:
        detail = f"more than {MAX_SEND_AHEAD // DAY} days after the submission: submit it again, nearer to its time"
        raise ProblemError(build_validation_problem([build_field_error("$.send_at", detail)]))
    if event.state == State.ROUTED and due_at >= event.expires_at:
        detail = "the next channel cannot follow after the notification has expired: give an earlier time"
        raise ProblemError(build_validation_problem([build_field_error("$.send_at", detail)]))
    change = get_dependencies(request).held_changes.reschedule(event, due_at)
    return await _answer(request, event, change, lambda decided: is_moved(event, decided, due_at))


async def _find_held(request: ApiRequest, notification_id: str, user_id: str | None) -> DecidedEvent:
    """The decision on a notification that is held or goes on to its next channel, as far as is recorded. Raises ProblemError."""
    event, _ = await find_notification(request, notification_id, user_id)
    if event is None:
        raise ProblemError(build_problem("conflict", f"{notification_id}: {UNDECIDED}", retry_after=RETRY_AFTER))
    if find_next_decision_at(event) is None:
        raise ProblemError(_build_not_held_problem(event))
    return event


async def _answer(
    request: ApiRequest, held: DecidedEvent, change: Awaitable[DecidedEvent | None], is_done: Callable[[DecidedEvent], bool]
) -> Response[NotificationResponse | HeldChangeResponse]:
    """What the scheduler has decided on a change. Raises ProblemError if it is not what was requested."""
    try:
        decided = await change
    except UnavailableError as error:
        raise ProblemError(build_problem("unavailable", str(error), retry_after=RETRY_AFTER)) from None
    if decided is None:
        path = f"/v1/notifications/{quote(held.id)}?{urlencode({'user_id': held.user_id})}"
        return Response(HeldChangeResponse(held.id, path), status_code=202)
    if not is_done(decided):
        raise ProblemError(_build_not_held_problem(decided))
    if decided.state == State.ROUTED:  # what has gone out already has its statuses in the history
        return Response((await find_notification(request, held.id, held.user_id))[1], status_code=200)
    dependencies = get_dependencies(request)
    history = NotificationHistory(decided, (), ())
    return Response(present_notification(history, held.id, dependencies.receipt_timeouts, dependencies.clock()), status_code=200)


def _decode_send_at(body: bytes) -> float:
    """The new time in a body, in epoch seconds. Raises ProblemError."""
    try:
        send_at = msgspec.json.decode(body, type=NotificationChange).send_at
    except DECODE_ERRORS as error:
        raise ProblemError(build_validation_problem([to_field_error(error, body)])) from None
    if not is_plausible(send_at):
        raise ProblemError(build_validation_problem([build_field_error("$.send_at", explain_implausible(send_at))]))
    return to_epoch_seconds(send_at)


def _build_not_held_problem(event: DecidedEvent) -> ProblemDetails:
    reason = f" ({event.reason})" if event.reason else ""
    return build_problem("conflict", f"{event.id} is not held: it is {event.state}{reason}")


HANDLERS = (cancel_notification, reschedule_notification)
