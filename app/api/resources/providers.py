"""The resource /v1/providers: the accounts with which Herold delivers."""

from litestar import Response, Router, get, post

from app.api.access import requires
from app.api.bodies import ActorHeader, SourceHeader, build_origin, decode_stored_body
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.exception_handlers import handle_problem
from app.api.openapi import INVALID, STORE_UNAVAILABLE, UNAUTHORIZED, describe_body, describe_problem
from app.api.problems import ProblemError, build_problem
from app.api.provider_bodies import ProviderAccounts
from schemas.account_pauses import AccountPause, PauseRequest, ResumeRequest
from schemas.errors import MissingPauseError
from schemas.permissions import Permission

EXAMPLE_PAUSE_REQUEST = {"account": "sendgrid", "reason": "the key is changed", "ends_at": "2026-12-01T09:30:00Z"}
CONTROL_ERRORS = {**UNAUTHORIZED, **INVALID, **STORE_UNAVAILABLE}


@get(
    "/",
    opt=requires(Permission.METRICS_READ),
    responses=UNAUTHORIZED,
    summary="List the accounts of providers",
    operation_id="list_providers",
)
async def list_providers(request: ApiRequest) -> ProviderAccounts:
    """With their weights, breakers and pauses, and how their calls went lately. Which accounts there are is configured by settings."""
    return await get_dependencies(request).providers.describe()


@post(
    "/pause",
    opt=requires(Permission.PROVIDERS_CONTROL),
    operation_class=describe_body("PauseRequest", EXAMPLE_PAUSE_REQUEST),
    status_code=200,
    responses=CONTROL_ERRORS,
    summary="Pause an account of a provider",
    operation_id="pause_provider",
)
async def pause_provider(request: ApiRequest, actor: ActorHeader = None, source: SourceHeader = "api") -> AccountPause:
    """Within some seconds no worker calls it. Its deliveries wait, or go to another account of the channel, and use up no attempt."""
    body = await decode_stored_body(request, PauseRequest)
    return await get_dependencies(request).providers.pause(body, build_origin(actor, source, body.reason))


@post(
    "/resume",
    opt=requires(Permission.PROVIDERS_CONTROL),
    operation_class=describe_body("ResumeRequest", {"account": "sendgrid", "reason": "the key is changed"}),
    status_code=200,
    responses={**CONTROL_ERRORS, 404: describe_problem("no operator has paused this account")},
    summary="Resume an account of a provider",
    operation_id="resume_provider",
)
async def resume_provider(request: ApiRequest, actor: ActorHeader = None, source: SourceHeader = "api") -> AccountPause:
    """Within some seconds workers call it again: once at first, then more and more. Returns the pause that has ended."""
    body = await decode_stored_body(request, ResumeRequest)
    return await get_dependencies(request).providers.resume(body, build_origin(actor, source, body.reason))


def _handle_missing_pause(request: ApiRequest, error: MissingPauseError) -> Response[bytes]:
    return handle_problem(request, ProblemError(build_problem("not-found", str(error))))


router = Router(
    "/v1/providers",
    route_handlers=[list_providers, pause_provider, resume_provider],
    exception_handlers={MissingPauseError: _handle_missing_pause},
    tags=["operations"],
)
