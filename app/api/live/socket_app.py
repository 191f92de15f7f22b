"""`/ws`: the live view over WebSocket, as an ASGI app.

The handshake is authenticated by a ticket in the query, because a browser cannot send a header with it, or by the header of a script. The
first message says what the client wants to see; a later one replaces it. All frames are from the gateway.

The middleware of HTTP passes WebSockets on as they are: permission and limits are checked here. Each message counts as a request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import msgspec

from app.api.access import check_permission
from app.api.limit_checks import LimitChecks
from app.api.live.connections import TRY_AGAIN, LiveConnection
from app.api.live.requests import LiveRequest, decode_request
from app.api.live.service import LiveService
from app.api.live.sessions import is_ticket
from app.api.middleware import AsgiApp, Receive, Scope, Send
from app.api.principal import PRINCIPAL, Authenticator, Holder, authenticate, build_holder, find_credential
from app.api.problems import PROBLEM_MEDIA_TYPE, ProblemDetails, ProblemError, build_problem, build_problem_headers
from app.api.request_ids import HEADER as REQUEST_ID_HEADER
from app.api.request_ids import encode_problem, find_request_id
from app.api.security_headers import add_security_headers
from app.telemetry import log_event
from schemas.errors import UnavailableError
from schemas.permissions import Permission

PATH = "/ws"
REQUEST_TIMEOUT = 10.0  # seconds until the first message
MAX_MESSAGE_LENGTH = 16_384  # characters
RETRY_AFTER = 5  # seconds
TICKET_ADVICE = "get a ticket from POST /v1/live/tickets for each connection, and use it within 30 s; or send the header of an API key"
CountMessage = Callable[[], Awaitable[ProblemDetails | None]]
INVALID_MESSAGE, NO_MESSAGE = 4400, 4408  # codes of closing; those from 4000 are ours, as in HTTP


class LiveSocketApp:
    """Serves one WebSocket per call."""

    def __init__(self, service: LiveService, authenticators: Sequence[Authenticator], limits: LimitChecks | None = None) -> None:
        """`limits`: how many handshakes and messages there may be; None: any."""
        self._service, self._authenticators, self._limits = service, authenticators, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        scope["request_id"] = find_request_id(scope["headers"])
        try:
            holder = await self._admit(scope)
        except ProblemError as error:
            if self._limits is not None:
                self._limits.on_response(scope, error.problem.status)
            await _reject(error.problem, scope, send)
            return
        await send({"type": "websocket.accept", "headers": [(REQUEST_ID_HEADER, scope["request_id"])]})
        counted = {key: scope[key] for key in ("path", PRINCIPAL)}
        scope.clear()  # uvicorn keeps it as long as the connection, with its headers
        await _SocketClient(self._service, holder, lambda: self._count(counted), receive, send).run()

    async def _admit(self, scope: Scope) -> Holder:
        """Who may watch. Raises ProblemError."""
        ticket = _find_ticket(scope)
        if self._limits is not None and (problem := await self._limits.check_address(scope, has_ticket=bool(ticket))):
            raise ProblemError(problem)
        if scope["path"] != PATH:
            raise ProblemError(build_problem("not-found", f"no WebSocket here; the live view is at {PATH}"))
        try:
            holder = await self._service.sessions.redeem_ticket(ticket) if ticket else await self._authenticate(scope)
        except UnavailableError as error:
            raise ProblemError(build_problem("unavailable", str(error), retry_after=RETRY_AFTER)) from error
        if holder is None:
            raise ProblemError(build_problem("unauthorized", TICKET_ADVICE))
        scope[PRINCIPAL] = holder.principal
        if problem := await self._count(scope):
            raise ProblemError(problem)
        check_permission(holder.principal, Permission.LIVE_READ)
        return holder

    async def _count(self, scope: Scope) -> ProblemDetails | None:
        """Count a handshake or a message; the problem if it is one too many."""
        return await self._limits.check_principal(scope) if self._limits is not None else None

    async def _authenticate(self, scope: Scope) -> Holder | None:
        credential = find_credential(scope["headers"])
        principal = None if credential is None else await authenticate(self._authenticators, credential)
        if credential is None or principal is None:
            return None
        if self._limits is not None:
            self._limits.remember(credential)
        return build_holder(principal, credential)


class _SocketClient:
    """One accepted WebSocket."""

    __slots__ = ("_close_task", "_connection", "_count", "_holder", "_receive", "_send", "_service")

    def __init__(self, service: LiveService, holder: Holder, count: CountMessage, receive: Receive, send: Send) -> None:
        self._service, self._holder, self._count, self._receive, self._send = service, holder, count, receive, send
        self._connection: LiveConnection | None = None
        self._close_task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Subscribe as each message says, until the client goes."""
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                message = await self._receive()
            while message["type"] == "websocket.receive" and await self._subscribe(message):
                message = await self._receive()
                if self._close_task is not None:  # what comes after the close is not to open anything
                    break
                if message["type"] == "websocket.receive" and (problem := await self._count()):
                    await self._close(TRY_AGAIN, problem.detail)
                    break
        except TimeoutError:
            await self._close(NO_MESSAGE, f"no message came within {REQUEST_TIMEOUT:.0f} s")
        finally:
            self._unsubscribe()

    async def _subscribe(self, message: dict[str, Any]) -> bool:
        """Replace the subscription; False if the client is closed instead."""
        self._unsubscribe()
        try:
            request = _decode_message(message)
            self._connection = await self._service.open(self._holder, request, self._send_frame, self._start_closing)
        except (ValueError, msgspec.MsgspecError) as error:
            await self._close(INVALID_MESSAGE, str(error))
        except UnavailableError as error:
            await self._close(TRY_AGAIN, str(error))
        return self._connection is not None

    def _unsubscribe(self) -> None:
        if self._connection is not None:
            self._service.connections.remove(self._connection)
            self._connection = None

    async def _send_frame(self, frame: bytes) -> None:
        await self._send({"type": "websocket.send", "text": frame.decode()})

    def _start_closing(self, code: int, reason: str) -> None:
        self._close_task = asyncio.create_task(self._close(code, reason))

    async def _close(self, code: int, reason: str) -> None:
        log_event("gateway.live_closed", code=code, reason=reason, principal=self._holder.principal.actor)
        with suppress(OSError):  # the client has gone, or did not read for so long that its connection was cut
            await self._send({"type": "websocket.close", "code": code, "reason": reason[:100]})


def _find_ticket(scope: Scope) -> str:
    """The ticket of a handshake; empty if there is none, or a text that was never one, for which nothing is to be looked up."""
    tickets = parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [])
    return tickets[-1] if tickets and is_ticket(tickets[-1]) else ""


def _decode_message(message: dict[str, Any]) -> LiveRequest:
    text = message.get("text")
    if not isinstance(text, str) or len(text) > MAX_MESSAGE_LENGTH:
        raise ValueError(f"a message is a JSON object of at most {MAX_MESSAGE_LENGTH} characters")
    return decode_request(text)


async def _reject(problem: ProblemDetails, scope: Scope, send: Send) -> None:
    """Answer the handshake with a problem document."""
    headers = [
        (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
        *build_problem_headers(problem),
        (REQUEST_ID_HEADER, scope["request_id"]),
    ]
    headers = add_security_headers(headers, "https" if scope.get("scheme") == "wss" else "http")
    await send({"type": "websocket.http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": encode_problem(problem, scope)})


class SocketRouter:
    """Passes WebSockets to one app and everything else to another."""

    def __init__(self, socket_app: AsgiApp, app: AsgiApp) -> None:
        self._socket_app, self._app = socket_app, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._socket_app if scope["type"] == "websocket" else self._app)(scope, receive, send)
