"""The resources /v1/users and /v1/users/{id}/devices."""

from typing import Annotated

from litestar import Response, Router, delete, get, patch, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from app.api.access import requires
from app.api.bodies import (
    ActorHeader,
    SourceHeader,
    build_origin,
    decode_body,
    raise_for_problems,
)
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.etags import IfMatchHeader, build_etag_headers, parse_if_match, require_if_match
from app.api.masking import MaskedParameter, show
from app.api.openapi import STORE_UNAVAILABLE, UNAUTHORIZED, describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.problems import ProblemError, build_problem
from app.api.responses import DevicePage, UserPage
from schemas.errors import MissingUserError
from schemas.masks import mask_device, mask_user
from schemas.permissions import Permission
from schemas.user_validation import find_device_problems, find_user_id_problems, find_user_problems
from schemas.users import Device, DeviceChange, User, UserChange, fill_change

UserId = Annotated[str, PathParameter(description="the user's id")]
TokenParameter = Annotated[str, PathParameter(description="the device's token")]
SearchParameter = Annotated[
    str, QueryParameter(description="the beginning of an id, or a whole address, number or token of a device", max_length=2048)
]
USER_EXAMPLE = {
    "addresses": {"email": ["ada@example.org"], "sms": "+436641234567"},
    "locale": "de-AT",
    "time_zone": "Europe/Vienna",
    "tier": "gold",
    "attributes": {"plan": "pro"},
    "quiet_hours": {"start": "22:00", "end": "07:00"},
}


READ_ERRORS = {**UNAUTHORIZED, 404: describe_problem("no such user"), **STORE_UNAVAILABLE}
LIST_ERRORS = {**UNAUTHORIZED, 422: describe_problem("a parameter is not valid"), **STORE_UNAVAILABLE}
CHANGE_ERRORS = {
    **READ_ERRORS,
    412: describe_problem("the user has changed since it was read; ETag has the current version"),
    422: describe_problem("the body is not valid; errors names the fields"),
    428: describe_problem("If-Match is missing"),
}


@get("/", opt=requires(Permission.USERS_READ), responses=LIST_ERRORS, summary="List users", operation_id="list_users")
async def list_users(
    request: ApiRequest,
    search: SearchParameter = "",
    masked: MaskedParameter = False,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> UserPage:
    """In the order of ids: all users, or those whose id begins with the text or who have it as an address. Masked without users:unmask."""
    after = decode_cursor(cursor)
    found = await get_dependencies(request).users.list_users(search, limit + 1, after[0] if after else "")
    items, cursor = cut_page(found, limit, lambda user: [user.id])
    return UserPage(await show(request, items, mask_user, "users", lambda user: user.id, masked=masked), cursor)


@get("/{user_id:str}", opt=requires(Permission.USERS_READ), responses=READ_ERRORS, summary="Get a user", operation_id="get_user")
async def get_user(request: ApiRequest, user_id: UserId, masked: MaskedParameter = False) -> Response[User]:
    """The ETag is the version of the user with devices and preferences. Addresses and attributes are masked without users:unmask."""
    user = await get_dependencies(request).users.get(user_id)
    if user is None:
        raise MissingUserError(user_id)
    (shown,) = await show(request, [user], mask_user, "user", lambda one: one.id, masked=masked)
    return _respond(shown)


@put(
    "/{user_id:str}",
    opt=requires(Permission.USERS_WRITE),
    operation_class=describe_body("UserChange", USER_EXAMPLE),
    responses={200: ResponseSpec(User, description="replaced"), 201: ResponseSpec(User, description="created"), **CHANGE_ERRORS},
    summary="Create or replace a user",
    operation_id="put_user",
)
async def put_user(
    request: ApiRequest, user_id: UserId, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[User]:
    """Creates a user who does not exist. One who exists is replaced, for which If-Match is needed; what is left out is empty then."""
    raise_for_problems(find_user_id_problems(user_id))
    change = fill_change(await _decode_user(request))
    dependencies, origin = get_dependencies(request), build_origin(actor, source)
    if if_match is None and (user := await dependencies.users.create(user_id, change, origin)):
        await dependencies.profile_eviction.evict([user_id])
        return _respond(user, 201)
    user = await dependencies.users.change(user_id, change, require_if_match(if_match), origin)
    await dependencies.profile_eviction.evict([user_id])
    return _respond(user)


@patch(
    "/{user_id:str}",
    opt=requires(Permission.USERS_WRITE),
    operation_class=describe_body("UserChange", {"tier": "gold"}),
    responses=CHANGE_ERRORS,
    summary="Change a user",
    operation_id="change_user",
)
async def change_user(
    request: ApiRequest, user_id: UserId, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[User]:
    """Changes the fields of the body; each replaces the stored one as a whole. Needs If-Match."""
    dependencies = get_dependencies(request)
    change, version = await _decode_user(request), require_if_match(if_match)
    user = await dependencies.users.change(user_id, change, version, build_origin(actor, source))
    await dependencies.profile_eviction.evict([user_id])
    return _respond(user)


@delete(
    "/{user_id:str}",
    opt=requires(Permission.USERS_WRITE),
    responses={**READ_ERRORS, 412: CHANGE_ERRORS[412]},
    summary="Delete a user",
    operation_id="delete_user",
)
async def delete_user(
    request: ApiRequest, user_id: UserId, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> None:
    """Deletes the user with devices and preferences; each preference has a consent event. Suppressions and consent events stay."""
    dependencies = get_dependencies(request)
    await dependencies.users.delete(user_id, parse_if_match(if_match), build_origin(actor, source))
    await dependencies.profile_eviction.evict([user_id])


@get(
    "/{user_id:str}/devices",
    opt=requires(Permission.USERS_READ),
    responses={**READ_ERRORS, 422: LIST_ERRORS[422]},
    summary="List a user's devices",
    operation_id="list_devices",
)
async def list_devices(
    request: ApiRequest,
    user_id: UserId,
    masked: MaskedParameter = False,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> DevicePage:
    """In the order of tokens, sealed ones in that of hashes. Push messages go to the twenty that were updated last.

    Without users:unmask the first page, with hashes.
    """
    users, after = get_dependencies(request).users, decode_cursor(cursor)
    found = await users.list_devices(user_id, limit + 1, after[0] if after else "")
    if not found and await users.get(user_id) is None:
        raise MissingUserError(user_id)
    items, cursor = cut_page(found, limit, lambda device: [device.token])
    shown = await show(request, items, mask_device, "devices", lambda _: user_id, masked=masked)
    return DevicePage(shown, cursor if shown == items else None)  # a cursor has a token in it


@put(
    "/{user_id:str}/devices/{token:str}",
    opt=requires(Permission.USERS_WRITE),
    operation_class=describe_body("DeviceChange", {"kind": "fcm", "platform": "android"}),
    responses={
        200: ResponseSpec(Device, description="changed"),
        201: ResponseSpec(Device, description="created"),
        **READ_ERRORS,
        422: CHANGE_ERRORS[422],
    },
    summary="Create or change a device",
    operation_id="put_device",
)
async def put_device(
    request: ApiRequest, user_id: UserId, token: TokenParameter, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[Device]:
    """Without If-Match, so that an app can register its token at each start; what is left out stays as it is."""
    change = await decode_body(request, DeviceChange)
    raise_for_problems(find_device_problems(token, change))
    dependencies = get_dependencies(request)
    device, is_new = await dependencies.users.set_device(user_id, token, change, build_origin(actor, source))
    await dependencies.profile_eviction.evict([user_id])
    return Response(device, status_code=201 if is_new else 200)


@delete(
    "/{user_id:str}/devices/{token:str}",
    opt=requires(Permission.USERS_WRITE),
    responses=READ_ERRORS,
    summary="Delete a device",
    operation_id="delete_device",
)
async def delete_device(
    request: ApiRequest, user_id: UserId, token: TokenParameter, actor: ActorHeader = None, source: SourceHeader = "api"
) -> None:
    """No push message goes to it any more."""
    dependencies = get_dependencies(request)
    if not await dependencies.users.delete_device(user_id, token, build_origin(actor, source)):
        raise ProblemError(build_problem("not-found", f"user {user_id[:64]!r} has no such device"))
    await dependencies.profile_eviction.evict([user_id])


async def _decode_user(request: ApiRequest) -> UserChange:
    change = await decode_body(request, UserChange)
    raise_for_problems(find_user_problems(change))
    return change


def _respond(user: User, status_code: int = 200) -> Response[User]:
    return Response(user, status_code=status_code, headers=build_etag_headers(user.version))


router = Router(
    "/v1/users",
    route_handlers=[list_users, get_user, put_user, change_user, delete_user, list_devices, put_device, delete_device],
    tags=["users"],
)
