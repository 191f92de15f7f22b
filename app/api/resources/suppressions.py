"""The resource /v1/suppressions: create, list, get and undo."""

from typing import Annotated

from litestar import Response, Router, delete, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from app.api.access import requires
from app.api.bodies import ActorHeader, SourceHeader, build_origin, decode_body, raise_for_problems
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.masking import MaskedParameter, show
from app.api.openapi import describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.resources.users import CHANGE_ERRORS, LIST_ERRORS, READ_ERRORS
from app.api.responses import SuppressionPage
from schemas.channels import CHANNELS, ChannelName
from schemas.ids import is_id
from schemas.masks import mask_suppression
from schemas.permissions import Permission
from schemas.user_validation import find_suppression_problems, normalize_suppressed_address
from schemas.users import SUPPRESSION_PREFIX, Suppression, SuppressionRequest

ID_FORMAT = f"{SUPPRESSION_PREFIX} and 32 hex digits"
SuppressionId = Annotated[str, PathParameter(description=ID_FORMAT)]
NEEDS_USER = "is needed in a project: a suppression of an address alone is of all projects, and only the default one can make it"
NOT_FOUND = {404: describe_problem("no such suppression")}


@post(
    "/",
    opt=requires(Permission.SUPPRESSIONS_WRITE),
    operation_class=describe_body("SuppressionRequest", {"channel": "email", "address": "ada@example.org", "reason": "complaint"}),
    responses={
        200: ResponseSpec(Suppression, description="the same suppression is in force already"),
        201: ResponseSpec(Suppression, description="created"),
        **{code: response for code, response in CHANGE_ERRORS.items() if code in (401, 422, 503)},
    },
    summary="Suppress an address or a user",
    operation_id="create_suppression",
)
async def create_suppression(request: ApiRequest, actor: ActorHeader = None, source: SourceHeader = "api") -> Response[Suppression]:
    """For all categories or one. A repeated request changes nothing and gets the suppression that is in force."""
    dependencies = get_dependencies(request)
    body = await decode_body(request, SuppressionRequest)
    raise_for_problems(find_suppression_problems(body, await dependencies.users.list_categories()))
    if body.user_id is None and get_principal(request).project:
        raise ProblemError(build_validation_problem([build_field_error("$.user_id", NEEDS_USER)]))
    written = await dependencies.suppressions.create(body, build_origin(actor, source))
    await dependencies.profile_eviction.evict(written.user_ids)
    return Response(written.suppression, status_code=201 if written.is_changed else 200)


@get("/", opt=requires(Permission.SUPPRESSIONS_READ), responses=LIST_ERRORS, summary="List suppressions", operation_id="list_suppressions")
async def list_suppressions(
    request: ApiRequest,
    search: Annotated[str, QueryParameter(description="a whole address, in any spelling", max_length=2048)] = "",
    user_id: Annotated[str | None, QueryParameter(description="only those of this user", max_length=256)] = None,
    channel: Annotated[ChannelName | None, QueryParameter(description="only those on this channel")] = None,
    undone: Annotated[bool, QueryParameter(description="also those that are undone")] = False,
    masked: MaskedParameter = False,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> SuppressionPage:
    """Newest first, those in force."""
    key = decode_cursor(cursor, lambda parts: len(parts) == 1 and is_id(parts[0], SUPPRESSION_PREFIX))
    addresses = list_spellings(search) if search else None
    found = await get_dependencies(request).suppressions.list_suppressions(
        addresses, user_id, channel, undone, limit + 1, key[0] if key else None
    )
    items, cursor = cut_page(found, limit, lambda suppression: [suppression.id])
    return SuppressionPage(await show(request, items, mask_suppression, "suppressions", _get_person, masked=masked), cursor)


@get(
    "/{suppression_id:str}",
    opt=requires(Permission.SUPPRESSIONS_READ),
    responses={**READ_ERRORS, **NOT_FOUND},
    summary="Get a suppression",
    operation_id="get_suppression",
)
async def get_suppression(request: ApiRequest, suppression_id: SuppressionId, masked: MaskedParameter = False) -> Suppression:
    """Also one that is undone."""
    suppression = await get_dependencies(request).suppressions.get(_check_id(suppression_id))
    if suppression is None:
        raise _build_missing_error(suppression_id)
    (shown,) = await show(request, [suppression], mask_suppression, "suppression", _get_person, masked=masked)
    return shown


@delete(
    "/{suppression_id:str}",
    opt=requires(Permission.SUPPRESSIONS_WRITE),
    status_code=200,
    responses={**READ_ERRORS, **NOT_FOUND},
    summary="Undo a suppression",
    operation_id="undo_suppression",
)
async def undo_suppression(
    request: ApiRequest,
    suppression_id: SuppressionId,
    reason: Annotated[str, QueryParameter(description="why, for the history", max_length=128)] = "",
    actor: ActorHeader = None,
    source: SourceHeader = "api",
) -> Suppression:
    """It stays in the list with who undid it and when. One that is undone already stays as it is."""
    dependencies = get_dependencies(request)
    origin = build_origin(actor, source, reason)
    written = await dependencies.suppressions.undo(_check_id(suppression_id), origin)
    if written is None:
        raise _build_missing_error(suppression_id)
    await dependencies.profile_eviction.evict(written.user_ids)
    return written.suppression


def _get_person(suppression: Suppression) -> str:
    """Whose address it has; of an address alone, the suppression itself."""
    return suppression.user_id or suppression.id


def list_spellings(text: str) -> list[str]:
    """The forms in which a text can be a suppressed address, by channel."""
    return [normalize_suppressed_address(channel.name, text) for channel in CHANNELS]


def _check_id(suppression_id: str) -> str:
    if not is_id(suppression_id, SUPPRESSION_PREFIX):
        raise ProblemError(build_problem("not-found", f"{suppression_id[:64]!r} is not the id of a suppression: {ID_FORMAT}"))
    return suppression_id


def _build_missing_error(suppression_id: str) -> ProblemError:
    return ProblemError(build_problem("not-found", f"there is no suppression {suppression_id}"))


router = Router(
    "/v1/suppressions",
    route_handlers=[create_suppression, list_suppressions, get_suppression, undo_suppression],
    tags=["suppressions"],
)
