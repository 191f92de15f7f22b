"""The resource /v1/broadcasts: one notification for each user of an audience or a list."""

from typing import Annotated

from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from app.api.access import requires
from app.api.bodies import ActorHeader, SourceHeader, build_origin, check_stored, decode_json, decode_stored_body
from app.api.broadcast_requests import BroadcastActionRequest, BroadcastPage
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.resources.audiences import PREVIEWED_USERS, handle_conflict, handle_missing_audience, preview_recipients
from app.api.resources.users import CHANGE_ERRORS, LIST_ERRORS, READ_ERRORS
from app.api.services.broadcast_projects import qualify_broadcast
from app.api.services.broadcast_validation import find_broadcast_error
from schemas.audiences import Recipients
from schemas.broadcasts import BROADCAST_PREFIX, Broadcast, BroadcastAction, BroadcastRequest, BroadcastState, RecipientPreview
from schemas.errors import ConflictError, MissingAudienceError
from schemas.ids import is_id, try_parse_time
from schemas.lifetimes import DAY
from schemas.permissions import Permission

ID_FORMAT = f"{BROADCAST_PREFIX} and 32 hex digits"
BroadcastId = Annotated[str, PathParameter(description=ID_FORMAT)]
REASON_BODY = describe_body("BroadcastActionRequest", {"reason": "the link is wrong"})
EXAMPLE_BROADCAST = {
    "audience": "gold-in-german",
    "notification": {"type": "newsletter", "data": {"headline": "News", "intro": "Hello", "link": "https://example.org"}},
    "rate": 500,
}
READ_BROADCAST_ERRORS = {**READ_ERRORS, 404: describe_problem("no such broadcast")}
ACTION_ERRORS = {
    **READ_BROADCAST_ERRORS,
    409: describe_problem("the state of the broadcast does not allow this"),
    422: CHANGE_ERRORS[422],
}


@post(
    "/",
    opt=requires(Permission.BROADCASTS_SEND),
    operation_class=describe_body("BroadcastRequest", EXAMPLE_BROADCAST),
    responses={
        200: ResponseSpec(RecipientPreview, description="a preview; or the broadcast, if the id of the request is known already"),
        201: ResponseSpec(Broadcast, description="created"),
        **{code: response for code, response in CHANGE_ERRORS.items() if code in (401, 422, 503)},
    },
    summary="Start a broadcast",
    operation_id="create_broadcast",
)
async def create_broadcast(
    request: ApiRequest, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[Broadcast | RecipientPreview]:
    """A worker of the scheduler begins within a second. With `preview` it is checked and counted, and nothing is sent."""
    body = qualify_broadcast(get_principal(request).project, await decode_stored_body(request, BroadcastRequest))
    dependencies = get_dependencies(request)
    _check_request(body, dependencies.clock())
    validator = dependencies.submission_service.get_policy_validator()
    if error := find_broadcast_error(body.notification, validator, dependencies.clock()):
        raise ProblemError(build_validation_problem([error]))
    audience_id, recipients = await find_audience(request, body.audience) if body.audience else (None, None)
    if body.preview:
        preview = await preview_recipients(request, recipients) if recipients else await _preview_named(request, body.user_ids or [])
        return Response(preview, status_code=200)
    broadcast, is_new = await dependencies.broadcasts.create(body, audience_id, build_origin(actor, source))
    return Response(broadcast, status_code=201 if is_new else 200)


@get("/", opt=requires(Permission.BROADCASTS_READ), responses=LIST_ERRORS, summary="List broadcasts", operation_id="list_broadcasts")
async def list_broadcasts(
    request: ApiRequest,
    wanted_state: Annotated[BroadcastState | None, QueryParameter(name="state", description="only those in this state")] = None,
    audience: Annotated[str | None, QueryParameter(description="only those to this audience", max_length=128)] = None,
    search: Annotated[str, QueryParameter(description="part of the type or of the name of the audience", max_length=128)] = "",
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> BroadcastPage:
    """Newest first."""
    key = decode_cursor(cursor, lambda parts: len(parts) == 1 and is_id(parts[0], BROADCAST_PREFIX))
    found = await get_dependencies(request).broadcasts.list_broadcasts(
        limit + 1, key[0] if key else None, wanted_state, audience, search=search
    )
    return BroadcastPage(*cut_page(found, limit, lambda broadcast: [broadcast.id]))


@get(
    "/{broadcast_id:str}",
    opt=requires(Permission.BROADCASTS_READ),
    responses=READ_BROADCAST_ERRORS,
    summary="Get a broadcast",
    operation_id="get_broadcast",
)
async def get_broadcast(request: ApiRequest, broadcast_id: BroadcastId) -> Broadcast:
    """With its progress: `expanded_count` of `total_count` users, and what became of them as of `counts.counted_at`."""
    return _require(await get_dependencies(request).broadcasts.get(_check_id(broadcast_id)), broadcast_id)


@post(
    "/{broadcast_id:str}/pause",
    opt=requires(Permission.BROADCASTS_CONTROL),
    operation_class=REASON_BODY,
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Pause a broadcast",
    operation_id="pause_broadcast",
)
async def pause_broadcast(
    request: ApiRequest, broadcast_id: BroadcastId, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Broadcast:
    """It stops after the page that is in hand."""
    return await _change_state(request, broadcast_id, "pause", actor, source)


@post(
    "/{broadcast_id:str}/resume",
    opt=requires(Permission.BROADCASTS_CONTROL),
    operation_class=REASON_BODY,
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Resume a broadcast",
    operation_id="resume_broadcast",
)
async def resume_broadcast(
    request: ApiRequest, broadcast_id: BroadcastId, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Broadcast:
    """It goes on where it was paused, or where it failed."""
    return await _change_state(request, broadcast_id, "resume", actor, source)


@post(
    "/{broadcast_id:str}/cancel",
    opt=requires(Permission.BROADCASTS_CONTROL),
    operation_class=REASON_BODY,
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Cancel a broadcast",
    operation_id="cancel_broadcast",
)
async def cancel_broadcast(
    request: ApiRequest, broadcast_id: BroadcastId, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Broadcast:
    """It ends after the page that is in hand, and what waits of it in the scheduler is cancelled: what is held, and retries.

    `cancellation` says how far that is. What is on its way to a provider is sent.
    """
    return await _change_state(request, broadcast_id, "cancel", actor, source)


def _check_request(body: BroadcastRequest, now: float) -> None:
    if (body.audience is None) == (body.user_ids is None):
        raise ProblemError(build_validation_problem([build_field_error("$.audience", "give either an audience or user_ids")]))
    if body.id is None:
        return
    id_time = try_parse_time(body.id, BROADCAST_PREFIX)
    if id_time is None or abs(id_time - now) > DAY:
        text = f"must be {ID_FORMAT} of a UUIDv7 whose time is now, or left out"
        raise ProblemError(build_validation_problem([build_field_error("$.id", text)]))


async def find_audience(request: ApiRequest, name: str) -> tuple[str, Recipients]:
    """The id and the users of an audience that a body names. Raises ProblemError if there is none."""
    try:
        return await get_dependencies(request).audiences.find_recipients(name)
    except MissingAudienceError as error:
        raise ProblemError(build_validation_problem([build_field_error("$.audience", str(error), "unknown_audience")])) from None


async def _preview_named(request: ApiRequest, user_ids: list[str]) -> RecipientPreview:
    named = sorted(set(user_ids))
    unknown = await get_dependencies(request).audiences.find_unknown_users(named)
    return RecipientPreview(len(named), named[:PREVIEWED_USERS], len(unknown))


async def _change_state(
    request: ApiRequest, broadcast_id: str, action: BroadcastAction, actor: str | None, source: SourceHeader
) -> Broadcast:
    body = check_stored(decode_json(await request.body() or b"{}", BroadcastActionRequest))
    origin = build_origin(actor, source, body.reason)
    return _require(await get_dependencies(request).broadcasts.change_state(_check_id(broadcast_id), action, origin), broadcast_id)


def _check_id(broadcast_id: str) -> str:
    if not is_id(broadcast_id, BROADCAST_PREFIX):
        raise ProblemError(build_problem("not-found", f"{broadcast_id[:64]!r} is not the id of a broadcast: {ID_FORMAT}"))
    return broadcast_id


def _require(broadcast: Broadcast | None, broadcast_id: str) -> Broadcast:
    if broadcast is None:
        raise ProblemError(build_problem("not-found", f"there is no broadcast {broadcast_id}"))
    return broadcast


router = Router(
    "/v1/broadcasts",
    route_handlers=[create_broadcast, list_broadcasts, get_broadcast, pause_broadcast, resume_broadcast, cancel_broadcast],
    exception_handlers={MissingAudienceError: handle_missing_audience, ConflictError: handle_conflict},
    tags=["broadcasts"],
)
