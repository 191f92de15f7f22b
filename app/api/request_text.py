"""The texts in a request's path and query as UTF-8. A slash that is percent-encoded is part of an id and does not divide the path.

The ASGI server decodes a path as a whole: `%2F` looks like `/` then, and `%FF` becomes U+FFFD, which is another id. So paths are decoded
here, segment by segment. The framework divides them once more; until it has, `/` and `%` within a segment stay encoded.
"""

from urllib.parse import quote, unquote, unquote_to_bytes

from app.api.middleware import AsgiApp, Receive, Scope, Send, send_problem
from app.api.problems import ProblemDetails, build_field_error, build_problem, build_validation_problem

NO_TEXT = "is not UTF-8: percent-encode the bytes of the text as UTF-8"
HAS_NUL = "has the character NUL, which no id and no text that is stored has"


class RequestTextDecoder:
    """Decodes the path for the framework, and rejects what is no text in a path (404) or in a query (422)."""

    def __init__(self, framework: AsgiApp) -> None:
        self._framework = framework

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (problem := _decode(scope)):
            await send_problem(problem, scope, send)
        else:
            await self._framework(scope, receive, send)


class PathParameterDecoder:
    """Middleware of the framework, which has found the route: decodes the parameters in the path."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # a new dictionary, because the framework caches the one that it found
        scope["path_params"] = {
            name: unquote(value) if isinstance(value, str) else value for name, value in scope.get("path_params", {}).items()
        }
        await self._app(scope, receive, send)


def _decode(scope: Scope) -> ProblemDetails | None:
    """Write the decoded path into the scope; returns what is wrong with it or with the query."""
    raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).partition(b"?")[0]  # some servers have none, or with the query
    if b"%" in raw_path:
        segments = [_decode_text(segment) for segment in raw_path.split(b"/")]
        if (problem := _find_first(segments)) is not None:
            return build_problem("not-found", f"the path {problem}")
        scope["path"] = "/".join(text.replace("%", "%25").replace("/", "%2F") for text in segments if text is not None)
    return _find_query_problem(scope.get("query_string", b""))


def _decode_text(encoded: bytes) -> str | None:
    """The text that is percent-encoded; None if it is not UTF-8."""
    try:
        return unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        return None


def _find_first(texts: list[str | None]) -> str | None:
    """What is wrong with the first text that is not one."""
    return next((NO_TEXT if text is None else HAS_NUL for text in texts if text is None or "\0" in text), None)


def _find_query_problem(query: bytes) -> ProblemDetails | None:
    if b"%" not in query:
        return None
    for part in query.split(b"&"):
        name, _, value = part.replace(b"+", b" ").partition(b"=")
        texts = [_decode_text(name), _decode_text(value)]
        if (problem := _find_first(texts)) is not None:
            return build_validation_problem([build_field_error(f"$.{texts[0]}" if texts[0] else "$", problem)])
    return None
