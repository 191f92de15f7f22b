"""Exception handlers: each exception of a route becomes a problem document."""

import traceback
from collections.abc import Mapping

from litestar import Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException

from app.api.dependencies import ApiRequest
from app.api.etags import build_etag_headers, build_mismatch_problem
from app.api.middleware import Scope, add_log_fields
from app.api.parameter_errors import list_parameter_errors
from app.api.problems import (
    DISCONNECTED,
    PROBLEM_MEDIA_TYPE,
    ProblemDetails,
    ProblemError,
    build_problem,
    build_problem_headers,
    build_validation_problem,
    get_problem_kind,
)
from app.api.request_ids import encode_problem
from schemas.errors import BusyError, DescribedUnavailableError, MissingUserError, UnavailableError, VersionMismatchError

STORE_UNAVAILABLE = "PostgreSQL does not answer, so this can neither be read nor changed; notifications are still accepted"
STORE_RETRY_AFTER = 5  # seconds
FRAMEWORK_DISCONNECTED = "client disconnected prematurely"  # the framework has no class for it, and calls it an error of the server


def handle_problem(request: ApiRequest, error: ProblemError) -> Response[bytes]:
    """The response to a ProblemError."""
    return _build_problem_response(request, error.problem)


def handle_missing_user(request: ApiRequest, error: MissingUserError) -> Response[bytes]:
    """The response to a request about a user who does not exist."""
    return _build_problem_response(request, build_problem("not-found", str(error)))


def handle_version_mismatch(request: ApiRequest, error: VersionMismatchError) -> Response[bytes]:
    """The response to a change of what has changed since the client read it; it has the ETag that is current."""
    return _build_problem_response(request, build_mismatch_problem(error.version), build_etag_headers(error.version))


def handle_unavailable(request: ApiRequest, error: UnavailableError) -> Response[bytes]:
    """The response while a store does not answer, and nothing was changed as far as it is known, or while Kafka does not."""
    add_log_fields(request.scope, cause=str(error))
    detail = str(error) if isinstance(error, DescribedUnavailableError) else STORE_UNAVAILABLE
    return _build_problem_response(request, build_problem("unavailable", detail, retry_after=STORE_RETRY_AFTER))


def handle_busy(request: ApiRequest, error: BusyError) -> Response[bytes]:
    """The response while the same runs for somebody else, and the process does it once at a time."""
    return _build_problem_response(request, build_problem("too-many-requests", str(error), retry_after=STORE_RETRY_AFTER))


def handle_http_exception(request: ApiRequest, error: HTTPException) -> Response[bytes]:
    """The response to an error of the framework: unknown path, wrong method, invalid query parameter, body too large."""
    if isinstance(error, ValidationException):
        return _build_problem_response(request, build_validation_problem(list_parameter_errors(request, error)))
    if isinstance(error, InternalServerException) and error.detail == FRAMEWORK_DISCONNECTED:
        return _build_problem_response(request, build_problem("bad-request", DISCONNECTED))
    details = {"not-found": "no such path; see /docs", "method-not-allowed": f"this path does not support {request.method}; see /docs"}
    kind = get_problem_kind(error.status_code)
    return _build_problem_response(request, build_problem(kind, details.get(kind, error.detail)), error.headers or {})


def handle_unexpected(request: ApiRequest, error: Exception) -> Response[bytes]:
    """The response to any other exception. The log has its type and location only: its text may contain personal data."""
    return _build_problem_response(request, build_unexpected_problem(request.scope, error))


def build_unexpected_problem(scope: Scope, error: Exception) -> ProblemDetails:
    """The problem of an exception that nothing expects; its type and location are added to the request's log line."""
    frame = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
    add_log_fields(scope, error=type(error).__name__, location=f"{frame.filename}:{frame.lineno}" if frame else "")
    return build_problem("internal", "an unexpected error occurred; the gateway's log has its location")


def _build_problem_response(request: ApiRequest, problem: ProblemDetails, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    if problem.errors:
        add_log_fields(request.scope, reason=problem.errors[0].reason, field=problem.errors[0].path)
    problem_headers = {name.decode(): value.decode() for name, value in build_problem_headers(problem)}
    return Response(
        encode_problem(problem, request.scope),
        status_code=problem.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers={**(headers or {}), **problem_headers},
    )
