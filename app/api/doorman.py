"""The door of the gateway, around the web framework: API key, size, one log line and the metrics of each request."""

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from app.api.problems import MEDIA_TYPE, Problem, problem
from app.telemetry import Metrics, log_line
from schemas.metrics import REQUEST_SECONDS, REQUESTS
from schemas.ports import Clock

Scope = Any  # ASGI's dictionaries; Litestar and uvicorn each have types of their own for them
Message = Any
Receive = Any
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Any], Awaitable[None]]

OPEN = frozenset({"/", "/healthz", "/readyz", "/docs", "/openapi.json"})
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds: logged only when they fail


class Doorman:
    """Lets in who shows the key; `clock` is monotonic, `body_limit` in bytes."""

    def __init__(self, app: Asgi, api_key: str, body_limit: int, metrics: Metrics, clock: Clock) -> None:
        self._app, self._key, self._limit, self._metrics, self._clock = app, api_key.encode(), body_limit, metrics, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = self._clock(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if found := self._objection(scope):
                await answer(found, send=watched)
            else:
                await self._app(scope, receive, watched)
        finally:
            self._report(scope, status, self._clock() - started)

    def _objection(self, scope: Scope) -> Problem | None:
        headers = scope["headers"]
        if scope["path"] not in OPEN and not self._may_enter(headers):
            return problem("unauthorized", "send the header Authorization: Bearer <API key>, or X-API-Key: <API key>")
        if _length(headers) > self._limit:
            return problem("too-large", f"a request has at most {self._limit} bytes")
        return None

    def _may_enter(self, headers: list[tuple[bytes, bytes]]) -> bool:
        for name, value in headers:
            if name == b"x-api-key":
                return hmac.compare_digest(value, self._key)
            if name == b"authorization" and value[:7].lower() == b"bearer ":
                return hmac.compare_digest(value[7:].strip(), self._key)
        return False

    def _report(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("path_template") or "-"
        self._metrics.count(REQUESTS, 1, route, str(status))
        self._metrics.time(REQUEST_SECONDS, seconds, route)
        if route in QUIET and status < 500:
            return
        level = logging.ERROR if status == 500 else logging.WARNING if status > 500 else logging.INFO
        log_line("gateway.request", level, method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 2), **noted(scope))


def note(scope: Scope, **fields: Any) -> None:
    """Add fields to the request's log line."""
    scope.setdefault("state", {}).setdefault("log", {}).update(fields)


def noted(scope: Scope) -> dict[str, Any]:
    """The fields that were added to the request's log line."""
    return dict(scope.get("state", {}).get("log", {}))


def _length(headers: list[tuple[bytes, bytes]]) -> int:
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def headers_for(found: Problem) -> list[tuple[bytes, bytes]]:
    """The headers that a problem is answered with."""
    headers = []
    if found.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if found.retry_after:
        headers.append((b"retry-after", str(found.retry_after).encode()))
    return headers


async def answer(found: Problem, *, send: Send) -> None:
    """Send a problem document."""
    body = msgspec.json.encode(found)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode()), *headers_for(found)]
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
