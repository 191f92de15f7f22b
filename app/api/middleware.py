"""The outermost ASGI middleware: authentication, body limit, and one log line and the metrics of each request."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from app.api.access import NO_CREDENTIAL, PublicPaths
from app.api.limit_checks import LimitChecks
from app.api.principal import PRINCIPAL, Authenticator, authenticate, find_credential
from app.api.problems import PROBLEM_MEDIA_TYPE, ProblemDetails, build_problem, build_problem_headers
from app.api.request_ids import HEADER as REQUEST_ID_HEADER
from app.api.request_ids import encode_problem, find_request_id
from app.api.security_headers import add_security_headers
from app.telemetry import Metrics, log_event
from schemas.errors import UnavailableError
from schemas.metrics import HTTP_REQUEST_DURATION, HTTP_REQUESTS
from schemas.ports import Clock

Scope = Any  # ASGI dictionaries: Litestar and uvicorn have different types for them
Message = Any
Receive = Any
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Any], Awaitable[None]]

AUTHENTICATION_RETRY_AFTER = 5  # seconds
UNKNOWN_CREDENTIAL = "PostgreSQL does not answer, and this credential has not been used here lately, so nobody knows whether it is valid"
UNLOGGED_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})  # requested every few seconds: only failures are logged


class GatewayMiddleware:
    """Finds out who makes a request; rejects those of nobody and those with a large body. `clock` is monotonic, `body_limit` in bytes."""

    def __init__(
        self,
        app: AsgiApp,
        authenticators: Sequence[Authenticator],
        public_paths: PublicPaths,
        body_limit: int,
        metrics: Metrics,
        clock: Clock,
        limits: LimitChecks | None = None,
    ) -> None:
        """`limits`: how many requests may be made; None: any."""
        self._limits = limits
        self._app, self._authenticators, self._public_paths = app, authenticators, public_paths
        self._body_limit, self._metrics, self._clock = body_limit, metrics, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = self._clock(), 500
        request_id = scope["request_id"] = find_request_id(scope["headers"])

        async def send_and_capture_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (REQUEST_ID_HEADER, request_id)]
                if self._limits is not None:
                    headers += self._limits.build_headers(scope)
                message["headers"] = add_security_headers(headers, scope.get("scheme", "http"))
            await send(message)

        try:
            if problem := await self._find_problem(scope):
                await send_problem(problem, scope, send_and_capture_status)
            else:
                await self._app(scope, receive, send_and_capture_status)
        finally:
            self._record_request(scope, status, self._clock() - started)
            if self._limits is not None:
                self._limits.on_response(scope, status)

    async def _find_problem(self, scope: Scope) -> ProblemDetails | None:
        limits = self._limits
        if limits is not None and (problem := await limits.check_address(scope)):
            return problem
        if problem := await self._authenticate(scope):
            return problem
        if _get_content_length(scope["headers"]) > self._body_limit:
            return build_problem("too-large", f"a request body has at most {self._body_limit} bytes")
        return await limits.check_principal(scope) if limits is not None else None

    async def _authenticate(self, scope: Scope) -> ProblemDetails | None:
        """Write the principal into the scope, None if there is none; returns the problem of a request that needs one."""
        is_public, principal, problem = self._public_paths.contains(scope["path"]), None, None
        if credential := find_credential(scope["headers"]):
            try:
                principal = await authenticate(self._authenticators, credential)
            except UnavailableError as error:
                add_log_fields(scope, cause=str(error))
                problem = build_problem("unavailable", UNKNOWN_CREDENTIAL, retry_after=AUTHENTICATION_RETRY_AFTER)
        scope[PRINCIPAL] = principal
        if principal and credential and self._limits is not None:
            self._limits.remember(credential)
        if principal or is_public:  # the guard of the route has the last word
            return None
        return problem or build_problem("unauthorized", NO_CREDENTIAL)

    def _record_request(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("path_template") or "-"
        self._metrics.increment(HTTP_REQUESTS, 1, route, str(status))
        self._metrics.observe_duration(HTTP_REQUEST_DURATION, seconds, route)
        if route in UNLOGGED_PATHS and status < 500:
            return
        level = logging.ERROR if status == 500 else logging.WARNING if status > 500 else logging.INFO
        log_event(
            "gateway.request_completed",
            level,
            method=scope["method"],
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 2),
            **_get_principal_fields(scope),
            request_id=scope["request_id"].decode(),
            **get_log_fields(scope),
        )


def _get_principal_fields(scope: Scope) -> dict[str, str]:
    principal = scope.get(PRINCIPAL)
    return {"principal": principal.actor} if principal else {}


def add_log_fields(scope: Scope, **fields: Any) -> None:
    """Add fields to the request's log line."""
    scope.setdefault("state", {}).setdefault("log_fields", {}).update(fields)


def get_log_fields(scope: Scope) -> dict[str, Any]:
    """The fields that were added to the request's log line."""
    return dict(scope.get("state", {}).get("log_fields", {}))


def _get_content_length(headers: list[tuple[bytes, bytes]]) -> int:
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def send_problem(problem: ProblemDetails, scope: Scope, send: Send) -> None:
    """Send a problem document as the response."""
    body = encode_problem(problem, scope)
    headers = [
        (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *build_problem_headers(problem),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
