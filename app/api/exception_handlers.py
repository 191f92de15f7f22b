"""From exceptions to problem documents, for whatever goes wrong while a request is answered."""

import traceback
from collections.abc import Mapping

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException

from app.api.dependencies import ApiRequest
from app.api.middleware import add_log_fields, build_problem_headers
from app.api.problems import (
    PROBLEM_MEDIA_TYPE,
    FieldError,
    ProblemDetails,
    ProblemError,
    build_field_error,
    build_problem,
    get_problem_kind,
)
from app.api.services.submission_validation import build_validation_problem


def handle_problem(request: ApiRequest, error: ProblemError) -> Response[bytes]:
    """A problem that a handler has found."""
    return _build_problem_response(request, error.problem)


def handle_http_exception(request: ApiRequest, error: HTTPException) -> Response[bytes]:
    """What the framework found: no such address, wrong method, a query parameter that does not fit, a body too large."""
    if isinstance(error, ValidationException):
        return _build_problem_response(request, build_validation_problem(_to_field_errors(error)))
    details = {"not-found": "no such address; /docs lists them all", "method-not-allowed": f"{request.method} is not for this address"}
    kind = get_problem_kind(error.status_code)
    return _build_problem_response(request, build_problem(kind, details.get(kind, error.detail)), error.headers or {})


def handle_unexpected(request: ApiRequest, error: Exception) -> Response[bytes]:
    """What nobody foresaw: the log says where, the client only that; an exception's text may hold what a user was to be told."""
    frame = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
    add_log_fields(request.scope, error=type(error).__name__, location=f"{frame.filename}:{frame.lineno}" if frame else "")
    return _build_problem_response(
        request, build_problem("internal", "the request was not carried out; the gateway's log says where it failed")
    )


def _to_field_errors(error: ValidationException) -> list[FieldError]:
    extra = error.extra if isinstance(error.extra, list) else []
    flaws = [build_field_error(f"$.{item.get('key', '')}", str(item.get("message", ""))) for item in extra if isinstance(item, Mapping)]
    return flaws or [build_field_error("$", error.detail)]


def _build_problem_response(request: ApiRequest, problem: ProblemDetails, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    if problem.errors:
        add_log_fields(request.scope, reason=problem.errors[0].reason, field=problem.errors[0].path)
    every = {**(headers or {}), **{name.decode(): value.decode() for name, value in build_problem_headers(problem)}}
    return Response(msgspec.json.encode(problem), status_code=problem.status, media_type=PROBLEM_MEDIA_TYPE, headers=every)
