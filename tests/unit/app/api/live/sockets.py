"""A live view without servers, and WebSockets as ASGI messages."""

import asyncio
import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec

from app.api.limit_checks import LimitChecks
from app.api.live.connections import LiveConnection, LiveConnections
from app.api.live.feed import Feed, Offsets
from app.api.live.service import LiveService
from app.api.live.sessions import LiveSessions
from app.api.live.socket_app import LiveSocketApp
from app.api.live.validity import ValidityChecks
from app.api.principal import Holder, Principal, Scheme
from schemas.errors import UnavailableError
from schemas.events import StatusEvent
from schemas.permissions import ROLE_PERMISSIONS, Role
from tables.redis.live_sessions import RedisLiveSessions

VIEWER = Principal("key", "ab12cd34", "wall screen", Role.VIEWER, ROLE_PERMISSIONS[Role.VIEWER])
OUTAGE_LIMIT = 600.0


class SilentFeed:
    """Begins at the start of a topic in which nothing happens."""

    def __init__(self, on_start: Callable[[Offsets], None]) -> None:
        self.start = lambda: on_start({0: 0})

    async def wait_until_ready(self) -> None:
        return

    async def stop(self) -> None:
        return


class MemoryTickets(RedisLiveSessions):
    """Tickets without a server."""

    def __init__(self) -> None:
        self.tickets: dict[str, bytes] = {}

    async def store_ticket(self, ticket: str, value: bytes) -> None:
        self.tickets[ticket] = value

    async def redeem_ticket(self, ticket: str) -> bytes | None:
        return self.tickets.pop(ticket, None)


class LiveGateway:
    """The app with one credential, which is `principal`'s; `is_down` stands for a PostgreSQL that does not answer."""

    def __init__(self, principal: Principal | None = VIEWER, limits: LimitChecks | None = None) -> None:
        self.principal, self.now, self.is_down, self.asked = principal, 0.0, False, 0
        self.connections = LiveConnections(self._build_feed, 100, 10, self.get_time, self._save)
        self.validity = ValidityChecks(self.connections, [self.reauthenticate], self.get_time, OUTAGE_LIMIT)
        self.sessions = LiveSessions(MemoryTickets(), bytes)
        self.service = LiveService(self.connections, self.sessions, lambda: "session-1", self.validity, separates_projects=True)
        self.app = LiveSocketApp(self.service, [self.authenticate], limits)

    def get_time(self) -> float:
        return self.now

    async def authenticate(self, scheme: Scheme, credential: bytes) -> Principal | None:
        return self.principal

    async def reauthenticate(self, holder: Holder) -> Principal | None:
        self.asked += 1
        if self.is_down:
            raise UnavailableError("PostgreSQL does not answer")
        return self.principal

    def open_socket(self, ticket: str = "") -> "Socket":
        return Socket(self.app, ticket)

    def publish(self, *events: StatusEvent) -> None:
        """Let the feed read these."""
        records = [SimpleNamespace(partition=0, offset=number, value=msgspec.json.encode(event)) for number, event in enumerate(events)]
        self._on_records(records)

    def _build_feed(self, records: int, on_start: Callable[[Offsets], None], on_records: Callable[[Any], None], *_: Any) -> Feed:
        self._on_records = on_records
        return SilentFeed(on_start)

    async def _save(self, connections: Sequence[LiveConnection]) -> None:
        return


class Socket:
    """One client: sends messages to the app, and has what the app has sent."""

    def __init__(self, app: LiveSocketApp, ticket: str = "") -> None:
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        headers = [] if ticket else [(b"authorization", b"Bearer k")]
        scope = {"type": "websocket", "path": "/ws", "scheme": "ws", "headers": headers, "client": ("192.0.2.7", 1)}
        scope["query_string"] = b"ticket=" + ticket.encode() if ticket else b""
        self._incoming.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(app(scope, self._incoming.get, self._outgoing.put))

    async def receive(self) -> dict[str, Any]:
        """The next message of the app."""
        return await asyncio.wait_for(self._outgoing.get(), 5)

    def send(self, request: dict[str, Any]) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(request)})

    async def subscribe(self) -> dict[str, Any]:
        """The first frame after the handshake."""
        assert (await self.receive())["type"] == "websocket.accept"
        self.send({})
        return dict(json.loads((await self.receive())["text"]))

    async def leave(self) -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect"})
        await self.task
