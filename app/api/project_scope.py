"""The one place where ids of a project are qualified on their way in and stripped on their way out (schemas/projects.py).

Handlers and stores know stored ids only, and PostgreSQL shows them the rows of the project at hand. A request of the default project cannot
name an id of another one, but to erase it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Litestar

from app.api.middleware import AsgiApp, Message, Receive, Scope, Send, send_problem
from app.api.principal import PRINCIPAL, Principal
from app.api.problems import ProblemDetails, build_field_error, build_problem, build_validation_problem
from schemas.errors import DECODE_ERRORS
from schemas.projects import is_reserved, project_in_force, qualify

OWNED_PARAMETERS: Final = frozenset({"user_id", "rule_type", "name"})
"""The parameters of paths that name what belongs to a project."""

OWNED_QUERY: Final = frozenset({"user_id", "type", "template", "audience"})
_CONTENT: Final = (("type",), ("template",))
_RULE: Final = (*_CONTENT, ("digest", "template"))
_SELECTION: Final = (("filter", "user_id"), ("filter", "type"))
OWNED_FIELDS: Final[Mapping[str, Sequence[tuple[str, ...]]]] = {
    "/v1/rules/{rule_type}": _RULE,
    "/v1/rules/{rule_type}/check": _RULE,
    "/v1/rules/{rule_type}/simulate": tuple(("rule", *way) for way in _RULE),
    "/v1/suppressions": (("user_id",),),
    "/v1/dead-letters/discard": _SELECTION,
    "/v1/redrives": _SELECTION,
    "/v1/dead-letters/{dead_letter_id}/redrive": (("user_id",), *_CONTENT),
    "/v1/webhook-endpoints": (("user_id",), ("types",)),
    "/v1/webhook-endpoints/{endpoint_id}": (("types",),),
}
"""The fields of bodies that do, by route, and those with a list of such.

A submission, a broadcast, a schedule and members are qualified where they are validated.
"""

STORED_FORM: Final = frozenset({"/v1/users/{user_id}/consent-proof"})
"""The routes whose responses keep the prefix: what is signed stays as it is."""

OWN_QUERIES: Final = frozenset({"/v1/live/events"})
"""The routes that qualify their query themselves."""

ANY_PROJECT: Final = frozenset({"/v1/users/{user_id}/erasure"})
"""The routes whose paths may name what is another project's, in requests of the default one: its admins erase the users of all."""

_RECIPIENTS: Final = (("user_ids",), ("notification", "type"), ("notification", "template"))
RESERVED_FIELDS: Final[Mapping[str, Sequence[tuple[str, ...]]]] = {
    **OWNED_FIELDS,
    "/v1/broadcasts": _RECIPIENTS,
    "/v1/schedules/{name}": _RECIPIENTS,
}
"""The fields of bodies in which the default project could name what is another one's, by route; a worker would not know any more."""

RESERVED: Final = "an id that begins with @ belongs to another project"
PROBLEM: Final = b"application/problem+json"
JSON: Final = b"application/json", PROBLEM
EXPLANATION: Final = "/explain"  # its route has sentences of Herold's own


class ProjectScope:
    """Middleware of the framework, which has found the route."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal: Principal | None = scope.get(PRINCIPAL)
        if principal is None:
            await self._app(scope, receive, send)
            return
        separates_projects = Litestar.from_scope(scope).state.dependencies.separates_projects
        token = project_in_force.set(principal.project if separates_projects or principal.project else None)
        try:
            if principal.project:
                await self._call_in_project(principal.project, scope, receive, send)
            elif separates_projects:
                await self._call_in_default_project(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        finally:
            project_in_force.reset(token)

    async def _call_in_default_project(self, scope: Scope, receive: Receive, send: Send) -> None:
        template = scope.get("path_template", "")
        problem = None if template in ANY_PROJECT else find_reserved(scope)
        fields = RESERVED_FIELDS.get(template)
        if fields and not problem:
            body = await read_all(receive)
            problem, receive = find_reserved_fields(body, fields), replay(body)
        if problem:
            await send_problem(problem, scope, send)
        else:
            await self._app(scope, receive, send)

    async def _call_in_project(self, project: str, scope: Scope, receive: Receive, send: Send) -> None:
        parameters = scope.get("path_params", {})
        scope["path_params"] = {name: qualify(project, value) if name in OWNED_PARAMETERS else value for name, value in parameters.items()}
        template = scope.get("path_template", "")
        if template not in OWN_QUERIES:
            scope["query_string"] = qualify_query(project, scope["query_string"])
        if fields := OWNED_FIELDS.get(template):
            receive = replay(qualify_fields(project, await read_all(receive), fields))
        if template not in STORED_FORM:
            send = StrippingSend(project, send, has_contents=not template.endswith(EXPLANATION))
        await self._app(scope, receive, send)


class StrippingSend:
    """Sends a response of JSON without the prefix of the project; one of something else as it is.

    Of contents, such as a template, it is taken from the beginnings of texts only: within one it is the project's own words. Messages are
    Herold's words, and name ids anywhere.
    """

    def __init__(self, project: str, send: Send, *, has_contents: bool) -> None:
        self._prefix, self._send, self._has_contents = qualify(project, "").encode(), send, has_contents
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and (media_type := find_json(message)):
            self._start, self._has_contents = message, self._has_contents and not media_type.startswith(PROBLEM)
        elif message["type"] != "http.response.body" or self._start is None:
            await self._send(message)
        else:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._send_stripped(self._start, strip_json(b"".join(self._parts), self._prefix, has_contents=self._has_contents))

    async def _send_stripped(self, start: Message, body: bytes) -> None:
        headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        await self._send({**start, "headers": [*headers, (b"content-length", b"%d" % len(body))]})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})


def find_reserved(scope: Scope) -> ProblemDetails | None:
    """The problem of a request of the default project that names an id of another one."""
    for name, value in scope.get("path_params", {}).items():
        if name in OWNED_PARAMETERS and isinstance(value, str) and is_reserved(value):
            return build_problem("not-found", RESERVED)
    for name, value in _parse(scope["query_string"]):
        if name in OWNED_QUERY and is_reserved(value):
            return build_validation_problem([build_field_error(f"$.{name}", RESERVED)])
    return None


def find_reserved_fields(body: bytes, fields: Sequence[tuple[str, ...]]) -> ProblemDetails | None:
    """The problem of a body of JSON in which one of these fields, or an item of it, is an id of another project."""
    try:
        document = msgspec.json.decode(body)
    except DECODE_ERRORS:
        return None  # its handler says what is wrong with it
    for way in fields:
        value: Any = document
        for name in way:
            value = value.get(name) if isinstance(value, dict) else None
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and is_reserved(text) for text in texts):
            return build_validation_problem([build_field_error(f"$.{'.'.join(way)}", RESERVED)])
    return None


def qualify_query(project: str, query: bytes) -> bytes:
    """The query with the ids of the project as they are stored."""
    if not query:
        return query
    return urlencode(
        [(name, qualify(project, value) if name in OWNED_QUERY and value else value) for name, value in _parse(query)]
    ).encode()


def qualify_fields(project: str, body: bytes, fields: Sequence[tuple[str, ...]]) -> bytes:
    """A body of JSON with these fields, and the items of those that are lists, as they are stored.

    Whatever is no text stays, because its handler says what is wrong with it.
    """
    try:
        document = msgspec.json.decode(body)
    except DECODE_ERRORS:
        return body
    for *way, last in fields:
        target: Any = document
        for name in way:
            target = target.get(name) if isinstance(target, dict) else None
        if isinstance(target, dict) and last in target:
            target[last] = _qualify_value(project, target[last])
    return msgspec.json.encode(document)


def _qualify_value(project: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_qualify_value(project, item) for item in value]
    return qualify(project, value) if isinstance(value, str) and value else value


def find_json(start: Message) -> bytes:
    """The media type of a response of JSON; empty for another one."""
    return next((value for name, value in start.get("headers", ()) if name == b"content-type" and value.startswith(JSON)), b"")


def strip_json(body: bytes, prefix: bytes, *, has_contents: bool) -> bytes:
    """JSON without the prefix of ids: of contents at the beginnings of texts, otherwise everywhere.

    A quote within a text has a backslash before it, so that one without begins or ends a text; and no text begins after its end.
    """
    return re.sub(rb'(?<!\\)"' + re.escape(prefix), b'"', body) if has_contents else body.replace(prefix, b"")


async def read_all(receive: Receive) -> bytes:
    """The whole body of a request."""
    body, has_more = b"", True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
    return body


def replay(body: bytes) -> Receive:
    """What the application receives instead: this body, then the end of the connection."""
    messages: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive


def _parse(query: bytes) -> list[tuple[str, str]]:
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True)
