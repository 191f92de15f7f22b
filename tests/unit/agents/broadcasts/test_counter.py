"""The counter in memory: what a page adds to the counts, what of it is cancelled, and what happens when Kafka or the lease is lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import pytest

from agents.broadcasts.counter import BroadcastCounter, CountDelay, CountedPage, FailedCount
from schemas.broadcast_counts import (
    BroadcastCount,
    BroadcastFindings,
    CountPage,
    DecidedNotification,
    DeliveryResult,
    HeldDigest,
)
from schemas.broadcasts import derive_notification_id
from schemas.errors import UnavailableError
from schemas.ids import compute_partition
from schemas.scheduled import Cancel
from tests.fakes import run_pending_tasks
from tests.memory_streaming import MemoryKafka, MemoryOutbox

NOW, LATER = 1_760_000_000.0, 1_760_080_000.0
PARTITIONS = 4
BROADCAST = "brd_0199c82cc00070008000000000000001"
RUNNING = BroadcastCount(BROADCAST, "running", (NOW, LATER), 9, 1, "", BroadcastFindings(), 0, None)
CANCELLED = msgspec.structs.replace(RUNNING, state="cancelled", age=1.0)


def build(user_id: str, state: str, reason: str = "", at: float = NOW, **fields: object) -> DecidedNotification:
    return DecidedNotification(derive_notification_id(BROADCAST, user_id, at), user_id, state, reason, **fields)  # type: ignore[arg-type]


ROUTED = build("a", "routed", deliveries=["dlv_1", "dlv_2", "dlv_3"])
HELD = build("b", "held", "quiet_hours", LATER)
ESCALATING = build("c", "routed", next_step_at=NOW + 60)
MERGED = build("d", "merged", "digest", merged_into="ntf_digest")
STRANGER = DecidedNotification(derive_notification_id(BROADCAST, "x", NOW), "y", "held", "quiet_hours")
RESULTS = {"dlv_1": DeliveryResult("PENDING", ""), "dlv_2": DeliveryResult("FAILED", "expired")}


@dataclass
class FakeHistory:
    """One broadcast with these notifications; a `thief` stores each page before the counter does."""

    count: BroadcastCount | None
    notifications: Sequence[DecidedNotification] = (ROUTED, HELD, ESCALATING, MERGED, STRANGER)
    digests: Sequence[HeldDigest] = ()
    thief: bool = False
    stored: list[tuple[BroadcastFindings, float | None]] = field(default_factory=list)
    postponed: list[float] = field(default_factory=list)

    async def claim(self, holder: str) -> BroadcastCount | None:
        return self.count

    async def get_wait(self) -> float | None:
        return 0.3

    async def read_page(self, count: BroadcastCount, limit: int) -> CountPage:
        start = int(count.cursor or 0)
        return CountPage(self.notifications[start : start + limit], str(start + limit), start + limit >= len(self.notifications))

    async def find_results(self, delivery_ids: Sequence[str]) -> dict[str, DeliveryResult]:
        return {one: RESULTS[one] for one in delivery_ids if one in RESULTS}

    async def find_held_digests(self, digests: Sequence[tuple[str, str]]) -> list[HeldDigest]:
        return [digest for digest in self.digests if (digest.id, digest.user_id) in digests]

    async def store_page(self, count: BroadcastCount, page: CountPage, findings: BroadcastFindings, pause: float | None) -> bool:
        if self.thief:
            return False
        self.stored.append((findings, pause))
        self.count = None if page.is_last else msgspec.structs.replace(count, cursor=page.cursor, findings=findings)
        return True

    async def postpone(self, count: BroadcastCount, seconds: float) -> None:
        self.postponed.append(seconds)
        self.count = None


class CounterHarness:
    """A counter with its history and topics; `outage` is the number of flushes that fail after they have written the records."""

    def __init__(self, history: FakeHistory, max_page: int = 10) -> None:
        self.history, self.kafka, self.outage, self.time = history, MemoryKafka(), 0, 0.0
        self.observed: list[CountedPage | FailedCount | CountDelay] = []
        self.flush_ends = asyncio.Event()
        self.flush_ends.set()
        values = self.read_clock, "w-1", PARTITIONS, "t1.", 1.0, max_page, self.observed.append
        self.counter = BroadcastCounter(history, lambda: UnreliableOutbox(self), self.sleep, *values)

    def read_clock(self) -> float:
        self.time += 0.5
        return self.time

    async def sleep(self, seconds: float) -> None:
        if self.history.count is None:
            raise StopAsyncIteration

    async def run(self) -> BroadcastFindings:
        """Run until the count has ended; returns its result."""
        with pytest.raises(StopAsyncIteration):
            await self.counter.run_forever()
        return self.history.stored[-1][0]

    def read_cancels(self, priority: str) -> list[Cancel]:
        """The requests on a topic, each on the partition of its user."""
        topic = f"t1.scheduled.{priority}"
        records = [(partition, record) for partition in range(PARTITIONS) for record in self.kafka.get_records(topic, partition)]
        assert all(partition == compute_partition((record.key or b"").decode(), PARTITIONS) for partition, record in records)
        return [msgspec.json.decode(record.value or b"", type=Cancel) for _, record in records]


class UnreliableOutbox(MemoryOutbox):
    """An outbox whose flush fails during an outage."""

    def __init__(self, harness: CounterHarness) -> None:
        super().__init__(harness.kafka)
        self.harness = harness

    async def flush(self) -> None:  # type: ignore[override]
        await self.harness.flush_ends.wait()
        super().flush()
        if self.harness.outage:
            self.harness.outage -= 1
            raise UnavailableError("Kafka has not confirmed")


@pytest.mark.parametrize("max_page", [1, 2, 10])
async def test_notifications_and_deliveries_are_counted_once_in_pages_of_any_size(max_page: int) -> None:
    harness = CounterHarness(FakeHistory(RUNNING), max_page)
    findings = await harness.run()
    assert (findings.decided, findings.waiting, findings.cancels) == (4, 3, False)
    assert findings.states == {"routed": {"": 2}, "held": {"quiet_hours": 1}, "merged": {"digest": 1}}
    assert findings.statuses == {"PENDING": {"": 2}, "FAILED": {"expired": 1}}  # one was tried, one is new
    assert harness.read_cancels("high") == []
    assert harness.history.stored[-1][1] == 20 * findings.seconds
    assert sum(page.notification_count for page in harness.observed if isinstance(page, CountedPage)) == 4


async def test_what_waits_of_a_cancelled_broadcast_is_cancelled_over_each_priority() -> None:
    own = HeldDigest("ntf_digest", "d", [MERGED.id])
    harness = CounterHarness(FakeHistory(CANCELLED, digests=[own]))
    findings = await harness.run()
    expected = {(HELD.id, "b", "notification"), ("dlv_1", "a", "delivery"), (ESCALATING.id, "c", "notification")}
    for priority in ("high", "medium", "low"):
        cancels = harness.read_cancels(priority)
        assert {(one.id, one.user_id, one.target) for one in cancels} == expected | {("ntf_digest", "d", "notification")}
        assert len(cancels) == 4
    assert (findings.cancels, findings.waiting) == (True, 4)
    assert harness.observed == [CountedPage(BROADCAST, 4, 4, True)]


async def test_a_digest_with_something_else_in_it_is_sent() -> None:
    shared = HeldDigest("ntf_digest", "d", [MERGED.id, derive_notification_id("brd_other", "d", NOW)])
    harness = CounterHarness(FakeHistory(CANCELLED, [MERGED], [shared]))
    assert (await harness.run()).waiting == 0
    assert harness.read_cancels("low") == []


async def test_a_page_whose_requests_are_not_acknowledged_is_not_stored_and_comes_again() -> None:
    harness = CounterHarness(FakeHistory(CANCELLED, [HELD]))
    harness.outage = 2
    findings = await harness.run()
    assert (findings.decided, len(harness.history.stored)) == (1, 1)
    assert harness.read_cancels("low") == [Cancel(HELD.id, "b")] * 3
    assert [event.seconds for event in harness.observed if isinstance(event, CountDelay)] == [1.0, 2.0]


async def test_a_broadcast_that_cannot_be_counted_waits_and_the_worker_goes_on() -> None:
    harness = CounterHarness(FakeHistory(RUNNING, [None]))  # type: ignore[list-item]  # anything that nobody expects
    assert await harness.counter.count_next() == 0.0
    assert harness.observed == [FailedCount(BROADCAST, "unexpected error: AttributeError", 3600.0)]
    assert (harness.history.postponed, harness.history.stored) == ([3600.0], [])


async def test_a_page_is_not_reported_by_a_worker_that_lost_it() -> None:
    harness = CounterHarness(FakeHistory(RUNNING, thief=True))
    await harness.counter.count_next()
    assert (harness.observed, harness.history.stored) == ([], [])


async def test_mere_counts_rest_after_each_page_and_cancels_go_on_at_once() -> None:
    assert await CounterHarness(FakeHistory(RUNNING), 2).counter.count_next() == 1.5
    assert await CounterHarness(FakeHistory(CANCELLED), 2).counter.count_next() == 0.0
    assert await CounterHarness(FakeHistory(None)).counter.count_next() == 0.3


async def test_a_worker_that_stops_ends_the_page_in_hand_and_begins_no_other() -> None:
    history = FakeHistory(CANCELLED)
    harness = CounterHarness(history, 2)
    harness.flush_ends = asyncio.Event()
    task = asyncio.create_task(harness.counter.run_forever())
    await run_pending_tasks()
    stop = asyncio.create_task(harness.counter.stop())
    await run_pending_tasks()
    assert (len(history.stored), stop.done()) == (0, False)
    harness.flush_ends.set()
    await run_pending_tasks()
    assert (len(history.stored), stop.done()) == (1, True)
    task.cancel()
