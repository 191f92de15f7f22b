"""The clients of the live view of one gateway: sends each its frames, pings, and closes those that do not read."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from app.api.live.cursor import Cursor
from app.api.live.feed import FRAME_INTERVAL, Feed, Offsets, Records
from app.api.live.filters import RowFilter
from app.api.live.frames import encode_subscribed
from app.api.live.hub import LiveHub, Subscription
from app.api.live.ring import LiveRing
from app.api.live.rows import RowBuilder
from app.api.principal import Holder
from schemas.errors import UnavailableError
from schemas.ports import Clock

PING_INTERVAL = 10.0  # seconds
CHECK_INTERVAL = 1.0  # seconds; between two looks for clients that need a ping or do not read
STALL_TIMEOUT = 30.0  # seconds that a client may take to read a frame
READY_TIMEOUT = 10.0  # seconds until the feed has read its backlog
IDLE_TIMEOUT = 60.0  # seconds without clients after which the feed stops
TRY_AGAIN = 1013  # code of closing

SendFrame = Callable[[bytes], Awaitable[None]]
CloseClient = Callable[[int, str], None]
BuildFeed = Callable[[int, Callable[[Offsets], None], Callable[[Records], None], Callable[[], None]], Feed]
SaveConnections = Callable[[Sequence["LiveConnection"]], Awaitable[None]]


@dataclass(eq=False, slots=True)
class LiveConnection:
    """A client with its subscription. `send` returns when the client's buffer has room again; `close` gets a code and a reason.

    `valid_at` is when it was last known that the principal may watch.
    """

    session: str
    holder: Holder
    subscription: Subscription
    send: SendFrame
    close: CloseClient
    last_frame_at: float
    valid_at: float
    sending_since: float | None = None


class LiveConnections:
    """All clients. The feed runs only while there are some; `clock` is monotonic. `save` gets those whose place may have changed."""

    def __init__(
        self,
        build_feed: BuildFeed,
        buffer_records: int,
        max_clients: int,
        clock: Clock,
        save: SaveConnections,
    ) -> None:
        self._feed = build_feed(buffer_records, self._start_ring, self._publish, self.close_all)
        self._buffer_records, self._max_clients, self._clock, self._save = buffer_records, max_clients, clock, save
        self._rows = RowBuilder(buffer_records)
        self._hub: LiveHub | None = None
        self._by_subscription: dict[Subscription, LiveConnection] = {}
        self._waiting_for_ping: deque[LiveConnection] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._check_task: asyncio.Task[None] | None = None
        self._idle_since = 0.0

    @property
    def connections(self) -> Sequence[LiveConnection]:
        """All open connections."""
        return list(self._by_subscription.values())

    async def open(
        self,
        session: str,
        holder: Holder,
        row_filter: RowFilter,
        cursor: Cursor | None,
        send: SendFrame,
        close: CloseClient,
        *,
        is_sampled: bool,
    ) -> LiveConnection:
        """Subscribe a client and send its first frames. Raises UnavailableError if there are too many, or without Kafka."""
        if len(self._by_subscription) >= self._max_clients:
            raise UnavailableError(f"this gateway has {self._max_clients} live clients, as many as gateway.max_live_clients allows")
        hub = await self._get_hub()
        subscription = hub.subscribe(row_filter, cursor, is_sampled=is_sampled)
        connection = LiveConnection(session, holder, subscription, send, close, self._clock(), self._clock())
        self._by_subscription[subscription] = connection
        self._waiting_for_ping.append(connection)
        self._start_sending(connection, encode_subscribed(session, subscription.cursor))
        return connection

    def remove(self, connection: LiveConnection) -> None:
        """Forget a client whose connection is closed."""
        if self._by_subscription.pop(connection.subscription, None) is not None and self._hub is not None:
            self._hub.unsubscribe(connection.subscription)
        self._idle_since = self._clock()

    def close_all(self) -> None:
        """Close all clients: their cursors are for the next connection."""
        for connection in self.connections:
            self.close(connection, TRY_AGAIN, "the gateway reads anew: connect again with the cursor")
        self._hub = None

    def close(self, connection: LiveConnection, code: int, reason: str) -> None:
        """Close a client, which gets the code and the reason."""
        self.remove(connection)
        connection.close(code, reason)

    async def stop(self) -> None:
        """Close all clients and stop the feed."""
        self.close_all()
        if self._check_task is not None:
            self._check_task.cancel()
        await self._feed.stop()

    async def _get_hub(self) -> LiveHub:
        self._idle_since = self._clock()
        if self._check_task is None:
            self._check_task = asyncio.create_task(self._check_forever())
        self._feed.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_TIMEOUT):
                await self._feed.wait_until_ready()
        if self._hub is None:
            raise UnavailableError("Kafka does not answer, so there is nothing to show")
        return self._hub

    def _start_ring(self, start: Offsets) -> None:
        self._hub = LiveHub(LiveRing(self._buffer_records, start))

    def _publish(self, records: Records) -> None:
        if self._hub is None or not records:
            return
        for subscription in self._hub.publish((one.partition, one.offset, self._rows.build_row(one.value)) for one in records):
            self._start_sending(self._by_subscription[subscription])

    def _start_sending(self, connection: LiveConnection, first: bytes | None = None) -> None:
        if connection.sending_since is None:
            connection.sending_since = self._clock()
            task = asyncio.create_task(self._send_frames(connection, first))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send_frames(self, connection: LiveConnection, frame: bytes | None) -> None:
        """Send what there is; of a sampled client a frame in FRAME_INTERVAL, so that one that reads slowly gets fewer, not older ones."""
        hub, subscription = self._hub, connection.subscription
        try:
            while connection.subscription in self._by_subscription and hub is not None and hub is self._hub:
                if frame is None and (frame := hub.take_frame(subscription)) is None:
                    break
                connection.sending_since = self._clock()
                await connection.send(frame)
                frame = None
                if subscription.is_sampled and not subscription.replay:
                    await asyncio.sleep(FRAME_INTERVAL)
        except OSError:  # the connection is gone; its receiver removes it
            pass
        finally:
            connection.last_frame_at, connection.sending_since = self._clock(), None

    async def _check_forever(self) -> None:
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            now = self._clock()
            await self._save(self._ping_due(now))
            if not self._by_subscription and now - self._idle_since > IDLE_TIMEOUT:
                self._check_task = None
                await self._feed.stop()
                self._hub = None
                return

    def _ping_due(self, now: float) -> list[LiveConnection]:
        """Look at each connection once in about PING_INTERVAL, those of longest ago now: ping it, or close it. The ones looked at."""
        count = min(len(self._waiting_for_ping), 1 + int(len(self._waiting_for_ping) * CHECK_INTERVAL / PING_INTERVAL))
        due = [self._waiting_for_ping.popleft() for _ in range(count)]
        open_ones = [connection for connection in due if connection.subscription in self._by_subscription]
        self._waiting_for_ping += open_ones
        for connection in open_ones:
            self._ping_or_close(connection, now)
        return open_ones

    def _ping_or_close(self, connection: LiveConnection, now: float) -> None:
        if connection.sending_since is None:
            if now - connection.last_frame_at >= PING_INTERVAL / 2 and self._hub is not None:
                self._start_sending(connection, self._hub.build_ping(connection.subscription))
        elif now - connection.sending_since > STALL_TIMEOUT:
            self.close(connection, TRY_AGAIN, f"nothing was read for {STALL_TIMEOUT:.0f} s: connect again with the cursor")
