"""The connections of one origin: the one used last is used next; requests wait in line when all are busy."""

import asyncio
import select
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from agents.providers.http.connection import Connection, OnAnswer
from agents.providers.http.dial import NotConnected
from agents.providers.http.limits import Limits
from schemas.ports import NotSent

Dial = Callable[[Callable[[], Connection]], Awaitable[Connection]]


class Waiting(NamedTuple):
    """A request without a connection; `until` is the tick at which it is given up."""

    request: bytes
    on_answer: OnAnswer
    until: int


class Pool:
    """Times are ticks, which the client counts; a stretch in which the process stood still is one tick, so it expires nothing."""

    def __init__(self, dial: Dial, limits: Limits, loop: asyncio.AbstractEventLoop, tick: int) -> None:
        self._dial, self._limits, self._loop = dial, limits, loop
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._dials: set[asyncio.Task[None]] = set()
        self._waiting: deque[Waiting] = deque()
        self._drained: asyncio.Future[None] | None = None
        self._tick = tick
        self._read_ticks = limits.ticks(limits.read_timeout)
        self._wait_ticks = limits.ticks(limits.wait_timeout)
        self._idle_ticks = limits.ticks(limits.idle)
        self._age_ticks = limits.ticks(limits.age)

    @property
    def unused(self) -> bool:
        """Whether nothing is open, being opened or waited for."""
        return not (self._all or self._dials or self._waiting)

    @property
    def open(self) -> int:
        """Connections open now."""
        return len(self._all)

    def send(self, request: bytes, on_answer: OnAnswer) -> None:
        """Write the request on an idle connection, or let it wait for one."""
        while self._idle:
            connection = self._idle.pop()
            if self._usable(connection):
                connection.start(request, on_answer, self._tick + self._read_ticks)
                return
        if len(self._waiting) - len(self._dials) >= self._limits.waiting:
            refusal = NotSent(f"{self._limits.waiting} requests wait for a connection already")
            self._loop.call_soon(on_answer, refusal)
            return
        self._waiting.append(Waiting(request, on_answer, self._tick + self._wait_ticks))
        self._grow(len(self._waiting))

    async def warm(self, connections: int) -> int:
        """Open connections until there are so many (at most the limit); returns how many there are."""
        self._grow(min(connections, self._limits.connections) - len(self._all))
        while self._dials and len(self._all) < connections:
            await asyncio.wait(self._dials, return_when=asyncio.FIRST_COMPLETED)
        return len(self._all)

    def sweep(self, tick: int) -> None:
        """Give up what is overdue at this tick."""
        self._tick = tick
        for connection in [c for c in self._all if c.busy and c.deadline <= tick]:
            connection.give_up(f"no answer within {self._limits.read_timeout:g} s")
        for connection in [c for c in self._idle if c.retires <= tick or c.idle_since + self._idle_ticks <= tick]:
            self._idle.remove(connection)
            connection.give_up("unused")
        while self._waiting and self._waiting[0].until <= tick:
            on_answer = self._waiting.popleft().on_answer
            self._loop.call_soon(on_answer, NotSent(f"no connection was free within {self._limits.wait_timeout:g} s"))

    async def close(self) -> None:
        """End everything: what waits is NotSent, what is in flight MaybeSent."""
        for connection in list(self._all):
            connection.give_up("the client was closed")
        self._refuse("the client was closed")
        dials = list(self._dials)
        for dial in dials:
            dial.cancel()
        await asyncio.gather(*dials, return_exceptions=True)
        if self._all:
            self._drained = self._loop.create_future()
            await self._drained

    # what a connection tells

    def freed(self, connection: Connection) -> None:
        """A connection can take the next request."""
        if connection.retires <= self._tick:
            connection.give_up("old")
        elif self._waiting:
            following = self._waiting.popleft()
            connection.start(following.request, following.on_answer, self._tick + self._read_ticks)
        else:
            connection.idle_since = self._tick
            self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """A connection is gone; what waits gets another."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._drained is not None and not self._all:
            self._drained.set_result(None)
        self._grow(len(self._waiting))

    # opening

    def _grow(self, wanted: int) -> None:
        room = self._limits.connections - len(self._all)
        for _ in range(min(wanted, room) - len(self._dials)):
            dialling = self._loop.create_task(self._open())
            self._dials.add(dialling)
            dialling.add_done_callback(self._dials.discard)

    async def _open(self) -> None:
        try:
            connection = await self._dial(lambda: Connection(self, self._limits, self._loop))
        except NotConnected as error:
            self._not_opened(str(error))
            return
        if connection.closed:
            self._not_opened("the other side closed the connection as soon as it was open")
            return
        self._all.add(connection)
        connection.retires = self._tick + self._age_ticks
        self.freed(connection)

    def _not_opened(self, cause: str) -> None:
        # while other connections work, what waits can have those
        if not self._all:
            self._refuse(cause)

    def _refuse(self, cause: str) -> None:
        waiting, self._waiting = self._waiting, deque()
        for request in waiting:
            self._loop.call_soon(request.on_answer, NotSent(cause))

    def _usable(self, connection: Connection) -> bool:
        if connection.closed or connection.transport.is_closing() or connection.retires <= self._tick:
            connection.give_up("old")
            return False
        # one that lay idle may have been closed while this process did not look: then it is readable
        if connection.idle_since < self._tick and _readable(connection.transport):
            connection.give_up("closed by the other side while idle")
            return False
        return True


def _readable(transport: asyncio.Transport) -> bool:
    plug = transport.get_extra_info("socket")
    poll = select.poll()
    poll.register(plug.fileno(), select.POLLIN)
    return bool(poll.poll(0))
