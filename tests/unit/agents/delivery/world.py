"""The delivery worker's world in memory: an HTTP client answered by the test, an outbox committed by it, and time that it moves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from agents.delivery import Deliverer, EndedBatch
from agents.providers.sendgrid import SendGrid
from schemas.delivery import Delivery
from schemas.outcome import Provider
from schemas.policies import CallLimits, RetryPolicy
from schemas.ports import Answer, Answered, Batch, Header, HeldBatch, HttpClient, MaybeSent, NotSent, Prepared
from schemas.status import Status
from schemas.topics import DEAD_LETTERS, STATUS, deliveries
from schemas.words import Lane
from tests.deliveries import NOW

ACCEPTED = Answered(202, {b"x-message-id": b"m-17"}, b"")
THROTTLED = Answered(429, {b"retry-after": b"4"}, b"")
REFUSED = Answered(400, {}, b"")
NOT_SENT = NotSent("connection refused")
MAYBE_SENT = MaybeSent("connection closed")


class Stored(NamedTuple):
    """A record as the consumer gives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()


class Held:
    """A batch that knows whether it was acknowledged."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.acked = batch, 0

    def ack(self) -> None:
        self.acked += 1

    def let_go(self) -> None:
        raise AssertionError("it has an end here")


class Call(NamedTuple):
    """A request that waits for the test to answer it."""

    prepared: Prepared
    answer: Callable[[Answer], None]
    delivery_id: str


class Sent(NamedTuple):
    """An output: topic, partition, key, value, headers."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, str]


class World:
    """Everything that the Deliverer reaches out to, and the Deliverer itself."""

    name = "attempts"

    def __init__(self, provider: Provider | None = None, http: HttpClient | None = None, **settings: Any) -> None:
        self.now = NOW
        self.calls: list[Call] = []
        self.asked: list[Call] = []
        self.outputs: list[Sent] = []
        self.rows: dict[tuple[int, bytes], bytes | None] = {}
        self.seen: list[tuple[Lane, Status]] = []
        self.dead_seen: list[tuple[Lane, str, str, str]] = []
        self.batches_seen: list[EndedBatch] = []
        self._open: list[Callable[[], None]] = []
        self.room = 1_000_000  # rows and callbacks that may wait for the commit
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._offsets = 0
        made = {"policy": RetryPolicy(), "limits": CallLimits(), "observer": self, **settings}
        self.provider = provider or SendGrid("https://api.sendgrid.com", "key", "shop@example.org")
        self.deliverer = Deliverer(self.provider, http or self, self, self, lambda: self.now, self.later, **made)

    # -- the ports

    def send(self, prepared: Prepared, on_answer: Callable[[Answer], None]) -> None:
        found = (prepared.head + prepared.body).find(b"dlv_")
        call = Call(prepared, on_answer, (prepared.head + prepared.body)[found : found + 36].decode())
        self.calls.append(call)
        self.asked.append(call)

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        self.outputs.append(Sent(topic, partition, key, value, {name: text.decode() for name, text in headers}))

    def put(self, partition: int, key: bytes, row: bytes | None) -> None:
        self._open.append(lambda: self.rows.__setitem__((partition, key), row))

    @property
    def crowded(self) -> bool:
        return len(self._open) >= self.room

    def when_committed(self, done: Callable[[], None]) -> None:
        self._open.append(done)

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [self.rows.get((partition, key)) for key in keys]

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        self._timers.append((self.now + seconds, len(self._timers), do))

    def attempted(self, lane: Lane, event: Status) -> None:
        self.seen.append((lane, event))

    def dead(self, lane: Lane, reason: str, notification_id: str, delivery_id: str) -> None:
        self.dead_seen.append((lane, reason, notification_id, delivery_id))

    def ended(self, batch: EndedBatch) -> None:
        self.batches_seen.append(batch)

    # -- what the test does

    def commit(self) -> None:
        """Everything added and put is safe now."""
        done, self._open = self._open, []
        for each in done:
            each()

    def lose(self) -> None:
        """The partitions were lost: rows and acknowledgements that were under way never happen."""
        self._open = []

    def advance(self, seconds: float) -> None:
        """Let time pass, with all that is due in it."""
        end = self.now + seconds
        while due := sorted(timer for timer in self._timers if timer[0] <= end):
            self._timers.remove(due[0])
            self.now = max(self.now, due[0][0])
            due[0][2]()
        self.now = end

    def answer(self, answer: Answer, number: int = 0) -> None:
        """Answer one of the calls in flight, the oldest unless told."""
        self.calls.pop(number).answer(answer)

    def batch(self, *items: Delivery | bytes | None, lane: Lane = "medium", partition: int = 3) -> Held:
        """A batch of new records."""
        return Held(Batch(deliveries(self.provider.channel, lane), partition, [self.record(item) for item in items]))

    def record(self, item: Delivery | bytes | None) -> Stored:
        """A record with the next offset."""
        self._offsets += 1
        value = msgspec.json.encode(item) if isinstance(item, Delivery) else item
        return Stored(self._offsets, int(NOW * 1000), item.user_id.encode() if isinstance(item, Delivery) else b"k", value)

    async def take(self, *held: HeldBatch) -> None:
        """Give batches to the worker, as its agent does."""
        await self.deliverer.run(given(*held))

    # -- what the test sees

    @property
    def events(self) -> list[Status]:
        """The status events so far."""
        return [msgspec.json.decode(sent.value or b"", type=Status) for sent in self.outputs if sent.topic.endswith(STATUS)]

    @property
    def letters(self) -> list[Sent]:
        """The dead letters so far."""
        return [sent for sent in self.outputs if sent.topic.endswith(DEAD_LETTERS)]

    @property
    def in_flight(self) -> list[str]:
        """The ids of the deliveries in a call."""
        return [call.delivery_id for call in self.calls]


async def given(*held: HeldBatch) -> AsyncIterator[HeldBatch]:
    """Batches, one after the other."""
    for each in held:
        yield each


async def endless(*held: HeldBatch) -> AsyncIterator[HeldBatch]:
    """Batches, and then none for ever."""
    for each in held:
        yield each
    await asyncio.Event().wait()
