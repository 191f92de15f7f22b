"""What a call may raise. `ProblemError` and its kinds have the problem document (RFC 9457) with which the API answered."""

from typing import Any

import msgspec
from msgspec import Struct


class FieldProblem(Struct, frozen=True):
    """An invalid part of a request: its JSONPath, its JSON Pointer, a sentence, and a reason code."""

    path: str = ""
    pointer: str = ""
    detail: str = ""
    reason: str = ""


class HeroldError(Exception):
    """A call has failed."""


class UnreachableError(HeroldError):
    """No answer: the gateway is not reached, or the connection broke. The request may have been processed if `is_sent`."""

    def __init__(self, url: str, cause: Exception, is_sent: bool) -> None:
        super().__init__(f"{url}: {type(cause).__name__}: {cause}")
        self.url, self.cause, self.is_sent = url, cause, is_sent


class NotJsonError(HeroldError):
    """An answer is not what the API answers with: another server, or a proxy, has this address."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url} responded with {status} and a body that is not what Herold's API responds with")
        self.url, self.status = url, status


class ProblemError(HeroldError):
    """The API answered with an error. Decide on `code`; `detail` is a sentence for people, `request_id` is in the gateway's log."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body
        document = body if isinstance(body, dict) else {}
        self.code = str(document.get("code") or "")
        self.title = str(document.get("title") or "")
        self.detail = str(document.get("detail") or "")
        self.request_id = str(document.get("request_id") or "")
        self.retry_after = float(document.get("retry_after") or 0)  # seconds
        self.ids = [str(one) for one in document.get("ids") or ()]
        self.errors = _read_errors(document.get("errors"))
        super().__init__(f"{status} {self.code or 'error'}: {self.detail or self.title}")


class InvalidRequestError(ProblemError):
    """422: the request is not valid; `errors` names the fields."""


class UnauthorizedError(ProblemError):
    """401: the API key or access token is missing or wrong."""


class ForbiddenError(ProblemError):
    """403: the API key or account does not have the permission."""


class NotFoundError(ProblemError):
    """404: there is no such resource."""


class ConflictError(ProblemError):
    """409: the state of the resource does not allow the request."""


class PreconditionFailedError(ProblemError):
    """412: the resource has changed since it was read."""


class RateLimitedError(ProblemError):
    """429: too many requests; `retry_after` says when the next one may follow."""


class UnavailableError(ProblemError):
    """503: Herold cannot process the request at the moment."""


_KINDS: dict[int, type[ProblemError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: PreconditionFailedError,
    422: InvalidRequestError,
    429: RateLimitedError,
    503: UnavailableError,
}


def build_problem_error(status: int, body: Any) -> ProblemError:
    """The exception for an answer with this status and decoded body."""
    return _KINDS.get(status, ProblemError)(status, body)


def _read_errors(errors: Any) -> list[FieldProblem]:
    try:
        return msgspec.convert(errors or [], list[FieldProblem])
    except msgspec.ValidationError:
        return []
