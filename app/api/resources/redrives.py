"""The resource /v1/redrives, and the redrive of one dead letter."""

from typing import Annotated

from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from agents.redrives.judge import count_results, judge
from app.api.access import requires
from app.api.bodies import ActorHeader, SourceHeader, build_origin, check_stored, decode_json, decode_stored_body
from app.api.dead_letter_bodies import RedriveActionRequest, RedrivePage
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.resources.audiences import handle_conflict
from app.api.resources.dead_letters import NOT_OPEN, READ_DEAD_LETTER_ERRORS, DeadLetterId, check_selection, find_dead_letter
from app.api.resources.users import CHANGE_ERRORS, LIST_ERRORS, READ_ERRORS
from app.api.services.replacement_validation import build_replacement, encode_replacement
from schemas.errors import ConflictError
from schemas.ids import is_id
from schemas.permissions import Permission
from schemas.redrives import (
    MAX_EXTENSION,
    REDRIVE_PREFIX,
    REDRIVEN,
    Redrive,
    RedriveAction,
    RedriveOptions,
    RedrivePreview,
    RedriveRecord,
    RedriveRequest,
    RedriveResult,
    RedriveState,
)

EXAMINED = 1000  # dead letters of a preview
ID_FORMAT = f"{REDRIVE_PREFIX} and 32 hex digits"
RedriveId = Annotated[str, PathParameter(description=ID_FORMAT)]
REASON_BODY = describe_body("RedriveActionRequest", {"reason": "SendGrid answers 503 again"})
EXAMPLE = {"filter": {"reason": "retries_exhausted", "channel": "email"}, "rate": 100, "reason": "SendGrid is back", "preview": True}
READ_REDRIVE_ERRORS = {**READ_ERRORS, 404: describe_problem("no such redrive")}
ACTION_ERRORS = {
    **READ_REDRIVE_ERRORS,
    409: describe_problem("the state of the redrive does not allow this"),
    422: CHANGE_ERRORS[422],
}
CREATED = {201: ResponseSpec(Redrive, description="created")}


@post(
    "/redrives",
    opt=requires(Permission.REDRIVES_WRITE),
    operation_class=describe_body("RedriveRequest", EXAMPLE),
    responses={
        200: ResponseSpec(RedrivePreview, description="a preview"),
        **CREATED,
        409: describe_problem("the filter selects too many"),
        **{code: response for code, response in CHANGE_ERRORS.items() if code in (401, 422, 503)},
    },
    summary="Redrive dead letters",
    operation_id="create_redrive",
)
async def create_redrive(
    request: ApiRequest, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[Redrive | RedrivePreview]:
    """What is selected now is sent again, within a second, at the rate. With `preview` it is counted and judged, and nothing is sent."""
    body = await decode_stored_body(request, RedriveRequest)
    check_selection(body.filter, body.ids)
    if body.filter is not None and body.filter.state not in (None, "open"):
        raise ProblemError(build_validation_problem([build_field_error("$.filter.state", "only open dead letters are redriven")]))
    if body.preview:
        return Response(await _preview(request, body), status_code=200)
    created = await get_dependencies(request).redrives.create(body, build_origin(actor, source, body.reason))
    return Response(created, status_code=201)


@get("/redrives", opt=requires(Permission.REDRIVES_READ), responses=LIST_ERRORS, summary="List redrives", operation_id="list_redrives")
async def list_redrives(
    request: ApiRequest,
    wanted_state: Annotated[RedriveState | None, QueryParameter(name="state", description="only those in this state")] = None,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> RedrivePage:
    """Newest first."""
    key = decode_cursor(cursor, lambda parts: len(parts) == 1 and is_id(parts[0], REDRIVE_PREFIX))
    found = await get_dependencies(request).redrives.list_redrives(limit + 1, key[0] if key else None, wanted_state)
    return RedrivePage(*cut_page(found, limit, lambda one: [one.id]))


@get(
    "/redrives/{redrive_id:str}",
    opt=requires(Permission.REDRIVES_READ),
    responses=READ_REDRIVE_ERRORS,
    summary="Get a redrive",
    operation_id="get_redrive",
)
async def get_redrive(request: ApiRequest, redrive_id: RedriveId) -> Redrive:
    """With its progress: `redriven_count` and `skipped_counts` of `total_count` dead letters."""
    return _require(await get_dependencies(request).redrives.get(_check_id(redrive_id)), redrive_id)


@post(
    "/redrives/{redrive_id:str}/pause",
    opt=requires(Permission.REDRIVES_WRITE),
    operation_class=REASON_BODY,
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Pause a redrive",
    operation_id="pause_redrive",
)
async def pause_redrive(request: ApiRequest, redrive_id: RedriveId, actor: ActorHeader = None, source: SourceHeader = "api") -> Redrive:
    """It stops after the page that is in hand."""
    return await _change_state(request, redrive_id, "pause", actor, source)


@post(
    "/redrives/{redrive_id:str}/resume",
    opt=requires(Permission.REDRIVES_WRITE),
    operation_class=REASON_BODY,
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Resume a redrive",
    operation_id="resume_redrive",
)
async def resume_redrive(request: ApiRequest, redrive_id: RedriveId, actor: ActorHeader = None, source: SourceHeader = "api") -> Redrive:
    """It goes on where it was paused, or where it failed."""
    return await _change_state(request, redrive_id, "resume", actor, source)


@post(
    "/redrives/{redrive_id:str}/cancel",
    opt=requires(Permission.REDRIVES_WRITE),
    operation_class=REASON_BODY,
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Cancel a redrive",
    operation_id="cancel_redrive",
)
async def cancel_redrive(request: ApiRequest, redrive_id: RedriveId, actor: ActorHeader = None, source: SourceHeader = "api") -> Redrive:
    """It ends after the page that is in hand; what is not produced stays open."""
    return await _change_state(request, redrive_id, "cancel", actor, source)


@post(
    "/dead-letters/{dead_letter_id:str}/redrive",
    opt=requires(Permission.REDRIVES_WRITE),
    operation_class=describe_body("Submission", {"user_id": "u-42", "type": "account.otp", "data": {"code": "482193", "minutes": 5}}),
    responses={**CREATED, **READ_DEAD_LETTER_ERRORS, 409: NOT_OPEN, 413: describe_problem("it is too large"), 422: CHANGE_ERRORS[422]},
    summary="Redrive a dead letter, as it is or with another value",
    operation_id="redrive_dead_letter",
)
async def redrive_one(
    request: ApiRequest,
    dead_letter_id: DeadLetterId,
    include_delivered: Annotated[bool, QueryParameter(description="also if it has arrived since, or on another channel")] = False,
    extend_expiry: Annotated[
        int | None, QueryParameter(description="seconds: if it has expired, it may be sent for so long", ge=1, le=MAX_EXTENSION)
    ] = None,
    reason: Annotated[str, QueryParameter(description="why, for the audit log", max_length=1000)] = "",
    actor: ActorHeader = None,
    source: SourceHeader = "api",
) -> Response[Redrive]:
    """Without a body as it is. A body replaces the value of a notification, and is validated as a submission is."""
    content, body = await find_dead_letter(request, dead_letter_id), await request.body()
    stored = content.stored
    if stored.state != "open":
        raise ProblemError(build_problem("conflict", f"{stored.id} is not open: it is {stored.state}"))
    replacement = None
    if body:
        if stored.stage != "router":
            detail = f"only a notification can get another value, and this is a record of {stored.source_topic}: redrive it without a body"
            raise ProblemError(build_problem("conflict", detail))
        dependencies = get_dependencies(request)
        submissions = dependencies.submission_service
        submission = build_replacement(body, content, submissions.get_policy_validator(), dependencies.clock())
        replacement = encode_replacement(submission, await submissions.find_sealer(submission.user_id))
    asked = check_stored(
        RedriveRequest(ids=[dead_letter_id], include_delivered=include_delivered, extend_expiry=extend_expiry, reason=reason)
    )
    created = await get_dependencies(request).redrives.create(asked, build_origin(actor, source, reason), replacement)
    return Response(created, status_code=201)


async def _preview(request: ApiRequest, body: RedriveRequest) -> RedrivePreview:
    dependencies = get_dependencies(request)
    options, now = RedriveOptions(body.include_delivered, body.extend_expiry), dependencies.clock()
    count, examined = await dependencies.redrives.examine(body, EXAMINED)
    results: dict[str, RedriveResult] = {}
    for content, facts in examined:
        judged = judge(content, facts, options, now, dependencies.topic_prefix)
        results[content.stored.id] = REDRIVEN if isinstance(judged, RedriveRecord) else judged
    return RedrivePreview(count, len(results), count_results(results))


async def _change_state(request: ApiRequest, redrive_id: str, action: RedriveAction, actor: str | None, source: SourceHeader) -> Redrive:
    body = check_stored(decode_json(await request.body() or b"{}", RedriveActionRequest))
    origin = build_origin(actor, source, body.reason)
    return _require(await get_dependencies(request).redrives.change_state(_check_id(redrive_id), action, origin), redrive_id)


def _check_id(redrive_id: str) -> str:
    if not is_id(redrive_id, REDRIVE_PREFIX):
        raise ProblemError(build_problem("not-found", f"{redrive_id[:64]!r} is not the id of a redrive: {ID_FORMAT}"))
    return redrive_id


def _require(redrive: Redrive | None, redrive_id: str) -> Redrive:
    if redrive is None:
        raise ProblemError(build_problem("not-found", f"there is no redrive {redrive_id}"))
    return redrive


router = Router(
    "/v1",
    route_handlers=[create_redrive, list_redrives, get_redrive, pause_redrive, resume_redrive, cancel_redrive, redrive_one],
    exception_handlers={ConflictError: handle_conflict},
    tags=["dead letters"],
)
