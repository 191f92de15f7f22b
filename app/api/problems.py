"""What the API answers when it cannot do what was asked: RFC 9457 problem documents with the path of the field that is wrong."""

import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

PROBLEM_MEDIA_TYPE = "application/problem+json"

# every problem by its name: HTTP status, title; the docs page explains each under #<name>
PROBLEM_KINDS: Mapping[str, tuple[int, str]] = {
    "bad-request": (400, "The request cannot be understood"),
    "unauthorized": (401, "The API key is missing or wrong"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "This address does not take that method"),
    "idempotency-key-conflict": (409, "The Idempotency-Key belongs to another request"),
    "idempotency-key-in-progress": (409, "The first request with this Idempotency-Key is still running"),
    "too-large": (413, "The request is too large"),
    "invalid": (422, "The request is not valid"),
    "internal": (500, "Herold failed on this request"),
    "unavailable": (503, "Herold cannot do this at the moment"),
}

_PATH_SUFFIX = re.compile(r"^(.*?)(?: - at (?:`key` in )?`(\$.*)`)?$", re.DOTALL)
_FIELD_NAME = re.compile(r"^Object (?:missing required|contains unknown) field `([^`]+)`")
_PATH_SEGMENT = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+|\.\.\.)\]")


class FieldError(Struct, frozen=True, omit_defaults=True):
    """One thing wrong with a request: where (JSONPath, and JSON Pointer as far as it is known), what, and a word to count by."""

    path: str
    pointer: str
    detail: str
    reason: str = "invalid"


class ProblemDetails(Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457); `ids` are for a second try, in the request's order, so that it cannot tell a user twice."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
    ids: list[str] = []
    retry_after: int = 0


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(self, problem: ProblemDetails) -> None:
        super().__init__(problem.title)
        self.problem = problem


def build_problem(
    kind: str, detail: str, errors: Sequence[FieldError] = (), *, ids: Sequence[str] = (), retry_after: int = 0
) -> ProblemDetails:
    """The problem of this name; `retry_after` in seconds, 0 for none."""
    status, title = PROBLEM_KINDS[kind]
    return ProblemDetails(f"/docs#{kind}", title, status, detail, [*errors], [*ids], retry_after)


def get_problem_kind(status: int) -> str:
    """The name of the problem that an HTTP status means, for errors that the framework found."""
    names = {400: "bad-request", 401: "unauthorized", 404: "not-found", 405: "method-not-allowed", 413: "too-large", 422: "invalid"}
    return names.get(status, "bad-request" if status < 500 else "internal")


def build_field_error(path: str, detail: str, reason: str = "invalid") -> FieldError:
    """A flaw at a JSONPath such as `$.to.email`."""
    return FieldError(path, to_json_pointer(path), detail, reason)


def to_field_error(error: Exception) -> FieldError:
    """The flaw that a decoder's error tells of; one without a place is of the whole document."""
    if isinstance(error, UnicodeDecodeError):
        return build_field_error("$", "the text is not UTF-8", "undecodable")
    if isinstance(error, RecursionError):
        return build_field_error("$", "the JSON is nested too deeply", "undecodable")
    matched = _PATH_SUFFIX.match(str(error))
    detail, path = (matched[1], matched[2] or "$") if matched else (str(error), "$")
    if field := _FIELD_NAME.search(detail):
        path = f"{path}.{field[1]}"
    reason = "invalid" if isinstance(error, msgspec.ValidationError) else "undecodable"
    return build_field_error(path, detail, reason)


def to_json_pointer(path: str) -> str:
    """The JSON Pointer (RFC 6901, as a URI fragment) of a JSONPath, up to the first step whose name is not known."""
    steps = []
    for name, index in _PATH_SEGMENT.findall(path):
        if index == "...":
            break
        steps.append(name or index)
    return "#" + "".join(f"/{step}" for step in steps)


def prefix_path(error: FieldError, root: str) -> FieldError:
    """The same flaw in a part of a larger document, whose JSONPath is `root`."""
    return build_field_error(f"{root}{error.path[1:]}", error.detail, error.reason)
