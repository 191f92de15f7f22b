"""The resource /v1/live: tickets for `/ws`, and the same events as a stream for scripts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, cast

import msgspec
from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream
from msgspec import Struct

from app.api.access import requires
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.live.connections import LiveConnection
from app.api.live.requests import build_request
from app.api.live.service import LiveService
from app.api.openapi import INVALID, UNAUTHORIZED, describe_problem
from app.api.principal import Credential, Holder, build_holder, find_credential, get_principal
from app.api.problems import ProblemError, build_problem
from app.api.repeated_requests import CHANGES_NOTHING
from app.api.responses import LiveTicket
from schemas.permissions import Permission
from tables.redis.keys import LIVE_TICKET_TTL

EVENT_STREAM = "text/event-stream"
NO_BUFFERING = {"cache-control": "no-store", "x-accel-buffering": "no"}  # proxies would hold events back

Choices = Annotated[list[str] | None, QueryParameter(description="one of these; several times for several")]


@post(
    "/tickets",
    opt={**requires(Permission.LIVE_READ), **CHANGES_NOTHING},
    responses={**UNAUTHORIZED, 503: describe_problem("Redis does not answer")},
    summary="Get a ticket for /ws",
    operation_id="create_live_ticket",
)
async def create_live_ticket(request: ApiRequest) -> Response[LiveTicket]:
    """For one connection, `/ws?ticket=...`: a browser can send no header with it."""
    ticket = await get_dependencies(request).live.sessions.issue_ticket(_get_holder(request))
    return Response(LiveTicket(ticket, LIVE_TICKET_TTL), status_code=201, headers={"cache-control": "no-store"})


@get(
    "/events",
    opt=requires(Permission.LIVE_READ),
    responses={
        200: ResponseSpec(str, description="server-sent events: subscribed, delta, gap and ping", media_type=EVENT_STREAM),
        **UNAUTHORIZED,
        **INVALID,
        503: describe_problem("Kafka does not answer, or there are too many clients"),
    },
    summary="Watch what happens",
    operation_id="stream_live_events",
)
async def stream_live_events(
    request: ApiRequest,
    kinds: Choices = None,
    channels: Choices = None,
    priorities: Choices = None,
    statuses: Choices = None,
    categories: Choices = None,
    types: Choices = None,
    user_id: Annotated[str, QueryParameter(description="of the notifications", max_length=256)] = "",
    notification_id: Annotated[str, QueryParameter(description="of the deliveries", max_length=256)] = "",
    sampling: Annotated[bool, QueryParameter(description="whether rows may be left out, and counted, while many come")] = False,
    cursor: Annotated[str, QueryParameter(description="of the last event: goes on after it", max_length=20_000)] = "",
    last_event_id: Annotated[str, HeaderParameter(name="Last-Event-ID", description="the same")] = "",
) -> Stream:
    """Events as they are recorded, until the client closes the connection; the id of an event is its cursor. All rows, unless sampled."""
    service, events = get_dependencies(request).live, _EventQueue()
    try:
        wanted = build_request(request.query_params.dict(), last_event_id)
        connection = await service.open(_get_holder(request), wanted, events.put, events.close)
    except (ValueError, msgspec.MsgspecError) as error:
        raise ProblemError(build_problem("invalid", str(error))) from None
    return Stream(_iterate_events(service, connection, events), media_type=EVENT_STREAM, headers=NO_BUFFERING)


def _get_holder(request: ApiRequest) -> Holder:
    return build_holder(get_principal(request), cast(Credential, find_credential([*request.scope["headers"]])))


class _EventQueue:
    """Holds one frame until the connection has taken it."""

    def __init__(self) -> None:
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)
        self._closed = asyncio.Event()

    async def put(self, frame: bytes) -> None:
        await self._frames.put(frame)

    def close(self, code: int, reason: str) -> None:
        self._closed.set()

    async def get(self) -> bytes | None:
        """The next frame; None after `close`."""
        frame, closed = asyncio.ensure_future(self._frames.get()), asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait((frame, closed), return_when=asyncio.FIRST_COMPLETED)
            return None if self._closed.is_set() else frame.result()
        finally:
            frame.cancel()
            closed.cancel()


class _FrameHead(Struct):
    type: str
    cursor: str


async def _iterate_events(service: LiveService, connection: LiveConnection, events: _EventQueue) -> AsyncIterator[bytes]:
    try:
        while (frame := await events.get()) is not None:
            head = msgspec.json.decode(frame, type=_FrameHead)
            yield b"id: %b\nevent: %b\ndata: %b\n\n" % (head.cursor.encode(), head.type.encode(), frame)
    finally:
        service.connections.remove(connection)


router = Router("/v1/live", route_handlers=[create_live_ticket, stream_live_events], tags=["live"])
