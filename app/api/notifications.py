"""The notifications resource: submit one or many, look one up, have it explained, list a user's."""

from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from app.api.bodies import BulkTaken, Explained, NotificationBody, Page, Taken
from app.api.doorman import note
from app.api.explain import explained
from app.api.intake import Answer
from app.api.openapi import TakesBulk, TakesOne
from app.api.problems import MEDIA_TYPE, Problem, ProblemFound, flaw_at, problem
from app.api.services import AnyRequest, services_of
from app.api.story import told
from app.api.submission import invalid
from schemas.errors import Unavailable
from schemas.ids import is_id
from schemas.status import Accepted

ENCODE = msgspec.json.Encoder().encode
JSON = "application/json"
MOST = 200
BLIND = "PostgreSQL does not answer: notifications are still accepted, but history cannot be read now"

KeyHeader = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="up to 200 characters; a second request with this key within 24 h gets the first answer, and nobody is told twice",
    ),
]
NotificationId = Annotated[str, PathParameter(description="ntf_ and 32 hex digits")]
WRONG = {
    400: ResponseSpec(Problem, description="the Idempotency-Key is empty or too long", media_type=MEDIA_TYPE),
    401: ResponseSpec(Problem, description="the API key is missing or wrong", media_type=MEDIA_TYPE),
    409: ResponseSpec(Problem, description="the Idempotency-Key is in use", media_type=MEDIA_TYPE),
    413: ResponseSpec(Problem, description="too large", media_type=MEDIA_TYPE),
    422: ResponseSpec(Problem, description="not valid; errors name the fields", media_type=MEDIA_TYPE),
    503: ResponseSpec(Problem, description="Kafka did not confirm; see Retry-After", media_type=MEDIA_TYPE),
}
UNKNOWN = {
    401: WRONG[401],
    404: ResponseSpec(Problem, description="no such notification", media_type=MEDIA_TYPE),
    503: ResponseSpec(Problem, description="history cannot be read now", media_type=MEDIA_TYPE),
}


@post(
    "/",
    operation_class=TakesOne,
    status_code=202,
    responses={202: ResponseSpec(Taken, description="on all in-sync replicas of its topic"), **WRONG},
    summary="Submit a notification",
    operation_id="submit",
)
async def submit(request: AnyRequest, key: KeyHeader = None) -> Response[bytes]:
    """Answers 202 only when Kafka has it on all in-sync replicas."""
    return _sent(request, await services_of(request).intake.take_one(await request.body(), key))


@post(
    "/bulk",
    operation_class=TakesBulk,
    status_code=202,
    responses={
        202: ResponseSpec(BulkTaken, description="all are accepted"),
        207: ResponseSpec(BulkTaken, description="some are accepted: see each result"),
        **WRONG,
    },
    summary="Submit up to 1,000 notifications",
    operation_id="submit_bulk",
)
async def submit_bulk(request: AnyRequest, key: KeyHeader = None) -> Response[bytes]:
    """Good ones are accepted whatever the others are: 202 if all are, 207 if some are, 422 if none is; the results keep the order."""
    return _sent(request, await services_of(request).intake.take_many(await request.body(), key))


@get("/{notification_id:str}", responses=UNKNOWN, summary="Look a notification up", operation_id="find")
async def find(request: AnyRequest, notification_id: NotificationId) -> NotificationBody:
    """Its state, its deliveries and every attempt; `accepted` while the router's decision is not recorded yet."""
    return (await _known(request, notification_id))[1]


@get("/{notification_id:str}/explain", responses=UNKNOWN, summary="Why it became what it is", operation_id="explain")
async def explain(request: AnyRequest, notification_id: NotificationId) -> Explained:
    """One plain sentence; each gate of the router with its verdict, its reason and what it looked at; each delivery with its attempts."""
    return explained(*await _known(request, notification_id))


@get("/", responses={401: WRONG[401], 422: WRONG[422], 503: UNKNOWN[503]}, summary="List a user's notifications", operation_id="list")
async def list_of_user(
    request: AnyRequest,
    user_id: Annotated[str, QueryParameter(description="whose", min_length=1, max_length=256)],
    limit: Annotated[int, QueryParameter(description="how many on a page", ge=1, le=MOST)] = 50,
    before: Annotated[str | None, QueryParameter(description="only those with a lower id, that is, older ones")] = None,
) -> Page:
    """Newest first, without their attempts; `next` leads to the older ones."""
    if before is not None and not is_id(before):
        raise ProblemFound(invalid([flaw_at("$.before", "is not the id of a notification")]))
    given = services_of(request)
    try:
        stories = await given.history.of_user(user_id, limit + 1, before)
    except Unavailable:
        raise ProblemFound(_blind()) from None
    now = given.clock()
    bodies = [told(story, story.accepted.id, given.receipts, now) for story in stories[:limit] if story.accepted]
    more = len(stories) > limit
    query = urlencode({"user_id": user_id, "limit": limit, "before": bodies[-1].id}) if more else ""
    return Page(bodies, f"/v1/notifications?{query}" if more else None)


async def _known(request: AnyRequest, notification_id: str) -> tuple[Accepted | None, NotificationBody]:
    """What history, or failing that Redis, knows of it. Raises ProblemFound."""
    note(request.scope, id=notification_id if is_id(notification_id) else "?")
    given = services_of(request)
    if not is_id(notification_id):
        raise ProblemFound(_unknown(notification_id))
    story = None
    try:
        story = await given.history.story(notification_id)
        gone = False
    except Unavailable:
        gone = True
    if story:
        return story.accepted, told(story, notification_id, given.receipts, given.clock())
    if lane := await given.recent.lane_of(notification_id):
        return None, NotificationBody(notification_id, "accepted", lane)
    raise ProblemFound(_blind() if gone else _unknown(notification_id))


def _unknown(notification_id: str) -> Problem:
    return problem("not-found", f"no notification {notification_id[:64]} is known")


def _blind() -> Problem:
    return problem("unavailable", BLIND, retry_after=5)


def _sent(request: AnyRequest, answer: Answer) -> Response[bytes]:
    note(request.scope, **answer.noted)
    return Response(answer.reply.body, status_code=answer.reply.status, media_type=JSON)


router = Router("/v1/notifications", route_handlers=[submit, submit_bulk, find, explain, list_of_user], tags=["notifications"])
