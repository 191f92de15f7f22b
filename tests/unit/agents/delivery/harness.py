"""A Deliverer with in-memory ports: the test responds to the requests, commits the outbox and advances the clock."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Container, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from agents.delivery import Deliverer, DeliveryBatchSummary
from agents.delivery.breaker import Cause
from agents.delivery.provider_errors import CheckedProvider
from agents.delivery.provider_set import ProviderSet
from agents.providers.sendgrid import SendGrid
from schemas.dead_letter import DeadLetter, decode_dead_letter
from schemas.delivery import Delivery
from schemas.delivery_policy import BreakerPolicy, OpenDelays, ReconciliationPolicy, RetryPolicy, RetrySchedule, WaitingLimits
from schemas.enums import Priority
from schemas.events import StatusEvent
from schemas.http import HttpClient, HttpRequest, HttpResponse, HttpResult, MaybeSent, NotSent
from schemas.outcome import AttemptResult, Provider
from schemas.ports import Batch, BatchHandle, Header, Table
from schemas.scheduled import Scheduled, ScheduledRecord
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, get_deliveries_topic
from tests.delivery_builders import NOW
from tests.fakes import FakeRecord, ProducedRecord
from tests.memory_stores import MemoryHistory, MemoryProfileReader
from tests.settings_builders import build_concurrency_limits

ACCEPTED = HttpResponse(202, {b"x-message-id": b"m-17"}, b"")
THROTTLED = HttpResponse(429, {b"retry-after": b"4"}, b"")
BAD_REQUEST = HttpResponse(400, {}, b"")
RETRY_POLICY = RetryPolicy(RetrySchedule((0.5, 2.0)), max_retry_after=10.0)
WAITING_LIMITS = WaitingLimits(max_records=1000, max_bytes=1_000_000)
PROBE_DELAYS = OpenDelays(first=1.0, longest=8.0)
BREAKER_POLICY = BreakerPolicy(OpenDelays(5.0, 300.0), PROBE_DELAYS, PROBE_DELAYS, max_retry_after=900.0)
SEND_AGAIN = ReconciliationPolicy({"high": 20.0, "medium": 120.0, "low": 600.0}, is_repeatable=True)
NOT_SENT = NotSent("connection refused")
MAYBE_SENT = MaybeSent("connection closed")


_find_ids = re.compile(rb"dlv_[0-9a-f]{32}").findall


class FakeBatchHandle:
    """A batch that counts its acknowledgements and releases; a drain waits for one that was read until one of them comes."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.records, self.ack_count = batch, batch.records, 0  # the deliverer drops the records
        self.release_count = 0
        self.is_awaited = False
        self.reported_unfinished: list[tuple[int, int]] = []

    def reread(self) -> "FakeBatchHandle":
        """The same records, read again after a rebalance."""
        return FakeBatchHandle(Batch(self.batch.topic, self.batch.partition, self.records))

    def ack(self) -> None:
        self.ack_count += 1
        self.is_awaited = False

    def set_unfinished(self, records: int, size: int) -> None:
        self.reported_unfinished.append((records, size))

    def release(self) -> None:
        self.release_count += 1
        self.is_awaited = False

    def hold(self) -> None:
        self.is_awaited = True


class PendingCall(NamedTuple):
    """A request without a response yet."""

    request: HttpRequest
    on_result: Callable[[HttpResult], None]
    delivery_ids: tuple[str, ...]

    @property
    def delivery_id(self) -> str:
        """The first delivery of the call; most are for one."""
        return self.delivery_ids[0]


class AccountPerDomain(SendGrid):
    """A provider whose account is the domain of the address."""

    def __init__(self) -> None:
        super().__init__("https://api.sendgrid.com", "key", "shop@example.org")

    def get_account(self, delivery: Delivery) -> str:
        return delivery.address.partition("@")[2]


class DeliveryHarness:
    """A Deliverer that has this object as its HTTP client, table, outbox and observer."""

    name = "attempts"

    def __init__(
        self, provider: Provider | None = None, http: HttpClient | None = None, providers: ProviderSet | None = None, **options: Any
    ) -> None:
        self.now = NOW
        self.pending_calls: list[PendingCall] = []
        self.all_calls: list[PendingCall] = []
        self.produced: list[ProducedRecord] = []
        self.rows: dict[tuple[int, bytes], bytes | None] = {}
        self.rows_of: dict[tuple[str, int, bytes], bytes | None] = {}  # of other tables than attempts
        self.pending_rows_of: dict[tuple[str, int, bytes], bytes | None] = {}  # the same with what is staged
        self.observed_attempts: list[tuple[Priority, StatusEvent]] = []
        self.observed_batch_calls: list[tuple[int, bool]] = []
        self.observed_dead_letters: list[tuple[Priority, str, str, str]] = []
        self.observed_batches: list[DeliveryBatchSummary] = []
        self.observed_pauses: list[tuple[str, Cause, str]] = []
        self.observed_delays: list[float] = []
        self.observed_resumptions: list[tuple[str, Cause, float]] = []
        self.observed_outages: list[tuple[int, str]] = []
        self.profiles, self.history = MemoryProfileReader(), MemoryHistory()
        self.observed_resolutions: list[str] = []
        self._uncommitted: list[tuple[int, Callable[[], None]]] = []
        self.outbox_limit = 1_000_000  # uncommitted rows and callbacks
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._last_offset = 0
        options = {
            "profiles": self.profiles,
            "policy": RETRY_POLICY,
            "limits": build_concurrency_limits(),
            "breaker": BREAKER_POLICY,
            "waiting": WAITING_LIMITS,
            "evidence": self.history,
            "reconciliation": SEND_AGAIN,
            "observer": self,
            **options,
        }
        self.provider = provider or SendGrid("https://api.sendgrid.com", "key", "shop@example.org")
        providers = providers or ProviderSet(CheckedProvider(self.provider, http or self))
        self.deliverer = Deliverer(providers, self, self, self.get_time, self.call_later, lambda: 0.5, **options)

    # -- the ports

    def get_time(self) -> float:
        return self.now

    def send(self, request: HttpRequest, on_result: Callable[[HttpResult], None]) -> None:
        ids = tuple(found.decode() for found in _find_ids(request.head + request.body))
        call = PendingCall(request, on_result, ids)
        self.pending_calls.append(call)
        self.all_calls.append(call)

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        self.produced.append(ProducedRecord(topic, partition, key, value, headers))

    def stage_claim(self, partition: int, key: bytes, row: bytes) -> None:
        self.rows[partition, key] = row  # outputs count as produced at once, and claims are written before

    def stage_row(self, partition: int, key: bytes, row: bytes | None) -> None:
        self._uncommitted.append((partition, lambda: self.rows.__setitem__((partition, key), row)))

    def get_rows(self, table: Table, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [self.pending_rows_of.get((table.name, partition, key)) for key in keys]

    def stage_row_of(self, table: Table, partition: int, key: bytes, row: bytes | None) -> None:
        place = table.name, partition, key
        self.pending_rows_of[place] = row
        self._uncommitted.append((partition, lambda: self.rows_of.__setitem__(place, row)))

    def is_full(self, partition: int) -> bool:
        return sum(number == partition for number, _ in self._uncommitted) >= self.outbox_limit

    def on_committed(self, partition: int, callback: Callable[[], None]) -> None:
        self._uncommitted.append((partition, callback))

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [self.rows.get((partition, key)) for key in keys]

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        self._timers.append((self.now + seconds, callback))

    def on_attempt(self, priority: Priority, event: StatusEvent) -> None:
        self.observed_attempts.append((priority, event))

    def on_batch_call(self, deliveries: int, *, is_rejected: bool) -> None:
        self.observed_batch_calls.append((deliveries, is_rejected))

    def on_dead_letter(self, priority: Priority, reason: str, notification_id: str, delivery_id: str) -> None:
        self.observed_dead_letters.append((priority, reason, notification_id, delivery_id))

    def on_batch_end(self, batch: DeliveryBatchSummary) -> None:
        self.observed_batches.append(batch)

    def on_breaker_opened(self, account: str, cause: Cause, seconds: float, result: AttemptResult, *, is_again: bool) -> None:
        self.observed_delays.append(seconds)
        if not is_again:
            self.observed_pauses.append((account, cause, result.detail))

    def on_breaker_closed(self, account: str, cause: Cause, seconds: float) -> None:
        self.observed_resumptions.append((account, cause, seconds))

    def on_consent_unavailable(self, waiting: int, cause: str) -> None:
        self.observed_outages.append((waiting, cause))

    def on_resolution(self, resolution: str) -> None:
        self.observed_resolutions.append(resolution)

    # -- actions of the test

    def commit(self, partitions: Container[int] = range(100)) -> None:
        """Commit everything added and staged so far for these partitions."""
        committed = [callback for partition, callback in self._uncommitted if partition in partitions]
        self._uncommitted = [(partition, callback) for partition, callback in self._uncommitted if partition not in partitions]
        for callback in committed:
            callback()

    def drop_uncommitted(self) -> None:
        """Discard uncommitted rows and callbacks, as after a revocation."""
        self._uncommitted, self.pending_rows_of = [], dict(self.rows_of)

    def advance_clock(self, seconds: float) -> None:
        """Advance the clock and run the timers that are due."""
        end = self.now + seconds
        while due := sorted((timer for timer in self._timers if timer[0] <= end), key=itemgetter(0)):
            self._timers.remove(due[0])
            self.now = max(self.now, due[0][0])
            due[0][1]()
        self.now = end

    def respond(self, result: HttpResult, index: int = 0) -> None:
        """Give one of the calls in flight its result; the default is the oldest."""
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
        return FakeRecord(self._last_offset, key=item.user_id.encode() if isinstance(item, Delivery) else b"k", value=value)

    async def run_batches(self, *handles: BatchHandle) -> None:
        """Run the Deliverer over these batches."""
        await self.deliverer.run(iterate_batches(*handles))

    async def run_retry(self, entry: Scheduled | None = None) -> FakeBatchHandle:
        """Release an entry, the latest by default, as the scheduler does when it is due."""
        entry = entry or self.scheduled[-1]
        self.advance_clock(max(0.0, entry.due_at - self.now))
        handle = FakeBatchHandle(Batch(entry.target_topic, 3, [self.build_record(bytes(entry.payload))]))
        await self.run_batches(handle)
        return handle

    # -- results

    @property
    def status_events(self) -> list[StatusEvent]:
        """The status events produced so far."""
        return [
            msgspec.json.decode(record.value or b"", type=StatusEvent) for record in self.produced if record.topic.endswith(STATUS_TOPIC)
        ]

    @property
    def scheduled(self) -> list[Scheduled]:
        """The entries for the scheduler produced so far."""
        return [record for record in self.scheduled_records if isinstance(record, Scheduled)]

    @property
    def scheduled_records(self) -> list[ScheduledRecord]:
        """The entries for the scheduler, and the changes of entries, produced so far."""
        return [msgspec.json.decode(record.value or b"", type=ScheduledRecord) for record in self.produced if "scheduled." in record.topic]

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """The dead letters produced so far."""
        records = [record for record in self.produced if record.topic.endswith(DEAD_LETTER_TOPIC)]
        return [decode_dead_letter(record.key, record.value, record.headers) for record in records]

    @property
    def called_ids(self) -> list[str]:
        """The ids of the deliveries with a call in flight."""
        return [call.delivery_id for call in self.pending_calls]


async def iterate_batches(*handles: BatchHandle) -> AsyncIterator[BatchHandle]:
    """Yield the batches."""
    for handle in handles:
        yield handle


async def iterate_forever(*handles: BatchHandle) -> AsyncIterator[BatchHandle]:
    """Yield the batches, then wait without an end."""
    for handle in handles:
        yield handle
    await asyncio.Event().wait()
