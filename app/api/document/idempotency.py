"""The Idempotency-Key of an operation in the OpenAPI document: the parameter, and what answers a key that was used before."""

from collections.abc import Mapping
from typing import Final

from app.api.document.errors import build_problem_response
from app.api.document.operations import JsonObject

DESCRIPTION: Final = (
    "up to 200 characters, UTF-8; a repeated request with this key within 24 h gets the first response, and nothing is done again. "
    "If that response has a secret, it gets 409"
)
PARAMETER: Final[Mapping[str, object]] = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}
ERRORS: Final[Mapping[int, str]] = {
    400: "the Idempotency-Key is empty, too long, or has a NUL",
    409: "the first request with this Idempotency-Key is in progress; see Retry-After",
    422: "the request is not valid; errors names the fields. Or the Idempotency-Key was used with other content",
}
SHOWN_ONCE: Final = f"{ERRORS[409]}. Or it has succeeded, and its secret is shown once: Location names what it made"


def add_idempotency_key(operation: JsonObject, *, shows_secret: bool) -> None:
    """Add the parameter to an operation, and the errors that come with it; what is said of a status already stays, as an alternative."""
    operation.setdefault("parameters", []).append({**PARAMETER, "description": DESCRIPTION})
    responses = operation["responses"]
    for status, text in {**ERRORS, 409: SHOWN_ONCE if shows_secret else ERRORS[409]}.items():
        known = responses.get(str(status), {}).get("description", "")
        if not known or status == 422:
            responses[str(status)] = build_problem_response(text)
        else:
            responses[str(status)]["description"] = f"{known}; or {text}"
