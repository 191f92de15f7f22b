"""Problem documents (RFC 9457): how the API reports an error, with the path of each invalid field."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from schemas.json_errors import describe_decode_error

PROBLEM_MEDIA_TYPE = "application/problem+json"
MAX_ERROR_CHARACTERS: Final = 2000  # of a path or a text
MAX_LISTED_ERRORS: Final = 3  # field errors that the detail of a problem quotes; `errors` has all of them

DISCONNECTED: Final = "the client closed the connection before the end of the body"

# HTTP status and title of each kind of problem; the docs page lists them under #<kind>
PROBLEM_KINDS: Mapping[str, tuple[int, str]] = {
    "bad-request": (400, "The request is malformed"),
    "unauthorized": (401, "The API key or access token is missing or wrong"),
    "forbidden": (403, "The API key or account may not do this"),
    "login-failed": (401, "The login failed"),
    "second-factor-required": (401, "The account needs a code of its authenticator app, too"),
    "cross-site-request": (403, "The request may come from a page of another site"),
    "invalid-signature": (403, "The signature is missing or wrong"),
    "not-found": (404, "The resource does not exist"),
    "method-not-allowed": (405, "The resource does not support this method"),
    "unsupported-media-type": (415, "The request's body has a media type that the resource does not take"),
    "ambiguous-id": (409, "Several users have a notification with this id"),
    "conflict": (409, "The state of the resource does not allow the request"),
    "precondition-failed": (412, "The resource has changed since it was read"),
    "precondition-required": (428, "The request must name the version that it changes"),
    "idempotency-key-conflict": (422, "The Idempotency-Key was used with another request"),
    "idempotency-key-in-progress": (409, "The first request with this Idempotency-Key is in progress"),
    "response-shown-once": (409, "The first request with this Idempotency-Key has succeeded, and its response is shown once"),
    "too-large": (413, "The request is too large"),
    "timeout": (408, "The request did not arrive in time"),
    "rate-limited": (429, "Too many requests"),
    "headers-too-large": (431, "The request's headers are too large"),
    "too-many-requests": (429, "Too many requests"),
    "invalid": (422, "The request is not valid"),
    "internal": (500, "Herold failed to process the request"),
    "unavailable": (503, "Herold cannot process the request at the moment"),
}
_KINDS_BY_STATUS = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid",
}

_PATH_SEGMENT = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+|\.\.\.)\]")


class FieldError(Struct, frozen=True, omit_defaults=True):
    """An invalid part of a request: its JSONPath, its JSON Pointer as far as known, a text, and a reason code."""

    path: str
    pointer: str
    detail: str
    reason: str = "invalid"


class ProblemDetails(Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457); `code` is its stable name, on which a client can decide, and `request_id` finds the log line.

    A retry repeats `ids`, in the order of the request, so that duplicates are recognised; `retry_after` is in seconds. `permission` is the
    one that is missing, `resource` the path of what an earlier request made.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
    ids: list[str] = []
    retry_after: int = 0
    permission: str = ""
    code: str = ""
    request_id: str = ""
    resource: str = ""


class ProblemError(Exception):
    """A request ends with a problem document."""

    def __init__(self, problem: ProblemDetails) -> None:
        super().__init__(problem.title)
        self.problem = problem


def build_problem(
    kind: str, detail: str, errors: Sequence[FieldError] = (), *, ids: Sequence[str] = (), retry_after: int = 0, permission: str = ""
) -> ProblemDetails:
    """The problem document of a kind; `retry_after` in seconds, 0 for none."""
    status, title = PROBLEM_KINDS[kind]
    return ProblemDetails(f"/docs#{kind}", title, status, detail, [*errors], [*ids], retry_after, permission, kind)


def build_validation_problem(errors: Sequence[FieldError]) -> ProblemDetails:
    """The problem `invalid` with these field errors."""
    detail = "; ".join(f"{error.path}: {error.detail}" for error in errors[:MAX_LISTED_ERRORS])
    remaining = len(errors) - MAX_LISTED_ERRORS
    return build_problem("invalid", f"{detail}; and {remaining} more" if remaining > 0 else detail, errors)


def build_problem_headers(problem: ProblemDetails) -> list[tuple[bytes, bytes]]:
    """The HTTP headers that belong to a problem: WWW-Authenticate, Retry-After."""
    headers = []
    if problem.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if problem.resource:
        headers.append((b"location", problem.resource.encode()))
    if problem.retry_after:
        headers.append((b"retry-after", str(problem.retry_after).encode()))
    return headers


def get_problem_kind(status: int) -> str:
    """The kind of problem for an HTTP status that the web framework chose."""
    return _KINDS_BY_STATUS.get(status, "bad-request" if status < 500 else "internal")


def build_field_error(path: str, detail: str, reason: str = "invalid") -> FieldError:
    """A field error at a JSONPath such as `$.to.email`; what a client made long is cut, because it is answered and logged."""
    path, detail = _cut(path), _cut(detail)
    return FieldError(path, to_json_pointer(path), detail, reason)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_ERROR_CHARACTERS else f"{text[:MAX_ERROR_CHARACTERS]}..."


def to_field_error(error: Exception, data: bytes) -> FieldError:
    """The field error for an exception of a msgspec decoder at this JSON; the path is `$` if the whole is wrong."""
    path, text = describe_decode_error(error, data)
    return build_field_error(path, text, "invalid" if isinstance(error, msgspec.ValidationError) else "undecodable")


def to_json_pointer(path: str) -> str:
    """The JSON Pointer (RFC 6901, as a URI fragment) of a JSONPath; it ends before the first segment without a known name."""
    segments = []
    for name, index in _PATH_SEGMENT.findall(path):
        if index == "...":
            break
        segments.append(name or index)
    return "#" + "".join(f"/{segment}" for segment in segments)


def prefix_path(error: FieldError, root: str) -> FieldError:
    """The same field error in a larger document; `root` is the JSONPath of the part."""
    return build_field_error(f"{root}{error.path[1:]}", error.detail, error.reason)
