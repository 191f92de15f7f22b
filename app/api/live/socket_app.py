"""`/ws`: the live view over WebSocket, as an ASGI app.

The handshake is authenticated by a ticket in the query, because a browser cannot send a header with it, or by the header of a script. The
first message says what the client wants to see; a later one replaces it. All frames are from the gateway.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec

from app.api.access import build_forbidden_problem
from app.api.live.connections import LiveConnection
from app.api.live.requests import LiveRequest, decode_request
from app.api.live.service import LiveService
from app.api.middleware import AsgiApp, Receive, Scope, Send
from app.api.principal import Authenticator, Principal, authenticate, find_credential
from app.api.problems import PROBLEM_MEDIA_TYPE, ProblemDetails, build_problem, build_problem_headers
from app.telemetry import log_event
from schemas.errors import UnavailableError
from schemas.permissions import Permission

PATH = "/ws"
REQUEST_TIMEOUT = 10.0  # seconds until the first message
MAX_MESSAGE_LENGTH = 16_384  # characters
RETRY_AFTER = 5  # seconds
TICKET_ADVICE = "get a ticket from POST /v1/live/tickets for each connection, and use it within 30 s; or send the header of an API key"
INVALID_MESSAGE, NO_MESSAGE, TRY_AGAIN = 4400, 4408, 1013  # codes of closing; those from 4000 are ours, as in HTTP


class LiveSocketApp:
    """Serves one WebSocket per call."""

    def __init__(self, service: LiveService, authenticators: Sequence[Authenticator]) -> None:
        self._service, self._authenticators = service, authenticators

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        result = await self._find_principal(scope)
        if isinstance(result, Principal):
            await send({"type": "websocket.accept"})
            await _SocketClient(self._service, result, receive, send).run()
        else:
            await _reject(result, send)

    async def _find_principal(self, scope: Scope) -> Principal | ProblemDetails:
        if scope["path"] != PATH:
            return build_problem("not-found", f"no WebSocket here; the live view is at {PATH}")
        try:
            principal = await self._authenticate(scope)
        except UnavailableError as error:
            return build_problem("unavailable", str(error), retry_after=RETRY_AFTER)
        if principal is None:
            return build_problem("unauthorized", TICKET_ADVICE)
        if Permission.LIVE_READ not in principal.permissions:
            return build_forbidden_problem(principal, Permission.LIVE_READ)
        return principal

    async def _authenticate(self, scope: Scope) -> Principal | None:
        tickets = parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [])
        if tickets:
            return await self._service.sessions.redeem_ticket(tickets[-1])
        credential = find_credential(scope["headers"])
        return None if credential is None else await authenticate(self._authenticators, credential)


class _SocketClient:
    """One accepted WebSocket."""

    def __init__(self, service: LiveService, principal: Principal, receive: Receive, send: Send) -> None:
        self._service, self._principal, self._receive, self._send = service, principal, receive, send
        self._connection: LiveConnection | None = None
        self._close_task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Subscribe as each message says, until the client goes."""
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                message = await self._receive()
            while message["type"] == "websocket.receive" and await self._subscribe(message):
                message = await self._receive()
        except TimeoutError:
            await self._close(NO_MESSAGE, f"no message came within {REQUEST_TIMEOUT:.0f} s")
        finally:
            self._unsubscribe()

    async def _subscribe(self, message: dict[str, Any]) -> bool:
        """Replace the subscription; False if the client is closed instead."""
        self._unsubscribe()
        try:
            request = _decode_message(message)
            self._connection = await self._service.open(self._principal, request, self._send_frame, self._start_closing)
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

    def _start_closing(self, reason: str) -> None:
        self._close_task = asyncio.create_task(self._close(TRY_AGAIN, reason))

    async def _close(self, code: int, reason: str) -> None:
        log_event("gateway.live_closed", code=code, reason=reason, principal=self._principal.actor)
        await self._send({"type": "websocket.close", "code": code, "reason": reason[:100]})


def _decode_message(message: dict[str, Any]) -> LiveRequest:
    text = message.get("text")
    if not isinstance(text, str) or len(text) > MAX_MESSAGE_LENGTH:
        raise ValueError(f"a message is a JSON object of at most {MAX_MESSAGE_LENGTH} characters")
    return decode_request(text)


async def _reject(problem: ProblemDetails, send: Send) -> None:
    """Answer the handshake with a problem document."""
    headers = [(b"content-type", PROBLEM_MEDIA_TYPE.encode()), *build_problem_headers(problem)]
    await send({"type": "websocket.http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": msgspec.json.encode(problem)})


class SocketRouter:
    """Passes WebSockets to one app and everything else to another."""

    def __init__(self, socket_app: AsgiApp, app: AsgiApp) -> None:
        self._socket_app, self._app = socket_app, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._socket_app if scope["type"] == "websocket" else self._app)(scope, receive, send)
