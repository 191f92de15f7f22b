"""The errors of each operation in the OpenAPI document: those that every route of its kind has, an example of each, and their headers."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from app.api.document.operations import JsonObject, Operation
from app.api.problems import PROBLEM_KINDS, PROBLEM_MEDIA_TYPE, ProblemDetails, build_field_error, build_problem

PROBLEM_REF = f"#/components/schemas/{ProblemDetails.__name__}"
RETRY_AFTER_EXAMPLE = 2  # seconds
NO_BODY = frozenset({"get", "delete"})
SHOWN_DETAILS: Mapping[int, str] = {
    401: "the API key is missing or wrong",
    403: "the API key or account does not have the permission that x-permission names",
    404: "nothing has this path: a part of it is not UTF-8, or names what does not exist",
    408: "the request did not arrive in time",
    413: "the body is too large",
    415: "the body is not JSON",
    422: "the request is not valid; errors names the fields",
    429: "too many requests; Retry-After says when the next one may follow",
    431: "the headers are too large",
    500: "an unexpected error; the log line with the request_id says where",
    503: "the gateway has too many connections, or a server that it needs does not answer",
}
_EXAMPLE_KINDS = {409: "conflict", 422: "invalid", 403: "forbidden"}  # of the statuses with several kinds


class GeneralError(NamedTuple):
    """An error that all operations of a kind can answer."""

    status: int
    applies: Callable[[Operation], bool]


def _has_body(operation: Operation) -> bool:
    return operation.method not in NO_BODY


def _takes_json(operation: Operation) -> bool:
    return "application/json" in operation.value.get("requestBody", {}).get("content", {}) and not operation.is_public


def _is_protected(operation: Operation) -> bool:
    return not operation.is_public


def _has_checked_parameter(operation: Operation) -> bool:
    return any(parameter["in"] != "path" or _is_bounded(parameter) for parameter in operation.value.get("parameters", ()))


def _is_bounded(parameter: JsonObject) -> bool:
    """Whether a text can be no value of it: one that is too long, or no number."""
    return bool(parameter["schema"] != {"type": "string"})


GENERAL_ERRORS = (
    GeneralError(401, _is_protected),
    GeneralError(403, _is_protected),
    GeneralError(404, lambda operation: "{" in operation.path),
    GeneralError(408, _has_body),
    GeneralError(413, _has_body),
    GeneralError(415, _takes_json),
    GeneralError(422, lambda operation: _has_body(operation) or _has_checked_parameter(operation)),
    GeneralError(429, _is_protected),
    GeneralError(431, lambda operation: True),
    GeneralError(500, lambda operation: True),
    GeneralError(503, lambda operation: True),
)


def complete_errors(operation: Operation) -> None:
    """Add the errors that every route of its kind has, and to each error an example and its headers."""
    responses = operation.value["responses"]
    for error in GENERAL_ERRORS:
        if find_kinds(error.status) and error.applies(operation):
            responses.setdefault(str(error.status), build_problem_response(SHOWN_DETAILS[error.status]))
    if "403" in responses and not operation.is_public:
        responses["403"] = build_problem_response(SHOWN_DETAILS[403])
    for status, response in responses.items():
        if PROBLEM_MEDIA_TYPE in response.get("content", {}):
            _add_example(int(status), response)
            response["headers"] = {**response.get("headers", {}), **_build_headers(int(status))}
    operation.value["responses"] = dict(sorted(responses.items()))


def find_kinds(status: int) -> list[str]:
    """The kinds of problems with this status, which concern a request to a protected route."""
    return [kind for kind, (of_kind, _) in PROBLEM_KINDS.items() if of_kind == status and kind != "invalid-signature"]


def build_problem_example(kind: str, detail: str) -> Any:
    """A problem document of a kind as an example."""
    status, _ = PROBLEM_KINDS[kind]
    errors = [build_field_error("$.user_id", "is missing")] if kind == "invalid" else []
    text = "; ".join(f"{error.path}: {error.detail}" for error in errors) or detail
    problem = build_problem(kind, text, errors, retry_after=RETRY_AFTER_EXAMPLE if status in (429, 503) else 0)
    return msgspec.to_builtins(msgspec.structs.replace(problem, request_id="0f3c5a7d9b1e2468ace"))


def build_problem_response(description: str) -> JsonObject:
    """The response with a problem document."""
    return {"description": description, "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": PROBLEM_REF}}}}


def _add_example(status: int, response: JsonObject) -> None:
    content = response["content"][PROBLEM_MEDIA_TYPE]
    if "example" in content or "examples" in content:
        return
    kinds = [kind for kind, (of_kind, _) in PROBLEM_KINDS.items() if of_kind == status]
    kind = _EXAMPLE_KINDS.get(status)
    content["example"] = build_problem_example(kind if kind in kinds else kinds[0], response["description"])


def _build_headers(status: int) -> JsonObject:
    match status:
        case 401:
            return {"WWW-Authenticate": {"$ref": "#/components/headers/WWW-Authenticate"}}
        case 412:
            return {"ETag": {"$ref": "#/components/headers/ETag"}}
        case 429:
            return {name: {"$ref": f"#/components/headers/{name}"} for name in ("Retry-After", "RateLimit", "RateLimit-Policy")}
        case 503:
            return {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return {}
