"""Media types of requests, and the methods that HTTP has for every resource: bodies are JSON, and HEAD is GET without the body."""

import asyncio

from app.api.middleware import AsgiApp, Message, Receive, Scope, Send, send_problem
from app.api.services.cloud_events import build_media_type_problem, is_json

CALLBACKS = "/v1/callbacks/"  # their bodies are what providers send
METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class JsonBodies:
    """Middleware of the framework: rejects bodies of routes under /v1 that say to be something else than JSON (415)."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content_type = _find_content_type(scope) if _takes_json(scope) else b""
        if content_type and not is_json(content_type.partition(b";")[0].strip().lower()):
            await send_problem(build_media_type_problem(content_type), scope, send)
        else:
            await self._app(scope, receive, send)


class HeadAndOptions:
    """Answers HEAD as GET without the body (RFC 9110, section 9.3.2), and OPTIONS with all methods of the path.

    The framework's own answer to OPTIONS names the methods of the path's first handler only.
    """

    def __init__(self, framework: AsgiApp) -> None:
        self._framework = framework

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope.get("method")
        if scope["type"] != "http" or method not in ("HEAD", "OPTIONS"):
            await self._framework(scope, receive, send)
        elif method == "HEAD":
            head = _HeadResponse(receive, send)
            await self._answer_as(scope, "GET", head.receive, head.send)
        else:  # no path has TRACE: the framework says which methods there are, or that there is no such path
            await self._answer_as(scope, "TRACE", receive, _with_methods(send))

    async def _answer_as(self, scope: Scope, method: str, receive: Receive, send: Send) -> None:
        """Answer as to a request with `method`. The server and the log line have the client's: HTTP's rules on lengths depend on it."""
        requested = scope["method"]

        async def send_with_requested_method(message: Message) -> None:
            scope["method"] = requested
            await send(message)

        scope["method"] = method
        await self._framework(scope, receive, send_with_requested_method)


class _HeadResponse:
    """Ends with its headers: the framework is told that the client has gone, so that nothing streams or queries for nobody."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send, self._has_started = receive, send, False

    async def receive(self) -> Message:
        return {"type": "http.disconnect"} if self._has_started else await self._receive()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._has_started = True
            await self._send(message)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await asyncio.sleep(0)  # here a stream is cancelled


def _without_body(send: Send) -> Send:
    async def send_without_body(message: Message) -> None:
        is_body = message["type"] == "http.response.body"
        await send({**message, "body": b""} if is_body else message)

    return send_without_body


def _with_methods(send: Send) -> Send:
    """Replaces 405 by 204 with all methods of the path; passes on other responses, such as 404."""
    send_without_body, is_known = _without_body(send), False

    async def send_methods(message: Message) -> None:
        nonlocal is_known
        if message["type"] == "http.response.start" and message["status"] == 405:
            is_known, message = True, _build_options_start(message)
        await (send_without_body if is_known else send)(message)

    return send_methods


def _build_options_start(message: Message) -> Message:
    allowed = next((value for name, value in message["headers"] if name == b"allow"), b"")
    methods = sorted({*allowed.replace(b" ", b"").split(b","), *([b"HEAD"] if b"GET" in allowed else [])})
    return {**message, "status": 204, "headers": [(b"allow", b", ".join(methods))]}


def _takes_json(scope: Scope) -> bool:
    path = scope["path"]
    return scope["method"] in METHODS_WITH_BODY and path.startswith("/v1/") and not path.startswith(CALLBACKS)


def _find_content_type(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"content-type":
            return bytes(value)
    return b""
