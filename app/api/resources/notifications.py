"""The notifications resource: submit one or many, look one up, have it explained, list a user's."""

from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from app.api.dependencies import ApiRequest, get_dependencies
from app.api.explanation import build_explanation
from app.api.middleware import add_log_fields
from app.api.openapi import SubmitBulkOperation, SubmitOperation
from app.api.presenter import present_notification
from app.api.problems import PROBLEM_MEDIA_TYPE, ProblemDetails, ProblemError, build_field_error, build_problem
from app.api.responses import BulkSubmissionResponse, ExplanationResponse, NotificationPage, NotificationResponse, SubmissionResponse
from app.api.services.submission_service import SubmissionResult
from app.api.services.submission_validation import build_validation_problem
from schemas.errors import UnavailableError
from schemas.events import DecidedEvent
from schemas.ids import is_id

JSON_MEDIA_TYPE = "application/json"
MAX_PAGE_SIZE = 200
HISTORY_UNAVAILABLE = "PostgreSQL does not answer: notifications are still accepted, but history cannot be read now"

IdempotencyKeyHeader = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="up to 200 characters; a second request with this key within 24 h gets the first answer, and nobody is told twice",
    ),
]
NotificationIdParameter = Annotated[str, PathParameter(description="ntf_ and 32 hex digits")]
SUBMIT_ERRORS = {
    400: ResponseSpec(ProblemDetails, description="the Idempotency-Key is empty or too long", media_type=PROBLEM_MEDIA_TYPE),
    401: ResponseSpec(ProblemDetails, description="the API key is missing or wrong", media_type=PROBLEM_MEDIA_TYPE),
    409: ResponseSpec(ProblemDetails, description="the Idempotency-Key is in use", media_type=PROBLEM_MEDIA_TYPE),
    413: ResponseSpec(ProblemDetails, description="too large", media_type=PROBLEM_MEDIA_TYPE),
    422: ResponseSpec(ProblemDetails, description="not valid; errors name the fields", media_type=PROBLEM_MEDIA_TYPE),
    503: ResponseSpec(ProblemDetails, description="Kafka did not confirm; see Retry-After", media_type=PROBLEM_MEDIA_TYPE),
}
LOOKUP_ERRORS = {
    401: SUBMIT_ERRORS[401],
    404: ResponseSpec(ProblemDetails, description="no such notification", media_type=PROBLEM_MEDIA_TYPE),
    503: ResponseSpec(ProblemDetails, description="history cannot be read now", media_type=PROBLEM_MEDIA_TYPE),
}


@post(
    "/",
    operation_class=SubmitOperation,
    status_code=202,
    responses={202: ResponseSpec(SubmissionResponse, description="on all in-sync replicas of its topic"), **SUBMIT_ERRORS},
    summary="Submit a notification",
    operation_id="submit_notification",
)
async def submit_notification(request: ApiRequest, idempotency_key: IdempotencyKeyHeader = None) -> Response[bytes]:
    """Answers 202 only when Kafka has it on all in-sync replicas."""
    return _build_response(request, await get_dependencies(request).submission_service.submit(await request.body(), idempotency_key))


@post(
    "/bulk",
    operation_class=SubmitBulkOperation,
    status_code=202,
    responses={
        202: ResponseSpec(BulkSubmissionResponse, description="all are accepted"),
        207: ResponseSpec(BulkSubmissionResponse, description="some are accepted: see each result"),
        **SUBMIT_ERRORS,
    },
    summary="Submit up to 1,000 notifications",
    operation_id="submit_notifications",
)
async def submit_notifications(request: ApiRequest, idempotency_key: IdempotencyKeyHeader = None) -> Response[bytes]:
    """Good ones are accepted whatever the others are: 202 if all are, 207 if some are, 422 if none is; the results keep the order."""
    return _build_response(request, await get_dependencies(request).submission_service.submit_bulk(await request.body(), idempotency_key))


@get("/{notification_id:str}", responses=LOOKUP_ERRORS, summary="Look a notification up", operation_id="get_notification")
async def get_notification(request: ApiRequest, notification_id: NotificationIdParameter) -> NotificationResponse:
    """Its state, its deliveries and every attempt; `accepted` while the router's decision is not recorded yet."""
    return (await _find_notification(request, notification_id))[1]


@get("/{notification_id:str}/explain", responses=LOOKUP_ERRORS, summary="Why it became what it is", operation_id="explain_notification")
async def explain_notification(request: ApiRequest, notification_id: NotificationIdParameter) -> ExplanationResponse:
    """One plain sentence; each gate of the router with its verdict, its reason and what it looked at; each delivery with its attempts."""
    return build_explanation(*await _find_notification(request, notification_id))


@get(
    "/",
    responses={401: SUBMIT_ERRORS[401], 422: SUBMIT_ERRORS[422], 503: LOOKUP_ERRORS[503]},
    summary="List a user's notifications",
    operation_id="list_notifications",
)
async def list_notifications(
    request: ApiRequest,
    user_id: Annotated[str, QueryParameter(description="whose", min_length=1, max_length=256)],
    limit: Annotated[int, QueryParameter(description="how many on a page", ge=1, le=MAX_PAGE_SIZE)] = 50,
    before: Annotated[str | None, QueryParameter(description="only those with a lower id, that is, older ones")] = None,
) -> NotificationPage:
    """Newest first, without their attempts; `next` leads to the older ones."""
    if before is not None and not is_id(before):
        raise ProblemError(build_validation_problem([build_field_error("$.before", "is not the id of a notification")]))
    given = get_dependencies(request)
    try:
        stories = await given.history.list_by_user(user_id, limit + 1, before)
    except UnavailableError:
        raise ProblemError(_build_unavailable_problem()) from None
    now = given.clock()
    bodies = [present_notification(story, story.decided.id, given.receipt_timeouts, now) for story in stories[:limit] if story.decided]
    more = len(stories) > limit
    query = urlencode({"user_id": user_id, "limit": limit, "before": bodies[-1].id}) if more else ""
    return NotificationPage(bodies, f"/v1/notifications?{query}" if more else None)


async def _find_notification(request: ApiRequest, notification_id: str) -> tuple[DecidedEvent | None, NotificationResponse]:
    """What history, or failing that Redis, knows of it. Raises ProblemFound."""
    add_log_fields(request.scope, notification_id=notification_id if is_id(notification_id) else "?")
    given = get_dependencies(request)
    if not is_id(notification_id):
        raise ProblemError(_build_not_found_problem(notification_id))
    story = None
    try:
        story = await given.history.get_notification_history(notification_id)
        gone = False
    except UnavailableError:
        gone = True
    if story:
        return story.decided, present_notification(story, notification_id, given.receipt_timeouts, given.clock())
    if priority := await given.recent_notifications.get_priority(notification_id):
        return None, NotificationResponse(notification_id, "accepted", priority)
    raise ProblemError(_build_unavailable_problem() if gone else _build_not_found_problem(notification_id))


def _build_not_found_problem(notification_id: str) -> ProblemDetails:
    return build_problem("not-found", f"no notification {notification_id[:64]} is known")


def _build_unavailable_problem() -> ProblemDetails:
    return build_problem("unavailable", HISTORY_UNAVAILABLE, retry_after=5)


def _build_response(request: ApiRequest, result: SubmissionResult) -> Response[bytes]:
    add_log_fields(request.scope, **result.log_fields)
    return Response(result.response.body, status_code=result.response.status_code, media_type=JSON_MEDIA_TYPE)


router = Router(
    "/v1/notifications",
    route_handlers=[submit_notification, submit_notifications, get_notification, explain_notification, list_notifications],
    tags=["notifications"],
)
