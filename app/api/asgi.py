"""The ASGI app: routes, exception handlers and middleware."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from app.api.access import find_public_paths, guard_route
from app.api.dependencies import Dependencies
from app.api.exception_handlers import (
    handle_busy,
    handle_http_exception,
    handle_missing_user,
    handle_problem,
    handle_unavailable,
    handle_unexpected,
    handle_version_mismatch,
)
from app.api.limit_checks import LimitChecks
from app.api.live.socket_app import LiveSocketApp, SocketRouter
from app.api.media_types import HeadAndOptions, JsonBodies
from app.api.middleware import AsgiApp, GatewayMiddleware
from app.api.openapi import build_openapi_config
from app.api.paging import ListOfRequest
from app.api.principal import Authenticator
from app.api.problems import ProblemError
from app.api.project_scope import ProjectScope
from app.api.repeated_requests import RepeatedRequests
from app.api.request_origin import OriginOfRequest
from app.api.request_text import PathParameterDecoder, RequestTextDecoder
from app.api.resources import (
    account_pages,
    accounts,
    analytics,
    api_keys,
    audiences,
    audit,
    auth,
    auth_factors,
    auth_oidc,
    auth_passwords,
    broadcasts,
    callbacks,
    consent_proofs,
    dashboard,
    dead_letters,
    deliveries,
    health,
    held_notifications,
    ledger,
    live,
    notification_export,
    notification_previews,
    notification_records,
    notifications,
    personal_data,
    pipeline,
    preferences,
    projects,
    providers,
    rate_limits,
    rate_windows,
    read_marks,
    redrives,
    rule_trials,
    rules,
    saved_views,
    schedules,
    simulators,
    slo,
    suppressions,
    templates,
    unsubscribe,
    user_counts,
    user_state,
    users,
    webhook_attempts,
    webhook_endpoints,
)
from app.api.resources.docs import register_docs_routes
from app.api.submission_app import SubmissionApp, SubmissionRouter
from schemas.errors import BusyError, MissingUserError, UnavailableError, VersionMismatchError
from schemas.ports import Clock

ROUTERS = (
    user_state.router,
    user_counts.router,
    rate_windows.router,
    users.router,
    personal_data.router,
    preferences.router,
    suppressions.router,
    templates.router,
    rules.router,
    rule_trials.router,
    audiences.router,
    broadcasts.router,
    schedules.router,
    rate_limits.router,
    dead_letters.router,
    deliveries.router,
    analytics.router,
    slo.router,
    ledger.router,
    webhook_endpoints.router,
    webhook_attempts.router,
    unsubscribe.router,
    redrives.router,
    audit.router,
    consent_proofs.router,
    callbacks.router,
    api_keys.router,
    accounts.router,
    account_pages.router,
    auth.router,
    auth_passwords.router,
    auth_factors.router,
    auth_oidc.router,
    live.router,
    notification_export.router,
    notification_previews.router,
    notification_records.router,
    saved_views.router,
    projects.router,
    dashboard.router,
    providers.router,
    simulators.router,
    pipeline.router,
    health.router,
)

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def build_asgi_app(
    dependencies: Dependencies,
    authenticators: Sequence[Authenticator],
    body_limit: int,
    clock: Clock,
    lifespan: Sequence[Lifespan] = (),
    limits: LimitChecks | None = None,
) -> AsgiApp:
    """The app with these dependencies; `body_limit` in bytes, `clock` monotonic. Raises UndeclaredRouteError."""
    submission_app = SubmissionApp(dependencies.submission_service, body_limit)
    framework = build_framework(State({"dependencies": dependencies, "submission_app": submission_app}), body_limit, lifespan)
    router = SubmissionRouter(submission_app, RequestTextDecoder(HeadAndOptions(framework)))
    paths = find_public_paths(framework)
    app = GatewayMiddleware(router, authenticators, paths, body_limit, dependencies.metrics, clock, limits)
    return SocketRouter(LiveSocketApp(dependencies.live, authenticators, limits), app)


def build_framework(state: State, body_limit: int, lifespan: Sequence[Lifespan] = ()) -> Litestar:
    """The framework's app with all routes; nothing of the state is used before a request."""
    # one router: two could not have handlers for one path
    handlers = [*notifications.HANDLERS, *held_notifications.HANDLERS, *read_marks.HANDLERS]
    notification_router = Router("/v1/notifications", route_handlers=handlers, tags=["notifications"])
    framework = Litestar(
        [notification_router, *ROUTERS],
        exception_handlers={
            ProblemError: handle_problem,
            HTTPException: handle_http_exception,
            MissingUserError: handle_missing_user,
            VersionMismatchError: handle_version_mismatch,
            UnavailableError: handle_unavailable,
            BusyError: handle_busy,
            Exception: handle_unexpected,
        },
        guards=[guard_route],
        middleware=[JsonBodies, OriginOfRequest, PathParameterDecoder, ProjectScope, ListOfRequest, RepeatedRequests],
        openapi_config=build_openapi_config(),
        logging_config=None,
        request_max_body_size=body_limit,
        lifespan=list(lifespan),
        state=state,
    )
    register_docs_routes(framework)
    return framework
