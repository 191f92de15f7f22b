"""What the API answers when it cannot do what was asked: RFC 9457 problem documents with the path of the field that is wrong."""

import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

MEDIA_TYPE = "application/problem+json"

# every problem by its name: HTTP status, title; the docs page explains each under #<name>
KINDS: Mapping[str, tuple[int, str]] = {
    "bad-request": (400, "The request cannot be understood"),
    "unauthorized": (401, "The API key is missing or wrong"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "This address does not take that method"),
    "key-in-use": (409, "The Idempotency-Key belongs to another request"),
    "in-progress": (409, "The first request with this Idempotency-Key is still running"),
    "too-large": (413, "The request is too large"),
    "invalid": (422, "The request is not valid"),
    "internal": (500, "Herold failed on this request"),
    "unavailable": (503, "Herold cannot do this at the moment"),
}

_PLACE = re.compile(r"^(.*?)(?: - at (?:`key` in )?`(\$.*)`)?$", re.DOTALL)
_FIELD = re.compile(r"^Object (?:missing required|contains unknown) field `([^`]+)`")
_MEANT = {"lane": "the lane of a submission is its `priority`"}
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+|\.\.\.)\]")


class Flaw(Struct, frozen=True, omit_defaults=True):
    """One thing wrong with a request: where (JSONPath, and JSON Pointer as far as it is known), what, and a word to count by."""

    path: str
    pointer: str
    detail: str
    reason: str = "invalid"


class Problem(Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457); `ids` are for a second try, in the request's order, so that it cannot tell a user twice."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Flaw] = []
    ids: list[str] = []
    retry_after: int = 0


class ProblemFound(Exception):
    """Ends a request with a problem document."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem


def problem(kind: str, detail: str, errors: Sequence[Flaw] = (), *, ids: Sequence[str] = (), retry_after: int = 0) -> Problem:
    """The problem of this name; `retry_after` in seconds, 0 for none."""
    status, title = KINDS[kind]
    return Problem(f"/docs#{kind}", title, status, detail, [*errors], [*ids], retry_after)


def kind_of(status: int) -> str:
    """The name of the problem that an HTTP status means, for errors that the framework found."""
    names = {400: "bad-request", 401: "unauthorized", 404: "not-found", 405: "method-not-allowed", 413: "too-large", 422: "invalid"}
    return names.get(status, "bad-request" if status < 500 else "internal")


def flaw_at(path: str, detail: str, reason: str = "invalid") -> Flaw:
    """A flaw at a JSONPath such as `$.to.email`."""
    return Flaw(path, pointer_of(path), detail, reason)


def flaw_of(error: Exception) -> Flaw:
    """The flaw that a decoder's error tells of; one without a place is of the whole document."""
    if isinstance(error, UnicodeDecodeError):
        return flaw_at("$", "the text is not UTF-8", "undecodable")
    if isinstance(error, RecursionError):
        return flaw_at("$", "the JSON is nested too deeply", "undecodable")
    matched = _PLACE.match(str(error))
    detail, path = (matched[1], matched[2] or "$") if matched else (str(error), "$")
    if field := _FIELD.search(detail):
        path, meant = f"{path}.{field[1]}", _MEANT.get(field[1])
        detail = f"{detail}: {meant}" if meant and "unknown" in detail else detail
    reason = "invalid" if isinstance(error, msgspec.ValidationError) else "undecodable"
    return flaw_at(path, detail, reason)


def pointer_of(path: str) -> str:
    """The JSON Pointer (RFC 6901, as a URI fragment) of a JSONPath, up to the first step whose name is not known."""
    steps = []
    for name, index in _STEP.findall(path):
        if index == "...":
            break
        steps.append(name or index)
    return "#" + "".join(f"/{step}" for step in steps)


def moved(flaw: Flaw, root: str) -> Flaw:
    """The same flaw in a part of a larger document, whose JSONPath is `root`."""
    return flaw_at(f"{root}{flaw.path[1:]}", flaw.detail, flaw.reason)
