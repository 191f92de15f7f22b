"""The resource /v1/webhook-endpoints: the URLs that webhooks are sent to, with their secrets, state and test webhooks."""

from typing import Annotated

from litestar import Response, Router, delete, get, patch, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from app.api.access import requires
from app.api.bodies import ActorHeader, SourceHeader, build_origin, check_stored, decode_json, decode_stored_body, raise_for_problems
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.etags import IfMatchHeader, build_etag_headers, require_if_match
from app.api.exception_handlers import handle_problem
from app.api.openapi import describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.problems import ProblemError, build_problem
from app.api.repeated_requests import shows_secret
from app.api.resources.audiences import handle_conflict
from app.api.resources.users import CHANGE_ERRORS, LIST_ERRORS, READ_ERRORS
from app.api.webhook_endpoint_bodies import EndpointActionRequest, PingRequest, WebhookEndpointPage
from schemas.errors import ConflictError, MissingEndpointError
from schemas.ids import DELIVERY_PREFIX, is_id
from schemas.lifetimes import HOUR
from schemas.permissions import Permission
from schemas.webhook_endpoints import (
    ENDPOINT_PREFIX,
    CreatedEndpoint,
    EndpointChange,
    EndpointKind,
    EndpointRequest,
    EndpointStatistics,
    PingResult,
    SecretRotation,
    WebhookEndpoint,
    find_request_problems,
)

MAX_HOURS = 24 * 90
EXAMPLE_ENDPOINT = {
    "url": "https://hooks.example.org/orders",
    "user_id": "u-partner-north",
    "types": ["order.*", "partner.invoice"],
    "description": "the order system",
}
IdParameter = Annotated[str, PathParameter(description="the id of the endpoint", max_length=64)]
ENDPOINT_PATH = "/v1/webhook-endpoints/{id}"
NOT_FOUND = {404: describe_problem("no such endpoint")}
CONFLICT = {409: describe_problem("there is one with this URL, the user has too many, or two secrets sign already")}
READ_ENDPOINT_ERRORS = {**READ_ERRORS, **NOT_FOUND}
CHANGE_ENDPOINT_ERRORS = {**CHANGE_ERRORS, **NOT_FOUND, **CONFLICT}
ACTION_ERRORS = {**READ_ENDPOINT_ERRORS, 422: CHANGE_ERRORS[422]}
CREATE_ERRORS = {**ACTION_ERRORS, 404: describe_problem("no such user"), **CONFLICT}


@get(
    "/",
    opt=requires(Permission.WEBHOOK_ENDPOINTS_READ),
    responses=LIST_ERRORS,
    summary="List webhook endpoints",
    operation_id="list_webhook_endpoints",
)
async def list_endpoints(
    request: ApiRequest,
    kind: Annotated[EndpointKind | None, QueryParameter(description="only those of this kind")] = None,
    user_id: Annotated[str | None, QueryParameter(description="only those of this user", max_length=256)] = None,
    is_enabled: Annotated[bool | None, QueryParameter(name="enabled", description="only those that are enabled, or disabled")] = None,
    search: Annotated[str, QueryParameter(description="part of a URL", max_length=256)] = "",
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> WebhookEndpointPage:
    """In the order of their creation."""
    key = decode_cursor(cursor, lambda parts: len(parts) == 1 and is_id(parts[0], ENDPOINT_PREFIX))
    store = get_dependencies(request).webhook_endpoints.store
    found = await store.list_endpoints(limit + 1, key[0] if key else "", kind, user_id, is_enabled, search)
    return WebhookEndpointPage(*cut_page(found, limit, lambda endpoint: [endpoint.id]))


@post(
    "/",
    opt={**requires(Permission.WEBHOOK_ENDPOINTS_WRITE), **shows_secret(ENDPOINT_PATH)},
    operation_class=describe_body("EndpointRequest", EXAMPLE_ENDPOINT),
    responses={201: ResponseSpec(CreatedEndpoint, description="created"), **CREATE_ERRORS},
    summary="Create a webhook endpoint",
    operation_id="create_webhook_endpoint",
)
async def create_endpoint(request: ApiRequest, actor: ActorHeader = None, source: SourceHeader = "api") -> Response[CreatedEndpoint]:
    """The response has the secret, which is shown only now. The URL must resolve to addresses that may be called."""
    body, dependencies = await decode_stored_body(request, EndpointRequest), get_dependencies(request)
    raise_for_problems(find_request_problems(body))
    created = await dependencies.webhook_endpoints.create(body, build_origin(actor, source))
    await _evict(request, created)
    return Response(created, status_code=201, headers=build_etag_headers(created.version))


@get(
    "/{endpoint_id:str}",
    opt=requires(Permission.WEBHOOK_ENDPOINTS_READ),
    responses=READ_ENDPOINT_ERRORS,
    summary="Get a webhook endpoint",
    operation_id="get_webhook_endpoint",
)
async def get_endpoint(request: ApiRequest, endpoint_id: IdParameter) -> Response[WebhookEndpoint]:
    """The ETag is the version. Secrets are not shown; public keys are."""
    return _respond(await get_dependencies(request).webhook_endpoints.store.get(endpoint_id))


@patch(
    "/{endpoint_id:str}",
    opt=requires(Permission.WEBHOOK_ENDPOINTS_WRITE),
    operation_class=describe_body("EndpointChange", {"types": ["order.*"]}),
    responses=CHANGE_ENDPOINT_ERRORS,
    summary="Change a webhook endpoint",
    operation_id="change_webhook_endpoint",
)
async def change_endpoint(
    request: ApiRequest, endpoint_id: IdParameter, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[WebhookEndpoint]:
    """Changes the fields of the body; a new URL is checked as that of a new endpoint. Needs If-Match."""
    change, version = await decode_stored_body(request, EndpointChange), require_if_match(if_match)
    changed = await get_dependencies(request).webhook_endpoints.change(endpoint_id, change, version, build_origin(actor, source))
    await _evict(request, changed)
    return _respond(changed)


@delete(
    "/{endpoint_id:str}",
    opt=requires(Permission.WEBHOOK_ENDPOINTS_WRITE),
    responses=CHANGE_ENDPOINT_ERRORS,
    summary="Delete a webhook endpoint",
    operation_id="delete_webhook_endpoint",
)
async def delete_endpoint(
    request: ApiRequest, endpoint_id: IdParameter, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> None:
    """Deliveries that are on their way to it fail. Needs If-Match."""
    version, store = require_if_match(if_match), get_dependencies(request).webhook_endpoints.store
    await _evict(request, await store.delete(endpoint_id, version, build_origin(actor, source)))


@post(
    "/{endpoint_id:str}/enable",
    opt=requires(Permission.WEBHOOK_ENDPOINTS_WRITE),
    operation_class=describe_body("EndpointActionRequest", {"reason": "the receiver works again"}),
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Enable a webhook endpoint",
    operation_id="enable_webhook_endpoint",
)
async def enable_endpoint(
    request: ApiRequest, endpoint_id: IdParameter, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[WebhookEndpoint]:
    """It is called again; what has failed meanwhile is not sent again by itself."""
    origin = build_origin(actor, source, await _read_reason(request))
    enabled = await get_dependencies(request).webhook_endpoints.store.enable(endpoint_id, origin)
    await _evict(request, enabled)
    return _respond(enabled)


@post(
    "/{endpoint_id:str}/disable",
    opt=requires(Permission.WEBHOOK_ENDPOINTS_WRITE),
    operation_class=describe_body("EndpointActionRequest", {"reason": "the receiver moves"}),
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Disable a webhook endpoint",
    operation_id="disable_webhook_endpoint",
)
async def disable_endpoint(
    request: ApiRequest, endpoint_id: IdParameter, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[WebhookEndpoint]:
    """It is not called any more, from a few seconds later on also by deliveries that are on their way."""
    origin = build_origin(actor, source, await _read_reason(request))
    disabled = await get_dependencies(request).webhook_endpoints.store.disable(endpoint_id, "operator", origin)
    await _evict(request, disabled)
    return _respond(disabled)


@post(
    "/{endpoint_id:str}/rotate-secret",
    opt={**requires(Permission.WEBHOOK_ENDPOINTS_WRITE), **shows_secret(ENDPOINT_PATH)},
    operation_class=describe_body("SecretRotation", {"overlap": 86_400}),
    status_code=200,
    responses={**ACTION_ERRORS, **CONFLICT},
    summary="Rotate the secret of a webhook endpoint",
    operation_id="rotate_webhook_endpoint_secret",
)
async def rotate_secret(
    request: ApiRequest, endpoint_id: IdParameter, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[CreatedEndpoint]:
    """The response has the new secret, which is shown only now. Until the overlap ends each webhook has a signature with either."""
    rotation = decode_json(await request.body() or b"{}", SecretRotation)
    service = get_dependencies(request).webhook_endpoints
    rotated = await service.rotate_secret(endpoint_id, rotation, build_origin(actor, source))
    return Response(rotated, headers=build_etag_headers(rotated.version))


@post(
    "/{endpoint_id:str}/ping",
    opt=requires(Permission.WEBHOOK_ENDPOINTS_WRITE),
    operation_class=describe_body("PingRequest", {"data": {"from": "ada"}}),
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Send a test webhook",
    operation_id="ping_webhook_endpoint",
)
async def ping_endpoint(request: ApiRequest, endpoint_id: IdParameter) -> PingResult:
    """A signed webhook of the type herold.ping, on the way of all others. PENDING: there is no answer yet; ask again with its id."""
    data = decode_json(await request.body() or b"{}", PingRequest).data
    return await get_dependencies(request).webhook_endpoints.ping(endpoint_id, data)


@get(
    "/{endpoint_id:str}/pings/{delivery_id:str}",
    opt=requires(Permission.WEBHOOK_ENDPOINTS_READ),
    responses=ACTION_ERRORS,
    summary="Get the result of a test webhook",
    operation_id="get_webhook_endpoint_ping",
)
async def get_ping(request: ApiRequest, endpoint_id: IdParameter, delivery_id: IdParameter) -> PingResult:
    """PENDING as long as there is no answer."""
    if not is_id(delivery_id, DELIVERY_PREFIX):
        raise ProblemError(build_problem("not-found", f"{delivery_id[:64]!r} is not the id of a delivery"))
    return await get_dependencies(request).webhook_endpoints.get_ping(endpoint_id, delivery_id)


@get(
    "/{endpoint_id:str}/statistics",
    opt=requires(Permission.WEBHOOK_ENDPOINTS_READ),
    responses={**READ_ENDPOINT_ERRORS, 422: LIST_ERRORS[422]},
    summary="Get the statistics of a webhook endpoint",
    operation_id="get_webhook_endpoint_statistics",
)
async def get_statistics(
    request: ApiRequest,
    endpoint_id: IdParameter,
    hours: Annotated[int, QueryParameter(description="hours until now", ge=1, le=MAX_HOURS)] = 24,
) -> EndpointStatistics:
    """How many calls were answered with 2xx, and how many were not."""
    dependencies = get_dependencies(request)
    return await dependencies.webhook_endpoints.store.get_statistics(endpoint_id, dependencies.clock() - hours * HOUR)


async def _evict(request: ApiRequest, endpoint: WebhookEndpoint) -> None:
    """Let the next look-up of the user see the change."""
    await get_dependencies(request).profile_eviction.evict([endpoint.user_id] if endpoint.user_id else [])


async def _read_reason(request: ApiRequest) -> str:
    return check_stored(decode_json(await request.body() or b"{}", EndpointActionRequest)).reason


def _respond(endpoint: WebhookEndpoint) -> Response[WebhookEndpoint]:
    return Response(endpoint, headers=build_etag_headers(endpoint.version))


def handle_missing_endpoint(request: ApiRequest, error: MissingEndpointError) -> Response[bytes]:
    """404."""
    return handle_problem(request, ProblemError(build_problem("not-found", str(error))))


router = Router(
    "/v1/webhook-endpoints",
    route_handlers=[
        list_endpoints,
        create_endpoint,
        get_endpoint,
        change_endpoint,
        delete_endpoint,
        enable_endpoint,
        disable_endpoint,
        rotate_secret,
        ping_endpoint,
        get_ping,
        get_statistics,
    ],
    exception_handlers={MissingEndpointError: handle_missing_endpoint, ConflictError: handle_conflict},
    tags=["webhook endpoints"],
)
