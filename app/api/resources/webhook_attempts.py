"""The resource /v1/webhook-endpoints/{id}/attempts: the last attempts at an endpoint, all or those that failed."""

from typing import Annotated, Final

from litestar import Router, get
from litestar.params import QueryParameter

from app.api.access import requires
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.resources.users import LIST_ERRORS
from app.api.resources.webhook_endpoints import NOT_FOUND, IdParameter, handle_missing_endpoint
from app.api.webhook_endpoint_bodies import EndpointAttemptPage
from schemas.endpoint_attempts import EndpointAttempt, EndpointAttemptKey, get_attempt_key
from schemas.errors import MissingEndpointError
from schemas.permissions import Permission

MAX_AT: Final = 253_402_300_799_000_000  # microseconds: the end of the year 9999


@get(
    "/",
    opt=requires(Permission.WEBHOOK_ENDPOINTS_READ),
    responses={**LIST_ERRORS, **NOT_FOUND},
    summary="List the attempts at a webhook endpoint",
    operation_id="list_webhook_endpoint_attempts",
)
async def list_attempts(
    request: ApiRequest,
    endpoint_id: IdParameter,
    failed: Annotated[bool, QueryParameter(description="only those that failed: not answered with 2xx, or not sent")] = False,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> EndpointAttemptPage:
    """The newest first, as long as the history is kept. What ended without an attempt, such as expired, is not among them. Attempts that
    were recorded before the upgrade that brought this list are not there; the statistics count them.
    """
    key, dependencies = decode_cursor(cursor, _is_key), get_dependencies(request)
    await dependencies.webhook_endpoints.store.get(endpoint_id)  # is it there, and of this project?
    before = EndpointAttemptKey(int(key[0]), key[1]) if key else None
    found = await dependencies.endpoint_attempts.list_attempts(endpoint_id, limit + 1, before, failed_only=failed)
    return EndpointAttemptPage(*cut_page(found, limit, _build_key))


def _build_key(attempt: EndpointAttempt) -> list[str]:
    return [*map(str, get_attempt_key(attempt))]


def _is_key(key: list[str]) -> bool:
    if len(key) != 2 or not (key[0].isascii() and key[0].isdigit() and len(key[0]) < 20 and int(key[0]) <= MAX_AT):
        return False
    return len(key[1]) == 32 and all(character in "0123456789abcdef" for character in key[1])


router = Router(
    "/v1/webhook-endpoints/{endpoint_id:str}/attempts",
    route_handlers=[list_attempts],
    exception_handlers={MissingEndpointError: handle_missing_endpoint},
    tags=["webhook endpoints"],
)
