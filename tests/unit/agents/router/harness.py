"""A router in memory: fakes of its ports, and the records and policies of the tests."""

from asyncio import Future, get_running_loop, sleep, timeout
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace

from agents.router.evaluate import BatchSummary
from agents.router.parking import ParkingLimits
from agents.router.router import Router
from schemas.delivery import Delivery
from schemas.errors import UnavailableError
from schemas.events import DecidedEvent, GateResult
from schemas.ids import compute_partition, derive_id
from schemas.message_links import LinkBuilder
from schemas.policy import Partial, Policy, RateLimit, Rule, Template
from schemas.ports import Batch, BatchHandles, Header, Outbox, Table, TableRows
from schemas.profile import Profile
from schemas.scheduled import (
    CANCELLED,
    DIGEST_HEADER,
    DUE,
    ORIGINAL_TIME_HEADER,
    RESUME_COUNT_HEADER,
    RESUME_GATE_HEADER,
    ROUTED_CHANNELS_HEADER,
    Scheduled,
    encode_channels,
)
from schemas.topics import MAX_DEAD_LETTER_BYTES
from schemas.user_keys import SealerReader
from tests.fakes import FakeRecord, ProducedRecord
from tests.memory_stores import MemoryHistory, MemoryPolicyReader
from tests.memory_streaming import MemoryBatchCommitter, MemoryKafka, MemoryOutbox, MemoryTable
from tests.unit.agents.router.builders import POLICY

NOW = 1_760_000_000.0
PARTITIONS = 4
USER_ID = "u-42"
USER_PARTITION = compute_partition(USER_ID, PARTITIONS)
PARKING_LIMITS = ParkingLimits(max_records=1000, max_bytes=1_000_000)

Value = bytes | dict[str, Any] | None


def build_record(
    value: bytes | None,
    offset: int = 0,
    timestamp: int = int(NOW * 1000),
    key: bytes | None = USER_ID.encode(),
    headers: Sequence[Header] = (),
) -> FakeRecord:
    """A consumed record of the user."""
    return FakeRecord(offset, timestamp, key, value, headers)


class FakeBatchHandle:
    """A batch that records the calls of its handle."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.calls: list[str] = []

    def ack(self) -> None:
        self.calls.append("acknowledged")

    def set_unfinished(self, records: int, size: int) -> None:
        self.calls.append(f"{records} unfinished")

    def release(self) -> None:
        self.calls.append("released")

    def hold(self) -> None:
        self.calls.append("held")


async def iterate(*handles: FakeBatchHandle) -> BatchHandles:
    """The batches of an agent."""
    for handle in handles:
        yield handle


class RecordingBatchCommitter(MemoryBatchCommitter):
    """Keeps all records in their order; with `is_delayed` the test completes each commit, with `loses_rows` only claims are kept."""

    def __init__(self) -> None:
        super().__init__(MemoryKafka(MAX_DEAD_LETTER_BYTES))
        self.records: list[ProducedRecord] = []
        self.commits: list[tuple[int, list[str], list[str]]] = []
        self.is_delayed = self.loses_rows = False
        self.pending_commits: list[Future[None]] = []

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, TableRows]], claims: Sequence[tuple[Table, TableRows]] = ()
    ) -> Future[None]:
        """Finish a batch."""
        assert isinstance(outbox, MemoryOutbox)
        added = list(outbox.unflushed)
        committed = super().commit(partition, outbox, () if self.loses_rows else rows, claims)
        if committed.exception() is None:
            self.records += (ProducedRecord(topic, number, one.key, one.value, one.headers) for topic, number, one in added)
            self.commits.append((partition, [table.name for table, _ in claims], [table.name for table, _ in rows]))
        if self.is_delayed:
            committed = get_running_loop().create_future()
            self.pending_commits.append(committed)
        return committed


@dataclass
class FakeProfileReader:
    """Profiles in a dict; the first `failures_left` calls raise UnavailableError. The consent of the `unconfirmed` is not known."""

    profiles: dict[str, Profile] = field(default_factory=dict)
    failures_left: int = 0
    requested_user_ids: list[list[str]] = field(default_factory=list)
    unconfirmed: set[str] = field(default_factory=set)

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        self.requested_user_ids.append(list(user_ids))
        if self.failures_left:
            self.failures_left -= 1
            raise UnavailableError("no profiles now")
        found = {user_id: self.profiles.get(user_id, Profile(user_id, known=False)) for user_id in self.requested_user_ids[-1]}
        return found | {user_id: replace(found[user_id], consent_known=False) for user_id in self.unconfirmed & found.keys()}


class RouterHarness:
    """A router with everything it reads and writes."""

    def __init__(
        self,
        policy: Policy = POLICY,
        prefix: str = "",
        parking_limits: ParkingLimits = PARKING_LIMITS,
        link_builder: LinkBuilder | None = None,
        sealers: SealerReader | None = None,
    ) -> None:
        ada = Profile(USER_ID, True, {"email": ["ada@example.org"], "sms": ["+12025550101"], "push": ["phone", "tablet"]}, "de-AT")
        self.now = NOW
        self.policies, self.profiles = MemoryPolicyReader(policy), FakeProfileReader({USER_ID: ada})
        self.history = MemoryHistory()
        self.idempotency, self.rate_windows, self.digests = map(MemoryTable, ("idempotency", "rate_windows", "digests"))
        self.committer = RecordingBatchCommitter()
        self.sleeps: list[float] = []
        self.routed_batches: list[BatchSummary] = []
        self.router = Router(
            self.policies,
            self.profiles,
            self.history,
            self.idempotency,
            self.rate_windows,
            self.digests,
            self.committer,
            lambda: self.now,
            PARTITIONS,
            prefix,
            lambda seconds: self.sleep(seconds),
            self.routed_batches.append,
            parking_limits,
            link_builder,
            sealers=sealers,
        )

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
        await sleep(0)

    async def route(self, *values: Value | FakeRecord, partition: int = USER_PARTITION, topic: str = "notifications.medium") -> None:
        """Route a batch; a value that is no record becomes one at the next offset."""
        records = [one if isinstance(one, FakeRecord) else build_record(encode_value(one), offset) for offset, one in enumerate(values)]
        handle = FakeBatchHandle(Batch(topic, partition, records))
        await self.router.run(iterate(handle))
        async with timeout(10):
            while "acknowledged" not in handle.calls:
                await sleep(0)

    def get_records(self, topic: str) -> list[ProducedRecord]:
        """What was produced to a topic."""
        return [record for record in self.committer.records if record.topic == topic]

    async def release(self) -> None:
        """Give back what was held last, at its due time."""
        record = next(record for record in reversed(self.committer.records) if ".scheduled." in f".{record.topic}")
        release = build_release(record)
        self.now = max(self.now, release.timestamp / 1000)
        await self.route(release, topic=record.topic.replace("scheduled.", "notifications."))

    @property
    def decided_events(self) -> list[DecidedEvent]:
        """The decided events, in order."""
        return [msgspec.json.decode(record.value or b"", type=DecidedEvent) for record in self.get_records("notifications.status")]

    def get_entry(self, gate: str, number: int = -1) -> GateResult:
        """The entry of a gate in the decision log of one of the decided events, by default the last."""
        return next(entry for entry in self.decided_events[number].decision_log if entry.gate == gate)

    @property
    def deliveries(self) -> list[Delivery]:
        """The deliveries of all channels, in order."""
        return [msgspec.json.decode(r.value or b"", type=Delivery) for r in self.committer.records if r.topic.startswith("deliveries.")]

    @property
    def last_state(self) -> tuple[str, str]:
        """State and reason of the last decided event."""
        last = self.decided_events[-1]
        return last.state, last.reason


def build_release(record: ProducedRecord, offset: int = 0) -> FakeRecord:
    """The record with which the scheduler gives a held notification back, at its due time; `record` is one of `scheduled.<priority>`."""
    scheduled = msgspec.json.decode(record.value or b"", type=Scheduled)
    headers: list[Header] = [
        (RESUME_COUNT_HEADER, b"%d" % scheduled.resume_count),
        (RESUME_GATE_HEADER, scheduled.resume_gate.encode()),
        (ORIGINAL_TIME_HEADER, b"%d" % scheduled.record_time),
        (ROUTED_CHANNELS_HEADER, encode_channels(scheduled.routed_channels)),
    ]
    if scheduled.is_digest:
        headers.append((DIGEST_HEADER, CANCELLED if scheduled.is_cancelled else DUE))
    return build_record(bytes(scheduled.payload), offset, round(scheduled.due_at * 1000), scheduled.user_id.encode(), headers)


def encode_value(value: Value) -> bytes | None:
    """The value of a record: a notification as JSON, anything else as it is."""
    return msgspec.json.encode(value) if isinstance(value, dict) else value


def make_notification_id(number: int, at: float = NOW) -> str:
    """A notification's id."""
    return derive_id("ntf_", at, str(number))


def build_notification(**fields: Any) -> dict[str, Any]:
    """A valid notification of the user, with these fields instead of its own; None leaves one out."""
    whole = {"id": make_notification_id(1), "user_id": USER_ID, "type": "order.shipped", "data": {"order": 17, "name": "Ada"}, **fields}
    return {name: value for name, value in whole.items() if value is not None}


def build_policy(
    rules: Iterable[Rule] | None = None,
    templates: Iterable[Template] | None = None,
    limits: Iterable[RateLimit] | None = None,
    partials: Iterable[Partial] = (),
) -> Policy:
    """The policy of the tests, with some of it replaced."""
    return Policy(
        POLICY.rules if rules is None else {rule.type: rule for rule in rules},
        POLICY.templates if templates is None else tuple(templates),
        POLICY.rate_limits if limits is None else tuple(limits),
        partials=tuple(partials),
    )
