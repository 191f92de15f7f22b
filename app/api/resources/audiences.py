"""The resource /v1/audiences: lists and filters of users, with the members of lists."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from litestar import Response, Router, delete, get, patch, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from app.api.access import requires
from app.api.bodies import ActorHeader, SourceHeader, build_origin, decode_body, decode_stored_body, raise_for_problems
from app.api.broadcast_requests import AudiencePage, MemberPage
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.etags import IfMatchHeader, build_etag_headers, require_if_match
from app.api.exception_handlers import handle_problem
from app.api.openapi import describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.repeated_requests import CHANGES_NOTHING
from app.api.resources.users import CHANGE_ERRORS, LIST_ERRORS, READ_ERRORS
from app.api.services.broadcast_projects import qualify_members, strip_project
from schemas.audiences import (
    Audience,
    AudienceDefinition,
    AudienceFilter,
    AudienceName,
    MatchingUsers,
    MemberChange,
    MemberCounts,
    Recipients,
    find_definition_problems,
    find_filter_problems,
)
from schemas.broadcasts import RecipientPreview
from schemas.errors import ConflictError, HeroldError, MissingAudienceError, UnknownUsersError
from schemas.permissions import Permission
from schemas.user_validation import FieldProblem

PREVIEWED_USERS = 10
EXAMPLE_FILTER = {"tier": ["gold"], "locale": ["de"], "has_channel": ["email"], "not": {"attributes": {"plan": "free"}}}
NameParameter = Annotated[str, PathParameter(description="the name of the audience", max_length=128)]
NOT_FOUND = {404: describe_problem("no such audience")}
CONFLICT = {409: describe_problem("the kind of the audience, or what uses it, does not allow the change")}
AUDIENCE_CHANGE_ERRORS = {**CHANGE_ERRORS, **NOT_FOUND, **CONFLICT}
READ_AUDIENCE_ERRORS = {**READ_ERRORS, **NOT_FOUND}


@get("/", opt=requires(Permission.AUDIENCES_READ), responses=LIST_ERRORS, summary="List audiences", operation_id="list_audiences")
async def list_audiences(
    request: ApiRequest,
    search: Annotated[str, QueryParameter(description="part of a name", max_length=128)] = "",
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> AudiencePage:
    """In the order of names."""
    after = decode_cursor(cursor)
    found = await get_dependencies(request).audiences.list_audiences(search, limit + 1, after[0] if after else "")
    return AudiencePage(*cut_page(found, limit, lambda audience: [audience.name]))


@get(
    "/{name:str}",
    opt=requires(Permission.AUDIENCES_READ),
    responses=READ_AUDIENCE_ERRORS,
    summary="Get an audience",
    operation_id="get_audience",
)
async def get_audience(request: ApiRequest, name: NameParameter) -> Response[Audience]:
    """The ETag is the version, which members do not change."""
    return _respond(await get_dependencies(request).audiences.get(name))


@put(
    "/{name:str}",
    opt=requires(Permission.AUDIENCES_WRITE),
    operation_class=describe_body("AudienceDefinition", {"filter": EXAMPLE_FILTER, "description": "who pays and reads German"}),
    responses={
        200: ResponseSpec(Audience, description="replaced"),
        201: ResponseSpec(Audience, description="created"),
        **AUDIENCE_CHANGE_ERRORS,
    },
    summary="Create or replace an audience",
    operation_id="put_audience",
)
async def put_audience(
    request: ApiRequest, name: NameParameter, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[Audience]:
    """With a filter, the users who match it; without one, a list. One that exists is replaced, for which If-Match is needed."""
    raise_for_problems(_find_name_problems(strip_project(get_principal(request).project, name)))
    definition = await decode_body(request, AudienceDefinition)
    raise_for_problems(find_definition_problems(definition))
    audiences, origin = get_dependencies(request).audiences, build_origin(actor, source)
    if if_match is None and (audience := await audiences.create(name, definition, origin)):
        return _respond(audience, 201)
    return _respond(await audiences.replace(name, definition, require_if_match(if_match), origin))


@delete(
    "/{name:str}",
    opt=requires(Permission.AUDIENCES_WRITE),
    responses=AUDIENCE_CHANGE_ERRORS,
    summary="Delete an audience",
    operation_id="delete_audience",
)
async def delete_audience(
    request: ApiRequest, name: NameParameter, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> None:
    """Deletes it with its members, not its users. Not while a schedule or a broadcast that has not ended uses it. Needs If-Match."""
    version = require_if_match(if_match)
    await get_dependencies(request).audiences.delete(name, version, build_origin(actor, source))


@get(
    "/{name:str}/preview",
    opt=requires(Permission.AUDIENCES_READ),
    responses=READ_AUDIENCE_ERRORS,
    summary="Count the users of an audience",
    operation_id="preview_audience",
)
async def preview_audience(request: ApiRequest, name: NameParameter) -> RecipientPreview:
    """How many users are in it now, and the first of them."""
    _, recipients = await get_dependencies(request).audiences.find_recipients(name)
    return await preview_recipients(request, recipients)


@post(
    "/preview",
    opt={**requires(Permission.AUDIENCES_READ), **CHANGES_NOTHING},
    operation_class=describe_body("AudienceFilter", EXAMPLE_FILTER),
    status_code=200,
    responses={code: response for code, response in CHANGE_ERRORS.items() if code in (401, 422, 503)},
    summary="Count the users who match a filter",
    operation_id="preview_filter",
)
async def preview_filter(request: ApiRequest) -> RecipientPreview:
    """As an audience with this filter would; nothing is stored."""
    audience_filter = await decode_stored_body(request, AudienceFilter)
    raise_for_problems(find_filter_problems(audience_filter, "$"))
    return await preview_recipients(request, MatchingUsers(audience_filter, get_principal(request).project))


@get(
    "/{name:str}/members",
    opt=requires(Permission.AUDIENCES_READ),
    responses={**READ_AUDIENCE_ERRORS, 422: LIST_ERRORS[422]},
    summary="List the users of an audience",
    operation_id="list_audience_members",
)
async def list_members(
    request: ApiRequest, name: NameParameter, limit: LimitParameter = DEFAULT_PAGE_SIZE, cursor: CursorParameter = None
) -> MemberPage:
    """In the order of ids: the members of a list, or the users who match the filter now."""
    after = decode_cursor(cursor)
    audiences = get_dependencies(request).audiences
    _, recipients = await audiences.find_recipients(name)
    found = await audiences.list_users(recipients, limit + 1, after[0] if after else "")
    return MemberPage(*cut_page(found, limit, lambda user_id: [user_id]))


@patch(
    "/{name:str}/members",
    opt=requires(Permission.AUDIENCES_WRITE),
    operation_class=describe_body("MemberChange", {"add": ["u-42", "u-43"], "remove": ["u-7"]}),
    responses={code: response for code, response in AUDIENCE_CHANGE_ERRORS.items() if code not in (412, 428)},
    summary="Change the members of a list",
    operation_id="change_audience_members",
)
async def change_members(request: ApiRequest, name: NameParameter, actor: ActorHeader = None, source: SourceHeader = "api") -> MemberCounts:
    """Adds and removes users, at most 1,000 of each; with `preview` only says what would change. A user who does not exist is an error."""
    change = qualify_members(get_principal(request).project, await decode_stored_body(request, MemberChange))
    try:
        audiences, origin = get_dependencies(request).audiences, build_origin(actor, source)
        return await audiences.change_members(name, change, origin)
    except UnknownUsersError as error:
        unknown = frozenset(error.user_ids)
        places = [index for index, user_id in enumerate(change.add) if user_id in unknown]
        errors = [build_field_error(f"$.add[{index}]", f"there is no user {change.add[index][:64]!r}", "unknown_user") for index in places]
        raise ProblemError(build_validation_problem(errors)) from None


async def preview_recipients(request: ApiRequest, recipients: Recipients) -> RecipientPreview:
    """How many users there are, and the first of them."""
    audiences = get_dependencies(request).audiences
    return RecipientPreview(await audiences.count_users(recipients), await audiences.list_users(recipients, PREVIEWED_USERS))


def handle_conflict(request: ApiRequest, error: HeroldError) -> Response[bytes]:
    """The response to a change that the state does not allow."""
    return handle_problem(request, ProblemError(build_problem("conflict", str(error))))


def handle_missing_audience(request: ApiRequest, error: HeroldError) -> Response[bytes]:
    """The response to a request about an audience that does not exist."""
    return handle_problem(request, ProblemError(build_problem("not-found", str(error))))


def _find_name_problems(name: str) -> Iterator[FieldProblem]:
    try:
        msgspec.convert(name, AudienceName)
    except msgspec.ValidationError:
        text = "must match [A-Za-z0-9][A-Za-z0-9._-]* and have at most 128 characters"
        yield FieldProblem("$.name", text)


def _respond(audience: Audience, status_code: int = 200) -> Response[Audience]:
    return Response(audience, status_code=status_code, headers=build_etag_headers(audience.version))


router = Router(
    "/v1/audiences",
    route_handlers=[
        list_audiences,
        get_audience,
        put_audience,
        delete_audience,
        preview_audience,
        preview_filter,
        list_members,
        change_members,
    ],
    exception_handlers={MissingAudienceError: handle_missing_audience, ConflictError: handle_conflict},
    tags=["audiences"],
)
