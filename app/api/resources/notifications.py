"""The resource /v1/notifications: submit one or many, get one, explain one, list those that match."""

from typing import Annotated, cast

from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, PathParameter, QueryParameter
from litestar.types import ASGIApp

from app.api.access import requires
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.document.idempotency import DESCRIPTION as IDEMPOTENCY_KEY
from app.api.explanation import add_digest, build_explanation
from app.api.limit_checks import add_cost
from app.api.middleware import add_log_fields
from app.api.openapi import UNAUTHORIZED, SubmitBulkOperation, SubmitOperation, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, decode_cursor, encode_cursor
from app.api.presenter import present_notification
from app.api.principal import get_principal
from app.api.problems import (
    ProblemDetails,
    ProblemError,
    build_field_error,
    build_problem,
    build_validation_problem,
)
from app.api.repeated_requests import HANDLES_KEY
from app.api.responses import BulkSubmissionResponse, ExplanationResponse, NotificationPage, NotificationResponse, SubmissionResponse
from app.api.submission_app import decode_key
from app.api.user_time_zone import find_time_zone
from schemas.channels import ChannelName
from schemas.enums import Priority, State
from schemas.errors import AmbiguousIdError, UnavailableError
from schemas.events import DecidedEvent
from schemas.history import NotificationFilter
from schemas.ids import NOTIFICATION_PREFIX, is_id, make_id
from schemas.permissions import Permission
from schemas.projects import qualify
from tables.postgres.broadcasts import BroadcastStore

JSON_MEDIA_TYPE = "application/json"
MAX_TIME = 253_402_300_799  # the end of the year 9999
ID_FORMAT = "ntf_ and 32 hex digits"
HISTORY_UNAVAILABLE = "PostgreSQL does not answer, so history cannot be read; notifications are still accepted"
HISTORY_RETRY_AFTER = 5  # seconds

IdempotencyKeyHeader = Annotated[str | None, HeaderParameter(name="Idempotency-Key", description=IDEMPOTENCY_KEY)]
NotificationIdParameter = Annotated[str, PathParameter(description=ID_FORMAT)]
UserIdParameter = Annotated[
    str | None, QueryParameter(description="the recipient; needed only if a producer gave the id to several users", max_length=256)
]
SUBMIT_ERRORS = {
    400: describe_problem("the Idempotency-Key is empty or too long"),
    **UNAUTHORIZED,
    409: describe_problem("the first request with this Idempotency-Key is in progress; see Retry-After"),
    413: describe_problem("the request is too large"),
    422: describe_problem("the request is not valid; errors names the fields. Or the Idempotency-Key was used with other content"),
    503: describe_problem("Kafka did not confirm; see Retry-After"),
}
LOOKUP_ERRORS = {
    401: SUBMIT_ERRORS[401],
    404: describe_problem("no such notification"),
    409: describe_problem("several users have a notification with this id"),
    503: describe_problem("history cannot be read"),
}


@post(
    "/",
    opt={**requires(Permission.NOTIFICATIONS_SEND), **HANDLES_KEY},
    operation_class=SubmitOperation,
    status_code=202,
    responses={202: ResponseSpec(SubmissionResponse, description="all in-sync replicas have the notification"), **SUBMIT_ERRORS},
    summary="Submit a notification",
    operation_id="submit_notification",
)
async def submit_notification(request: ApiRequest, idempotency_key: IdempotencyKeyHeader = None) -> ASGIApp:
    """Responds with 202 after all in-sync replicas of the topic have confirmed the notification.

    Also takes CloudEvents 1.0 in structured, batched and binary content mode; a batch is answered as a bulk request is.
    """
    return cast(ASGIApp, request.app.state.submission_app)  # which reads the header itself


@post(
    "/bulk",
    opt={**requires(Permission.NOTIFICATIONS_SEND), **HANDLES_KEY},
    operation_class=SubmitBulkOperation,
    status_code=202,
    responses={
        202: ResponseSpec(BulkSubmissionResponse, description="all are accepted"),
        207: ResponseSpec(BulkSubmissionResponse, description="some are accepted; see each result"),
        **SUBMIT_ERRORS,
    },
    summary="Submit up to 1,000 notifications",
    operation_id="submit_notifications",
)
async def submit_notifications(request: ApiRequest, idempotency_key: IdempotencyKeyHeader = None) -> Response[bytes]:
    """Accepts the valid notifications and reports the others: 202 if all are accepted, 207 if some are, 422 if none is valid."""
    key = decode_key(idempotency_key.encode("latin-1")) if idempotency_key is not None else None
    result = await get_dependencies(request).submission_service.submit_bulk(await request.body(), key, get_principal(request))
    add_log_fields(request.scope, **result.log_fields)
    add_cost(request.scope, int(result.log_fields.get("accepted", 1)) - 1)  # a stored response costs one request
    return Response(result.response.body, status_code=result.response.status_code, media_type=JSON_MEDIA_TYPE)


@get(
    "/{notification_id:str}",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses=LOOKUP_ERRORS,
    summary="Get a notification",
    operation_id="get_notification",
)
async def get_notification(
    request: ApiRequest, notification_id: NotificationIdParameter, user_id: UserIdParameter = None
) -> NotificationResponse:
    """The state, the deliveries and every attempt. The state is `accepted` until the decision or an attempt is recorded."""
    return (await find_notification(request, notification_id, user_id))[1]


@get(
    "/{notification_id:str}/explain",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses=LOOKUP_ERRORS,
    summary="Explain a notification",
    operation_id="explain_notification",
)
async def explain_notification(
    request: ApiRequest, notification_id: NotificationIdParameter, user_id: UserIdParameter = None
) -> ExplanationResponse:
    """Why the notification has its state: a sentence, each gate of the router, and each delivery with its attempts and later events."""
    event, notification = await find_notification(request, notification_id, user_id)
    dependencies = get_dependencies(request)
    time_zone, now = await find_time_zone(dependencies.profiles, notification.user_id), dependencies.clock()
    broadcast = await _find_broadcast(dependencies.broadcasts, notification)
    explanation = build_explanation(event, notification, time_zone, now, broadcast)
    if notification.state != State.MERGED:
        return explanation
    try:
        digest = await find_notification(request, notification.duplicate_of, notification.user_id)
    except ProblemError:  # it is not recorded yet
        return explanation
    return add_digest(explanation, build_explanation(*digest, time_zone, now))


@get(
    "/",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses={401: SUBMIT_ERRORS[401], 422: SUBMIT_ERRORS[422], 503: LOOKUP_ERRORS[503]},
    summary="List notifications",
    operation_id="list_notifications",
)
async def list_notifications(
    request: ApiRequest,
    user_id: Annotated[str | None, QueryParameter(description="only those to this user", min_length=1, max_length=256)] = None,
    notification_type: Annotated[str | None, QueryParameter(name="type", description="only those of this type", max_length=128)] = None,
    category: Annotated[str | None, QueryParameter(description="only those of this category", max_length=128)] = None,
    wanted_state: Annotated[State | None, QueryParameter(name="state", description="only those in this state")] = None,
    priority: Annotated[Priority | None, QueryParameter(description="only those of this priority")] = None,
    reason: Annotated[str | None, QueryParameter(description="only those with this reason", max_length=128)] = None,
    channel: Annotated[ChannelName | None, QueryParameter(description="only those with a delivery on this channel")] = None,
    since: Annotated[float, QueryParameter(description="only those with ids from this time on, epoch seconds", ge=0, le=MAX_TIME)] = 0,
    until: Annotated[float | None, QueryParameter(description="only those with ids before this time", ge=0, le=MAX_TIME)] = None,
    before: Annotated[str | None, QueryParameter(description="only those with a lower id, which are older")] = None,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> NotificationPage:
    """Newest first, without attempts. A page may have fewer items than `limit`, or none, and still be followed by another one."""
    if before is not None and not is_id(before):
        raise ProblemError(build_validation_problem([build_field_error("$.before", f"is not a notification id: {ID_FORMAT}")]))
    start = min(filter(None, (before, None if until is None else make_id(NOTIFICATION_PREFIX, until, 0))), default=None)
    below = decode_cursor(cursor, lambda key: len(key) == 2 and is_id(key[0])) or ([start, ""] if start else None)
    project = get_principal(request).project
    wanted = NotificationFilter(user_id, notification_type, category, wanted_state, priority, reason, channel, since, project)
    dependencies = get_dependencies(request)
    try:
        found = await dependencies.history.search(wanted, limit, (below[0], below[1]) if below else None)
    except UnavailableError:
        raise ProblemError(_build_unavailable_problem()) from None
    now = dependencies.clock()
    items = [
        present_notification(history, history.decided.id, dependencies.receipt_timeouts, now)
        for history in found.histories
        if history.decided
    ]
    return NotificationPage(items, encode_cursor(*found.next_key) if found.next_key else None)


async def _find_broadcast(broadcasts: BroadcastStore, notification: NotificationResponse) -> str:
    """The broadcast that a notification comes from; empty if it comes from none, or if PostgreSQL does not answer."""
    try:
        return await broadcasts.find_source(notification.id, notification.user_id)
    except UnavailableError:
        return ""


async def find_notification(
    request: ApiRequest, notification_id: str, user_id: str | None
) -> tuple[DecidedEvent | None, NotificationResponse]:
    """The notification in history, else in Redis, which has it before the recorder has written it. Raises ProblemError."""
    add_log_fields(request.scope, notification_id=notification_id if is_id(notification_id) else "?")
    if not is_id(notification_id):
        raise ProblemError(build_problem("not-found", f"{notification_id[:64]!r} is not a notification id: {ID_FORMAT}"))
    dependencies = get_dependencies(request)
    history, is_history_available = None, True
    try:
        history = await dependencies.history.get_notification_history(notification_id, user_id)
    except AmbiguousIdError as error:
        raise ProblemError(build_problem("ambiguous-id", f"{error} with ?user_id=")) from None
    except UnavailableError:
        is_history_available = False
    if history:
        return history.decided, present_notification(history, notification_id, dependencies.receipt_timeouts, dependencies.clock())
    if priority := await dependencies.recent_notifications.get_priority(qualify(get_principal(request).project, notification_id)):
        return None, NotificationResponse(notification_id, "accepted", priority)
    raise ProblemError(_build_not_found_problem(notification_id) if is_history_available else _build_unavailable_problem())


def _build_not_found_problem(notification_id: str) -> ProblemDetails:
    return build_problem("not-found", f"there is no notification {notification_id[:64]}")


def _build_unavailable_problem() -> ProblemDetails:
    return build_problem("unavailable", HISTORY_UNAVAILABLE, retry_after=HISTORY_RETRY_AFTER)


HANDLERS = (submit_notification, submit_notifications, get_notification, explain_notification, list_notifications)
