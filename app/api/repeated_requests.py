"""Idempotency-Key on every POST that changes something: a repeated request gets the first response, and nothing is done twice.

A route needs no declaration. Those that say otherwise do so beside what they need:

    @post("/", opt={**requires(Permission.API_KEYS_WRITE), **shows_secret("/v1/api-keys/{id}")}, ...)
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from app.api.access import check_principal, find_declaration
from app.api.middleware import AsgiApp, Message, Receive, Scope, Send, add_log_fields, send_problem
from app.api.principal import PRINCIPAL
from app.api.problems import ProblemDetails, ProblemError, build_problem
from app.api.project_scope import replay
from app.api.services.idempotency_keys import BAD_KEY, KeyedRequest, Response, build_key_problem, build_keyed_request, is_valid_key
from app.api.submission_app import KEY, decode_key, read_body
from schemas.idempotent_responses import KeyAcquired, StoredResponse
from schemas.permissions import Permission

REPETITION: Final = "repetition"  # the declaration's key in the options of a route
SHOWN_ONCE: Final = 0  # the status of a response that is not stored, because it has a secret
ROTATE: Final = "rotate it"
STORED_HEADERS: Final = frozenset({b"content-type", b"etag", b"location"})


class Repetition(StrEnum):
    """What a route declares that stores no response here."""

    OWN = "own"
    HARMLESS = "harmless"


HANDLES_KEY: Final[Mapping[str, Any]] = {REPETITION: Repetition.OWN}
"""The handler reads the header itself."""

CHANGES_NOTHING: Final[Mapping[str, Any]] = {REPETITION: Repetition.HARMLESS}
"""A repeated request does no harm: it reads, or what it makes ends by itself. So the header is not taken."""


class ShownOnce(NamedTuple):
    """The path of what a route makes, with `{id}` for the response's id; and what to do without its secret."""

    resource: str
    advice: str


def shows_secret(resource: str, advice: str = ROTATE) -> Mapping[str, Any]:
    """The declaration of a route whose response has a secret: no response is stored, a repeated request gets 409 with this path.

    `{id}` in the path is that of the response; `advice` says what to do if that did not arrive.
    """
    return {REPETITION: ShownOnce(resource, advice)}


def takes_key(handler: HTTPRouteHandler) -> bool:
    """Whether the middleware handles the Idempotency-Keys of a route: of each POST that needs a permission, unless it declares otherwise.

    The routes of people without a permission are about their own logins: their bodies have passwords and codes that count once.
    """
    return (
        "POST" in handler.http_methods
        and isinstance(find_declaration(handler), Permission)
        and not isinstance(handler.opt.get(REPETITION), Repetition)
    )


def iterate_keyed_routes(app: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    """The path and the handler of each route whose keys the middleware handles."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            yield from ((route.path_format, handler) for handler in route.route_handlers if takes_key(handler))


class RepeatedRequests:
    """Middleware of the framework, within that of projects: the ids that it sees are those of the project."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = scope["route_handler"]
        key = find_key(scope) if scope["method"] == "POST" else None
        if key is None or not takes_key(handler):
            await self._app(scope, receive, send)
            return
        try:
            await self._run(key, handler, scope, receive, send)
        except ProblemError as error:
            await send_problem(error.problem, scope, send)

    async def _run(self, key: str, handler: HTTPRouteHandler, scope: Scope, receive: Receive, send: Send) -> None:
        shown_once: ShownOnce | None = handler.opt.get(REPETITION)
        if (needs := find_declaration(handler)) is not None:
            check_principal(scope.get(PRINCIPAL), needs)  # as the guard does, which would come too late for a stored response
        if not is_valid_key(key):
            raise ProblemError(build_problem("bad-request", BAD_KEY))
        body = await read_body(receive, handler.resolve_request_max_body_size() or 0)
        responses, request = Litestar.from_scope(scope).state.dependencies.idempotent_responses, _identify(key, scope, body)
        state = await responses.acquire_key(request.name, request.fingerprint)
        if isinstance(state, StoredResponse):
            add_log_fields(scope, stored_response=True)
            await _send_stored(request.open(state), shown_once, send)
            return
        if not isinstance(state, KeyAcquired):
            raise ProblemError(build_key_problem(state))
        stored, captured = None, CapturedResponse()
        try:
            await self._app(scope, replay(body), captured)
            stored = captured.find_stored(shown_once)
        finally:
            if stored is None:
                await responses.release_key(request.name, state.token)
        if stored is not None:
            await responses.store_response(request.name, request.fingerprint, state.token, request.seal(stored))
        await captured.send_to(send)


class CapturedResponse:
    """A response that is sent later, whole."""

    def __init__(self) -> None:
        self._messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self._messages.append(message)

    def find_stored(self, shown_once: ShownOnce | None) -> Response | None:
        """What is stored of it: of one with a secret only the path of its resource; nothing of an error, which may not happen again."""
        start, *parts = self._messages
        if not 200 <= start["status"] < 300:
            return None
        body = b"".join(part.get("body", b"") for part in parts)
        if shown_once is not None:
            return Response(SHOWN_ONCE, (), shown_once.resource.format(id=msgspec.json.decode(body)["id"]).encode())
        headers = tuple((name, value) for name, value in start.get("headers", ()) if name.lower() in STORED_HEADERS)
        return Response(start["status"], headers, body)

    async def send_to(self, send: Send) -> None:
        """Send it."""
        for message in self._messages:
            await send(message)


def find_key(scope: Scope) -> str | None:
    """The Idempotency-Key of a request; of several the first."""
    return next((decode_key(value) for name, value in scope["headers"] if name == KEY), None)


def build_shown_once_problem(resource: str, advice: str) -> ProblemDetails:
    """The problem of a repeated request whose first response had a secret."""
    detail = f"it made {resource}. Its response had a secret, which is stored nowhere: if the response did not arrive, {advice}"
    return msgspec.structs.replace(build_problem("response-shown-once", detail), resource=resource)


def _identify(key: str, scope: Scope, body: bytes) -> KeyedRequest:
    principal = scope[PRINCIPAL]
    holder = (principal.project, principal.actor, "test" if principal.is_test else "")
    target = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
    return build_keyed_request(key, holder, scope["path_template"], target, body)


async def _send_stored(response: Response | None, shown_once: ShownOnce | None, send: Send) -> None:
    if response is None:
        raise ProblemError(build_problem("conflict", "the first response with this Idempotency-Key is damaged: use a new key"))
    if response.status == SHOWN_ONCE:
        raise ProblemError(build_shown_once_problem(response.body.decode(), shown_once.advice if shown_once else ROTATE))
    headers = [*response.headers, (b"content-length", b"%d" % len(response.body))]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": False})
