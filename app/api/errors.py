"""From exceptions to problem documents, for whatever goes wrong while a request is answered."""

import traceback
from collections.abc import Mapping

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException

from app.api.doorman import headers_for, note
from app.api.problems import MEDIA_TYPE, Flaw, Problem, ProblemFound, flaw_at, kind_of, problem
from app.api.services import AnyRequest
from app.api.submission import invalid


def on_problem(request: AnyRequest, found: ProblemFound) -> Response[bytes]:
    """A problem that a handler has found."""
    return _answered(request, found.problem)


def on_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What the framework found: no such address, wrong method, a query parameter that does not fit, a body too large."""
    if isinstance(error, ValidationException):
        return _answered(request, invalid(_flaws(error)))
    details = {"not-found": "no such address; /docs lists them all", "method-not-allowed": f"{request.method} is not for this address"}
    kind = kind_of(error.status_code)
    return _answered(request, problem(kind, details.get(kind, error.detail)), error.headers or {})


def on_surprise(request: AnyRequest, error: Exception) -> Response[bytes]:
    """What nobody foresaw: the log says where, the client only that; an exception's text may hold what a user was to be told."""
    frame = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
    note(request.scope, error=type(error).__name__, where=f"{frame.filename}:{frame.lineno}" if frame else "")
    return _answered(request, problem("internal", "the request was not carried out; the gateway's log says where it failed"))


def _flaws(error: ValidationException) -> list[Flaw]:
    extra = error.extra if isinstance(error.extra, list) else []
    flaws = [flaw_at(f"$.{item.get('key', '')}", str(item.get("message", ""))) for item in extra if isinstance(item, Mapping)]
    return flaws or [flaw_at("$", error.detail)]


def _answered(request: AnyRequest, found: Problem, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    if found.errors:
        note(request.scope, reason=found.errors[0].reason, path=found.errors[0].path)
    every = {**(headers or {}), **{name.decode(): value.decode() for name, value in headers_for(found)}}
    return Response(msgspec.json.encode(found), status_code=found.status, media_type=MEDIA_TYPE, headers=every)
