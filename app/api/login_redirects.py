"""How a login that a browser makes by addresses alone ends if it is denied: at the login page, which has a sentence for the code."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Response
from litestar.exceptions import HTTPException

from app.api.dependencies import ApiRequest
from app.api.exception_handlers import handle_http_exception, handle_problem, handle_unavailable
from app.api.middleware import add_log_fields
from app.api.problems import ProblemError, build_problem, get_problem_kind
from app.api.resources.audiences import handle_conflict
from app.auth.session_service import Denied
from schemas.errors import ConflictError, UnavailableError

DASHBOARD: Final = "/dashboard/"
PARAMETER: Final = "login_error"
JSON_TYPES: Final = ("application/json", "application/problem+json")
LoginError = ProblemError | HTTPException | UnavailableError | ConflictError


class LoginDeniedError(ProblemError):
    """A login ends without a session; `return_to` is the page that was asked for."""

    def __init__(self, denied: Denied, return_to: str) -> None:
        super().__init__(build_problem(denied.kind, denied.detail, retry_after=denied.retry_after))
        self.code, self.return_to = denied.code, return_to


def wants_page(accept: str) -> bool:
    """Whether a person will read the answer: browsers ask for HTML when an address is opened, programs do not."""
    return "text/html" in accept and not any(name in accept for name in JSON_TYPES)


def build_login_page(return_to: str, code: str) -> str:
    """The login page with a code; it is in the place of the page of the dashboard that was asked for, else of its first page."""
    parts = urlsplit(return_to if return_to.startswith(DASHBOARD) else DASHBOARD)
    return f"{parts.path}?{parts.query}{'&' if parts.query else ''}{PARAMETER}={code}"


def handle_denied_login(request: ApiRequest, error: LoginError) -> Response[bytes]:
    """The problem for a program; for a browser the way to the login page, with nothing of what the request said."""
    response = _build_problem_response(request, error)
    if not wants_page(request.headers.get("accept", "")):
        return response
    code = _find_code(error)
    add_log_fields(request.scope, reason=code)
    location = build_login_page(error.return_to if isinstance(error, LoginDeniedError) else DASHBOARD, code)
    return Response(b"", status_code=303, media_type="text/plain", headers={"location": location, "cache-control": "no-store"})


def _find_code(error: LoginError) -> str:
    """What the login page knows: the code of the denial, else the kind of problem with underscores."""
    if isinstance(error, LoginDeniedError) and error.code:
        return error.code
    if isinstance(error, HTTPException):
        return get_problem_kind(error.status_code).replace("-", "_")
    kind = "unavailable" if isinstance(error, UnavailableError) else "conflict"
    return (error.problem.code if isinstance(error, ProblemError) else kind).replace("-", "_")


def _build_problem_response(request: ApiRequest, error: LoginError) -> Response[bytes]:
    if isinstance(error, ProblemError):
        return handle_problem(request, error)
    if isinstance(error, UnavailableError):
        return handle_unavailable(request, error)
    return handle_http_exception(request, error) if isinstance(error, HTTPException) else handle_conflict(request, error)


HANDLERS: Final[Mapping[int | type[Exception], Any]] = dict.fromkeys(
    (ProblemError, HTTPException, UnavailableError, ConflictError), handle_denied_login
)
