"""The delivery worker's world in memory: an HTTP client answered by the test, an outbox committed by it, and time that it moves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from agents.delivery import Deliverer, DeliveryBatchSummary
from agents.providers.sendgrid import SendGrid
from schemas.delivery import Delivery
from schemas.delivery_policy import ConcurrencyLimits, RetryPolicy
from schemas.enums import Priority
from schemas.events import StatusEvent
from schemas.outcome import Provider
from schemas.ports import Batch, BatchHandle, Header, HttpClient, HttpRequest, HttpResponse, HttpResult, MaybeSent, NotSent
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, get_deliveries_topic
from tests.delivery_builders import NOW

ACCEPTED = HttpResponse(202, {b"x-message-id": b"m-17"}, b"")
THROTTLED = HttpResponse(429, {b"retry-after": b"4"}, b"")
BAD_REQUEST = HttpResponse(400, {}, b"")
NOT_SENT = NotSent("connection refused")
MAYBE_SENT = MaybeSent("connection closed")


class FakeRecord(NamedTuple):
    """A record as the consumer gives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()


class FakeBatchHandle:
    """A batch that knows whether it was acknowledged."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.ack_count = batch, 0

    def ack(self) -> None:
        self.ack_count += 1

    def release(self) -> None:
        raise AssertionError("it has an end here")


class PendingCall(NamedTuple):
    """A request that waits for the test to answer it."""

    request: HttpRequest
    on_result: Callable[[HttpResult], None]
    delivery_id: str


class ProducedRecord(NamedTuple):
    """An output: topic, partition, key, value, headers."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, str]


class DeliveryHarness:
    """Everything that the Deliverer reaches out to, and the Deliverer itself."""

    name = "attempts"

    def __init__(self, provider: Provider | None = None, http: HttpClient | None = None, **settings: Any) -> None:
        self.now = NOW
        self.pending_calls: list[PendingCall] = []
        self.all_calls: list[PendingCall] = []
        self.produced: list[ProducedRecord] = []
        self.rows: dict[tuple[int, bytes], bytes | None] = {}
        self.observed_attempts: list[tuple[Priority, StatusEvent]] = []
        self.observed_dead_letters: list[tuple[Priority, str, str, str]] = []
        self.observed_batches: list[DeliveryBatchSummary] = []
        self._uncommitted: list[Callable[[], None]] = []
        self.outbox_limit = 1_000_000  # rows and callbacks that may wait for the commit
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._last_offset = 0
        made = {"policy": RetryPolicy(), "limits": ConcurrencyLimits(), "observer": self, **settings}
        self.provider = provider or SendGrid("https://api.sendgrid.com", "key", "shop@example.org")
        self.deliverer = Deliverer(self.provider, http or self, self, self, lambda: self.now, self.call_later, **made)

    # -- the ports

    def send(self, request: HttpRequest, on_result: Callable[[HttpResult], None]) -> None:
        found = (request.head + request.body).find(b"dlv_")
        call = PendingCall(request, on_result, (request.head + request.body)[found : found + 36].decode())
        self.pending_calls.append(call)
        self.all_calls.append(call)

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        self.produced.append(ProducedRecord(topic, partition, key, value, {name: text.decode() for name, text in headers}))

    def stage_row(self, partition: int, key: bytes, row: bytes | None) -> None:
        self._uncommitted.append(lambda: self.rows.__setitem__((partition, key), row))

    @property
    def is_full(self) -> bool:
        return len(self._uncommitted) >= self.outbox_limit

    def on_committed(self, callback: Callable[[], None]) -> None:
        self._uncommitted.append(callback)

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [self.rows.get((partition, key)) for key in keys]

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        self._timers.append((self.now + seconds, len(self._timers), callback))

    def on_attempt(self, priority: Priority, event: StatusEvent) -> None:
        self.observed_attempts.append((priority, event))

    def on_dead_letter(self, priority: Priority, reason: str, notification_id: str, delivery_id: str) -> None:
        self.observed_dead_letters.append((priority, reason, notification_id, delivery_id))

    def on_batch_end(self, batch: DeliveryBatchSummary) -> None:
        self.observed_batches.append(batch)

    # -- what the test does

    def commit(self) -> None:
        """Everything added and put is safe now."""
        done, self._uncommitted = self._uncommitted, []
        for each in done:
            each()

    def drop_uncommitted(self) -> None:
        """The partitions were lost: rows and acknowledgements that were under way never happen."""
        self._uncommitted = []

    def advance_clock(self, seconds: float) -> None:
        """Let time pass, with all that is due in it."""
        end = self.now + seconds
        while due := sorted(timer for timer in self._timers if timer[0] <= end):
            self._timers.remove(due[0])
            self.now = max(self.now, due[0][0])
            due[0][2]()
        self.now = end

    def respond(self, result: HttpResult, index: int = 0) -> None:
        """Answer one of the calls in flight, the oldest unless told."""
        self.pending_calls.pop(index).on_result(result)

    def build_batch(self, *items: Delivery | bytes | None, priority: Priority = "medium", partition: int = 3) -> FakeBatchHandle:
        """A batch of new records."""
        return FakeBatchHandle(
            Batch(get_deliveries_topic(self.provider.channel, priority), partition, [self.build_record(item) for item in items])
        )

    def build_record(self, item: Delivery | bytes | None) -> FakeRecord:
        """A record with the next offset."""
        self._last_offset += 1
        value = msgspec.json.encode(item) if isinstance(item, Delivery) else item
        return FakeRecord(self._last_offset, int(NOW * 1000), item.user_id.encode() if isinstance(item, Delivery) else b"k", value)

    async def run_batches(self, *held: BatchHandle) -> None:
        """Give batches to the worker, as its agent does."""
        await self.deliverer.run(iterate_batches(*held))

    # -- what the test sees

    @property
    def status_events(self) -> list[StatusEvent]:
        """The status events so far."""
        return [msgspec.json.decode(sent.value or b"", type=StatusEvent) for sent in self.produced if sent.topic.endswith(STATUS_TOPIC)]

    @property
    def dead_letters(self) -> list[ProducedRecord]:
        """The dead letters so far."""
        return [sent for sent in self.produced if sent.topic.endswith(DEAD_LETTER_TOPIC)]

    @property
    def called_ids(self) -> list[str]:
        """The ids of the deliveries in a call."""
        return [call.delivery_id for call in self.pending_calls]


async def iterate_batches(*held: BatchHandle) -> AsyncIterator[BatchHandle]:
    """Batches, one after the other."""
    for each in held:
        yield each


async def iterate_forever(*held: BatchHandle) -> AsyncIterator[BatchHandle]:
    """Batches, and then none for ever."""
    for each in held:
        yield each
    await asyncio.Event().wait()
