"""The resource /v1/rate-limits: read and change rate limits, with their versions. A limit is addressed by what it counts."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, Router, delete, get, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from app.admin.category_problems import find_limit_problems
from app.api.access import requires
from app.api.bodies import ActorHeader, build_origin, check_stored, decode_body
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.etags import IfMatchHeader, build_etag_headers, require_if_match
from app.api.exception_handlers import handle_problem
from app.api.openapi import INVALID, STORE_UNAVAILABLE, UNAUTHORIZED, describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor, decode_version_cursor, is_number
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.rate_limit_bodies import RateLimitChange, RateLimitPage, RateLimitResponse, RateLimitVersionPage
from schemas.channels import ChannelName
from schemas.errors import MissingRateLimitError
from schemas.lifetimes import MAX_RATE_WINDOW
from schemas.permissions import Permission
from schemas.policy import Policy
from schemas.policy_document import PolicyDocument, RateLimitEntry, merge_document
from schemas.rate_limits import RateLimitKey, StoredRateLimit

ALL_CHANNELS = "all"

ChannelParameter = Annotated[ChannelName | Literal["all"], PathParameter(description="a channel, or `all` for all channels together")]
WindowParameter = Annotated[int, PathParameter(description="the window in seconds", ge=1, le=MAX_RATE_WINDOW)]
CategoryParameter = Annotated[str, QueryParameter(description="empty: all categories", max_length=128)]
TierParameter = Annotated[str, QueryParameter(description="empty: users of all tiers", max_length=128)]
CommentParameter = Annotated[str, QueryParameter(description="why, for the history", max_length=1000)]


LIST_ERRORS = {**UNAUTHORIZED, **INVALID, **STORE_UNAVAILABLE}
READ_ERRORS = {**LIST_ERRORS, 404: describe_problem("no such limit")}
CHANGE_ERRORS = {
    **READ_ERRORS,
    412: describe_problem("the limit has changed since it was read; ETag has the current version"),
    428: describe_problem("If-Match is missing"),
}
PATH = "/{channel:str}/{window_seconds:int}"


@get("/", opt=requires(Permission.RATE_LIMITS_READ), responses=LIST_ERRORS, summary="List rate limits", operation_id="list_rate_limits")
async def list_rate_limits(
    request: ApiRequest,
    channel: Annotated[ChannelName | Literal["all"] | None, QueryParameter(description="only those of this channel, or of `all`")] = None,
    category: Annotated[str | None, QueryParameter(description="only those of this category", max_length=128)] = None,
    tier: Annotated[str | None, QueryParameter(description="only those of this tier", max_length=128)] = None,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> RateLimitPage:
    """In the order of channel, category, tier and window; those of all channels first."""
    key = decode_cursor(cursor, lambda parts: len(parts) == 4 and is_number(parts[3]))
    project = get_principal(request).project
    after = RateLimitKey(key[0], key[1], key[2], int(key[3]), project) if key else RateLimitKey("", "", "", 0, project)
    wanted = None if channel is None else _name_channel(channel)
    found = await get_dependencies(request).rate_limits.list_rate_limits(limit + 1, after, wanted, category, tier)
    items, next_cursor = cut_page(found, limit, lambda one: [str(part) for part in one.key[:4]])
    return RateLimitPage([RateLimitResponse(one.version, one.limit) for one in items], next_cursor)


@get(PATH, opt=requires(Permission.RATE_LIMITS_READ), responses=READ_ERRORS, summary="Get a rate limit", operation_id="get_rate_limit")
async def get_rate_limit(
    request: ApiRequest,
    channel: ChannelParameter,
    window_seconds: WindowParameter,
    category: CategoryParameter = "",
    tier: TierParameter = "",
) -> Response[RateLimitResponse]:
    """The ETag is the version."""
    key = _build_key(request, channel, window_seconds, category, tier)
    return _respond(await get_dependencies(request).rate_limits.get(key))


@put(
    PATH,
    opt=requires(Permission.RATE_LIMITS_WRITE),
    operation_class=describe_body("RateLimitChange", {"max_count": 5}),
    responses={
        200: ResponseSpec(RateLimitResponse, description="changed"),
        201: ResponseSpec(RateLimitResponse, description="created"),
        **CHANGE_ERRORS,
    },
    summary="Create or change a rate limit",
    operation_id="put_rate_limit",
)
async def put_rate_limit(
    request: ApiRequest,
    channel: ChannelParameter,
    window_seconds: WindowParameter,
    category: CategoryParameter = "",
    tier: TierParameter = "",
    if_match: IfMatchHeader = None,
    actor: ActorHeader = None,
    comment: CommentParameter = "",
) -> Response[RateLimitResponse]:
    """Creates a limit that does not exist. One that does is changed, for which If-Match is needed."""
    body, key = await decode_body(request, RateLimitChange), _build_key(request, channel, window_seconds, category, tier)
    entry = check_stored(_build_entry(key, body.max_count))
    limits, origin = get_dependencies(request).rate_limits, build_origin(actor, "api", comment)
    if if_match is None and (stored := await limits.create(entry, origin, _check_limit)):
        return _respond(stored, 201)
    return _respond(await limits.put(entry, require_if_match(if_match), origin, _check_limit))


@delete(
    PATH,
    opt=requires(Permission.RATE_LIMITS_WRITE),
    responses=CHANGE_ERRORS,
    summary="Delete a rate limit",
    operation_id="delete_rate_limit",
)
async def delete_rate_limit(
    request: ApiRequest,
    channel: ChannelParameter,
    window_seconds: WindowParameter,
    category: CategoryParameter = "",
    tier: TierParameter = "",
    if_match: IfMatchHeader = None,
    actor: ActorHeader = None,
    comment: CommentParameter = "",
) -> None:
    """Nothing is counted for it any more. Its versions stay. Needs If-Match."""
    version, key = require_if_match(if_match), _build_key(request, channel, window_seconds, category, tier)
    await get_dependencies(request).rate_limits.delete(key, version, build_origin(actor, "api", comment))


@get(
    f"{PATH}/versions",
    opt=requires(Permission.RATE_LIMITS_READ),
    responses=READ_ERRORS,
    summary="List the versions of a rate limit",
    operation_id="list_rate_limit_versions",
)
async def list_rate_limit_versions(
    request: ApiRequest,
    channel: ChannelParameter,
    window_seconds: WindowParameter,
    category: CategoryParameter = "",
    tier: TierParameter = "",
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> RateLimitVersionPage:
    """Newest first, with who made each and why; `max_count` is null in the version that deleted it."""
    before = decode_version_cursor(cursor)
    below = {} if before is None else {"before": before}
    key = _build_key(request, channel, window_seconds, category, tier)
    versions = await get_dependencies(request).rate_limits.list_versions(key, limit + 1, **below)
    return RateLimitVersionPage(*cut_page(versions, limit, lambda one: [str(one.version)]))


def _respond(stored: StoredRateLimit, status_code: int = 200) -> Response[RateLimitResponse]:
    body = RateLimitResponse(stored.version, stored.limit)
    return Response(body, status_code=status_code, headers=build_etag_headers(stored.version))


def _name_channel(channel: str) -> str:
    return "" if channel == ALL_CHANNELS else channel


def _build_key(request: ApiRequest, channel: str, window_seconds: int, category: str, tier: str) -> RateLimitKey:
    return RateLimitKey(_name_channel(channel), category, tier, window_seconds, get_principal(request).project)


def _build_entry(key: RateLimitKey, max_count: int) -> RateLimitEntry:
    values: dict[str, Any] = {**key._asdict(), "max_count": max_count}
    return msgspec.convert(values, RateLimitEntry)


def _check_limit(policy: Policy, document: PolicyDocument) -> None:
    """Raise ProblemError for a category that no rule has, or a tier that is no name."""
    problems = find_limit_problems(policy, merge_document(policy, document), document)
    if errors := [build_field_error(f"$.{field}", text) for _, field, text in problems]:
        raise ProblemError(build_validation_problem(errors))


def _handle_missing_limit(request: ApiRequest, error: MissingRateLimitError) -> Response[bytes]:
    return handle_problem(request, ProblemError(build_problem("not-found", str(error))))


router = Router(
    "/v1/rate-limits",
    route_handlers=[list_rate_limits, get_rate_limit, put_rate_limit, delete_rate_limit, list_rate_limit_versions],
    exception_handlers={MissingRateLimitError: _handle_missing_limit},
    tags=["rate limits"],
)
