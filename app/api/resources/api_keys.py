"""The resource /v1/api-keys: create, list, change, rotate and revoke the keys of a project."""

from typing import Annotated

from litestar import Response, Router, get, patch, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from app.api.access import requires
from app.api.api_key_bodies import EXAMPLE_KEY_REQUEST, ApiKeyPage
from app.api.bodies import ActorHeader, SourceHeader, build_origin, decode_body, decode_json, raise_for_problems
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.etags import IfMatchHeader, build_etag_headers, require_if_match
from app.api.exception_handlers import handle_problem
from app.api.openapi import describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_problem
from app.api.repeated_requests import shows_secret
from app.api.resources.audiences import handle_conflict
from app.api.resources.users import CHANGE_ERRORS, LIST_ERRORS, READ_ERRORS
from schemas.api_keys import ApiKey, ApiKeyChange, ApiKeyRequest, CreatedApiKey, KeyRevocation, KeyRotation, find_key_problems
from schemas.errors import ConflictError, MissingApiKeyError
from schemas.permissions import Permission

IdParameter = Annotated[str, PathParameter(description="the id of the key, which is a part of its text", max_length=64)]
KEY_PATH = "/v1/api-keys/{id}"
NOT_FOUND = {404: describe_problem("no such key")}
CONFLICT = {409: describe_problem("the key is revoked, or two of its secrets count already")}
READ_KEY_ERRORS = {**READ_ERRORS, **NOT_FOUND}
CHANGE_KEY_ERRORS = {**CHANGE_ERRORS, **NOT_FOUND, **CONFLICT}
ACTION_ERRORS = {**READ_KEY_ERRORS, 422: CHANGE_ERRORS[422], **CONFLICT}
CREATE_ERRORS = {**LIST_ERRORS, 409: describe_problem("the random id is taken: send the request again")}


@get("/", opt=requires(Permission.API_KEYS_READ), responses=LIST_ERRORS, summary="List API keys", operation_id="list_api_keys")
async def list_api_keys(
    request: ApiRequest,
    search: Annotated[str, QueryParameter(description="part of a name, or an id", max_length=128)] = "",
    with_ended: Annotated[bool, QueryParameter(name="ended", description="also those that are revoked or expired")] = False,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> ApiKeyPage:
    """In the order of their names, without secrets."""
    name, key_id = decode_cursor(cursor, lambda key: len(key) == 2) or ("", "")
    store, project = get_dependencies(request).api_keys.store, get_principal(request).project
    found = await store.list_keys(project, limit + 1, (name, key_id), search, with_ended=with_ended)
    return ApiKeyPage(*cut_page(found, limit, lambda key: [key.name, key.id]))


@post(
    "/",
    opt={**requires(Permission.API_KEYS_WRITE), **shows_secret(KEY_PATH)},
    operation_class=describe_body("ApiKeyRequest", EXAMPLE_KEY_REQUEST),
    responses={201: ResponseSpec(CreatedApiKey, description="created"), **CREATE_ERRORS},
    summary="Create an API key",
    operation_id="create_api_key",
)
async def create_api_key(request: ApiRequest, actor: ActorHeader = None, source: SourceHeader = "api") -> Response[CreatedApiKey]:
    """The response has the text of the key, which is shown only now. A key can do nothing that its creator cannot do."""
    body, dependencies = await decode_body(request, ApiKeyRequest), get_dependencies(request)
    raise_for_problems(find_key_problems(body, dependencies.clock()))
    created = await dependencies.api_keys.create(get_principal(request), body, build_origin(actor, source))
    return Response(created, status_code=201, headers=build_etag_headers(created.version))


@get(
    "/{key_id:str}",
    opt=requires(Permission.API_KEYS_READ),
    responses=READ_KEY_ERRORS,
    summary="Get an API key",
    operation_id="get_api_key",
)
async def get_api_key(request: ApiRequest, key_id: IdParameter) -> Response[ApiKey]:
    """The ETag is the version. Its text is not shown."""
    return _respond(await get_dependencies(request).api_keys.store.get(get_principal(request).project, key_id))


@patch(
    "/{key_id:str}",
    opt=requires(Permission.API_KEYS_WRITE),
    operation_class=describe_body("ApiKeyChange", {"scopes": ["notifications:send", "notifications:read"]}),
    responses=CHANGE_KEY_ERRORS,
    summary="Change an API key",
    operation_id="change_api_key",
)
async def change_api_key(
    request: ApiRequest, key_id: IdParameter, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[ApiKey]:
    """Changes the fields of the body, everywhere within 30 s. Needs If-Match."""
    change, version = await decode_body(request, ApiKeyChange), require_if_match(if_match)
    raise_for_problems(find_key_problems(change, get_dependencies(request).clock()))
    keys, principal = get_dependencies(request).api_keys, get_principal(request)
    return _respond(await keys.change(principal, key_id, change, version, build_origin(actor, source)))


@post(
    "/{key_id:str}/rotate",
    opt={**requires(Permission.API_KEYS_WRITE), **shows_secret(KEY_PATH)},
    operation_class=describe_body("KeyRotation", {"overlap": 3600}),
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Rotate the secret of an API key",
    operation_id="rotate_api_key",
)
async def rotate_api_key(
    request: ApiRequest, key_id: IdParameter, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[CreatedApiKey]:
    """The response has the new text, which is shown only now. The one before counts for the overlap as well, by default a day."""
    rotation = decode_json(await request.body() or b"{}", KeyRotation)
    keys, principal = get_dependencies(request).api_keys, get_principal(request)
    rotated = await keys.rotate(principal, key_id, rotation.overlap, build_origin(actor, source))
    return Response(rotated, headers=build_etag_headers(rotated.version))


@post(
    "/{key_id:str}/revoke",
    opt=requires(Permission.API_KEYS_WRITE),
    operation_class=describe_body("KeyRevocation", {"reason": "it was in a log"}),
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Revoke an API key",
    operation_id="revoke_api_key",
)
async def revoke_api_key(
    request: ApiRequest, key_id: IdParameter, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[ApiKey]:
    """It ends for good, everywhere within 30 s; it stays in the list of ended keys."""
    reason = decode_json(await request.body() or b"{}", KeyRevocation).reason.replace("\0", "")
    store, project = get_dependencies(request).api_keys.store, get_principal(request).project
    return _respond(await store.revoke(project, key_id, build_origin(actor, source, reason)))


def _respond(key: ApiKey) -> Response[ApiKey]:
    return Response(key, headers=build_etag_headers(key.version))


def _handle_missing_key(request: ApiRequest, error: MissingApiKeyError) -> Response[bytes]:
    return handle_problem(request, ProblemError(build_problem("not-found", str(error))))


router = Router(
    "/v1/api-keys",
    route_handlers=[list_api_keys, create_api_key, get_api_key, change_api_key, rotate_api_key, revoke_api_key],
    exception_handlers={MissingApiKeyError: _handle_missing_key, ConflictError: handle_conflict},
    tags=["API keys"],
)
