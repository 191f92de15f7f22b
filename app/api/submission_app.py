"""The hot path: POST /v1/notifications as a bare ASGI app, without the framework's routing, injection and response classes.

Its layers, from the outside: uvicorn with LimitedHttpProtocol, GatewayMiddleware (principal, limits, log line, metrics), SubmissionRouter,
SubmissionApp (permission, header, body, response), SubmissionService (validation, Idempotency-Key), KafkaPublisher. Litestar documents the
route and calls the same app for the spellings of its path that only Litestar knows.
"""

import re
from collections.abc import Mapping
from typing import Final

from app.api.access import check_principal
from app.api.exception_handlers import build_unexpected_problem
from app.api.limit_checks import add_cost
from app.api.middleware import AsgiApp, Receive, Scope, Send, add_log_fields
from app.api.principal import PRINCIPAL
from app.api.problems import DISCONNECTED, PROBLEM_MEDIA_TYPE, ProblemDetails, ProblemError, build_problem, build_problem_headers
from app.api.request_ids import encode_problem
from app.api.services.cloud_events import find_content, read_batch, read_binary, read_structured
from app.api.services.submission_service import SubmissionResult, SubmissionService
from schemas.permissions import Permission

PATH: Final = "/v1/notifications"
JSON_CONTENT_TYPE: Final = (b"content-type", b"application/json")
KEY: Final = b"idempotency-key"
CONTENT_TYPE: Final = b"content-type"
EVENT_VERSION: Final = b"ce-specversion"  # an event in binary content mode has it
PROBLEM_CONTENT_TYPE: Final = (b"content-type", PROBLEM_MEDIA_TYPE.encode())

_READ_HEADERS = frozenset({KEY, CONTENT_TYPE, EVENT_VERSION})
_is_usual_host = re.compile(rb"[A-Za-z0-9.-]+(?::[0-9]+)?").fullmatch


class SubmissionRouter:
    """Passes a submission with the usual path and host to the submission app, and everything else to the framework."""

    def __init__(self, submission_app: AsgiApp, framework: AsgiApp) -> None:
        self._submission_app, self._framework = submission_app, framework

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == PATH and _has_usual_host(scope):
            scope["path_template"] = PATH
            await self._submission_app(scope, receive, send)
        else:
            await self._framework(scope, receive, send)


class SubmissionApp:
    """Responds with 202 after all in-sync replicas of the topic have confirmed the notification; `body_limit` in bytes."""

    def __init__(self, service: SubmissionService, body_limit: int) -> None:
        self._service, self._body_limit = service, body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            principal = scope[PRINCIPAL]
            check_principal(principal, Permission.NOTIFICATIONS_SEND)
            found = _find_headers(scope)
            key = decode_key(found.get(KEY))
            body = await read_body(receive, self._body_limit)
            if found.get(CONTENT_TYPE) == JSON_CONTENT_TYPE[1] and EVENT_VERSION not in found:
                response, log_fields = await self._service.submit(body, key, principal)
            else:
                response, log_fields = await self._submit_other(scope, found, body, key)
        except ProblemError as error:
            await _send_problem(scope, send, error.problem)
        except Exception as error:
            await _send_problem(scope, send, build_unexpected_problem(scope, error))
        else:
            add_log_fields(scope, **log_fields)
            await _send(send, response.status_code, [JSON_CONTENT_TYPE], response.body)

    async def _submit_other(self, scope: Scope, headers: Mapping[bytes, bytes], body: bytes, key: str | None) -> SubmissionResult:
        """The response to JSON that is called otherwise, or to CloudEvents. A given Idempotency-Key is used instead of an event's."""
        principal, content = scope[PRINCIPAL], find_content(headers.get(CONTENT_TYPE), EVENT_VERSION in headers)
        if content == "batch":
            result = await self._service.submit_bulk(read_batch(body), key, principal)
            add_cost(scope, int(result.log_fields.get("accepted", 1)) - 1)  # as /v1/notifications/bulk does
            return result
        if content == "json":
            return await self._service.submit(body, key, principal)
        event = read_structured(body) if content == "structured" else read_binary(scope["headers"], body)
        return await self._service.submit(event.body, key or event.key, principal)


def decode_key(header: bytes | None) -> str | None:
    """The Idempotency-Key as it would be in a body: UTF-8, or Latin-1 as HTTP/1.1 has it."""
    if header is None:
        return None
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def _find_headers(scope: Scope) -> dict[bytes, bytes]:
    """The headers that the route reads; of several with one name the first."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _READ_HEADERS and name not in found:
            found[name] = value
    return found


def _has_usual_host(scope: Scope) -> bool:
    """Whether the first Host is a name or an IPv4 address; the framework rejects some others."""
    for name, value in scope["headers"]:
        if name == b"host":
            return _is_usual_host(value) is not None
    return True


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body. Raises ProblemError if it is larger than the limit, or if the client closes the connection before its end."""
    body, has_more = b"", True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ProblemError(build_problem("bad-request", DISCONNECTED))
        body = body + message["body"] if body else message["body"]
        if len(body) > limit:
            raise ProblemError(build_problem("too-large", "Request Entity Too Large"))
        has_more = message.get("more_body", False)
    return body


async def _send_problem(scope: Scope, send: Send, problem: ProblemDetails) -> None:
    if problem.errors:
        add_log_fields(scope, reason=problem.errors[0].reason, field=problem.errors[0].path)
    await _send(send, problem.status, [*build_problem_headers(problem), PROBLEM_CONTENT_TYPE], encode_problem(problem, scope))


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
