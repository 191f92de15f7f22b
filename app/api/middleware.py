"""The outermost ASGI middleware: authentication, body limit, and one log line and the metrics of each request."""

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from app.api.problems import PROBLEM_MEDIA_TYPE, ProblemDetails, build_problem, build_problem_headers
from app.telemetry import Metrics, log_event
from schemas.message_links import UNSUBSCRIBE_PATH
from schemas.metrics import HTTP_REQUEST_DURATION, HTTP_REQUESTS
from schemas.ports import Clock

Scope = Any  # ASGI dictionaries: Litestar and uvicorn have different types for them
Message = Any
Receive = Any
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Any], Awaitable[None]]

CALLBACK_PATHS = frozenset({"/v1/callbacks/sendgrid", "/v1/callbacks/twilio", "/v1/callbacks/twilio/inbound", "/v1/callbacks/fcm/ack"})
"""Their requests have signatures instead of the API key."""

PUBLIC_PATHS = frozenset({"/", "/healthz", "/readyz", "/docs", "/openapi.json", *CALLBACK_PATHS})
PUBLIC_PREFIXES = (UNSUBSCRIBE_PATH,)  # the token in the path is the permission
UNLOGGED_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})  # requested every few seconds: only failures are logged


class GatewayMiddleware:
    """Rejects requests without the API key or with a large body; `clock` is monotonic, `body_limit` in bytes."""

    def __init__(self, app: AsgiApp, api_key: str, body_limit: int, metrics: Metrics, clock: Clock) -> None:
        self._app, self._api_key, self._body_limit, self._metrics, self._clock = app, api_key.encode(), body_limit, metrics, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = self._clock(), 500

        async def send_and_capture_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if problem := self._find_problem(scope):
                await send_problem(problem, send=send_and_capture_status)
            else:
                await self._app(scope, receive, send_and_capture_status)
        finally:
            self._record_request(scope, status, self._clock() - started)

    def _find_problem(self, scope: Scope) -> ProblemDetails | None:
        headers = scope["headers"]
        if not _is_public(scope["path"]) and not self._is_authorized(headers):
            return build_problem("unauthorized", "send the header Authorization: Bearer <API key>, or X-API-Key: <API key>")
        if _get_content_length(headers) > self._body_limit:
            return build_problem("too-large", f"a request body has at most {self._body_limit} bytes")
        return None

    def _is_authorized(self, headers: list[tuple[bytes, bytes]]) -> bool:
        for name, value in headers:
            if name == b"x-api-key":
                return hmac.compare_digest(value, self._api_key)
            if name == b"authorization" and value[:7].lower() == b"bearer ":
                return hmac.compare_digest(value[7:].strip(), self._api_key)
        return False

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
            **get_log_fields(scope),
        )


def add_log_fields(scope: Scope, **fields: Any) -> None:
    """Add fields to the request's log line."""
    scope.setdefault("state", {}).setdefault("log_fields", {}).update(fields)


def get_log_fields(scope: Scope) -> dict[str, Any]:
    """The fields that were added to the request's log line."""
    return dict(scope.get("state", {}).get("log_fields", {}))


def _is_public(path: str) -> bool:
    return path in PUBLIC_PATHS or path.startswith(PUBLIC_PREFIXES)


def _get_content_length(headers: list[tuple[bytes, bytes]]) -> int:
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def send_problem(problem: ProblemDetails, *, send: Send) -> None:
    """Send a problem document as the response."""
    body = msgspec.json.encode(problem)
    headers = [
        (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *build_problem_headers(problem),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
