"""The expander in memory: ids of repeated pages, pacing, and what becomes of a broadcast that cannot be expanded."""

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest

from agents.broadcasts.expander import ExpandedPage, Expander, ExpansionDelay, FailedBroadcast
from schemas.audiences import AudienceFilter, CountedPage, MatchingUsers, Recipients, UserPage
from schemas.broadcasts import ClaimedBroadcast
from schemas.errors import UnavailableError
from schemas.ids import compute_partition, try_parse_time
from schemas.notification import Notification
from tests.fakes import run_pending_tasks
from tests.memory_streaming import MemoryKafka, MemoryOutbox

NOW = 1_760_000_000.0
PARTITIONS = 4
TOPIC = "t1.notifications.low"
USERS = [f"u-{number:02}" for number in range(10)]
NOTIFICATION = b'{"data": {"order": 17}, "type": "order.shipped"}'
BROADCAST = ClaimedBroadcast(
    "brd_0199c82cc00070008000000000000001", MatchingUsers(AudienceFilter()), NOTIFICATION, None, None, "", None, NOW
)


@dataclass
class FakePages:
    """One broadcast, which is claimed until it is done; a `thief` takes it before the cursor is stored."""

    broadcast: ClaimedBroadcast | None = BROADCAST
    wait: float | None = None
    expanded: int = 0
    waits: list[float] = field(default_factory=list)
    thief: bool = False
    is_running: bool = True
    given_back: list[str] = field(default_factory=list)
    error: str = ""

    async def claim(self, holder: str) -> ClaimedBroadcast | None:
        return self.broadcast

    async def get_wait(self) -> float | None:
        return self.wait

    async def read_page(self, recipients: Recipients, cursor: str, limit: int) -> UserPage:
        user_ids = [user for user in USERS if user > cursor][:limit]
        return UserPage(user_ids, user_ids[-1] if user_ids else cursor, len(user_ids) < limit)

    async def count_page(self, recipients: Recipients, cursor: str) -> CountedPage:
        return CountedPage(5, "half", False) if not cursor else CountedPage(5, "end", True)

    async def renew(self, broadcast_id: str, holder: str) -> bool:
        return self.is_running and not self.thief

    async def give_back(self, broadcast_id: str, holder: str) -> None:
        self.given_back.append(broadcast_id)

    async def store_total(self, broadcast_id: str, holder: str, total_count: int) -> bool:
        assert self.broadcast
        self.broadcast = msgspec.structs.replace(self.broadcast, total_count=total_count)
        return True

    async def store_page(self, broadcast_id: str, cursor: str, page: UserPage, seconds: float) -> bool:
        assert self.broadcast
        if self.thief:
            return False
        self.waits.append(seconds)
        self.expanded += len(page.user_ids)
        at = self.broadcast.identified_at + 1
        self.broadcast = None if page.is_last else msgspec.structs.replace(self.broadcast, cursor=page.cursor, identified_at=at)
        return True

    async def fail(self, broadcast_id: str, holder: str, error: str) -> None:
        self.error, self.broadcast = error, None


class ExpanderHarness:
    """An expander with its pages and topics; `outage` is the number of flushes that fail after they have written the records."""

    def __init__(self, pages: FakePages, max_page_users: int = 4) -> None:
        self.pages, self.kafka, self.outage = pages, MemoryKafka(), 0
        self.observed: list[ExpandedPage | FailedBroadcast | ExpansionDelay] = []
        self.slept: list[float] = []
        self.flush_ends = asyncio.Event()
        self.flush_ends.set()
        self.expander = Expander(
            pages,
            lambda: UnreliableOutbox(self),
            self.sleep,
            lambda: NOW,
            "w-1",
            PARTITIONS,
            "t1.",
            1.0,
            max_page_users,
            self.observed.append,
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.pages.broadcast is None:
            raise StopAsyncIteration

    async def run(self) -> None:
        """Run until the broadcast has ended."""
        with pytest.raises(StopAsyncIteration):
            await self.expander.run_forever()

    def read(self) -> list[Notification]:
        """The notifications that were produced, each on its partition."""
        records = [(partition, record) for partition in range(PARTITIONS) for record in self.kafka.get_records(TOPIC, partition)]
        assert all(partition == compute_partition((record.key or b"").decode(), PARTITIONS) for partition, record in records)
        return [msgspec.json.decode(record.value or b"", type=Notification) for _, record in records]


class UnreliableOutbox(MemoryOutbox):
    """An outbox whose flush fails during an outage."""

    def __init__(self, harness: ExpanderHarness) -> None:
        super().__init__(harness.kafka)
        self.harness = harness

    async def flush(self) -> None:  # type: ignore[override]
        await self.harness.flush_ends.wait()
        super().flush()
        if self.harness.outage:
            self.harness.outage -= 1
            raise UnavailableError("Kafka has not confirmed")


async def test_each_user_gets_the_notification_once_in_pages() -> None:
    harness = ExpanderHarness(FakePages())
    await harness.run()
    notifications = harness.read()
    assert sorted(one.user_id for one in notifications) == USERS
    assert {(one.type, one.data["order"]) for one in notifications} == {("order.shipped", 17)}
    assert len({one.id for one in notifications}) == len(USERS)
    pages = [event for event in harness.observed if isinstance(event, ExpandedPage)]
    assert [(page.user_count, page.is_last) for page in pages] == [(4, False), (4, False), (2, True)]
    assert harness.pages.expanded == 10
    assert {try_parse_time(one.id or "") for one in notifications} == {NOW, NOW + 1, NOW + 2}  # the times that are stored with the cursor


async def test_a_page_whose_acknowledgement_is_lost_is_repeated_with_the_same_ids() -> None:
    harness = ExpanderHarness(FakePages())
    harness.outage = 2
    await harness.run()
    notifications = harness.read()
    assert len(notifications) == len(USERS) + 8  # the first page three times
    assert len({(one.id, one.user_id) for one in notifications}) == len(USERS)
    delays = [event.seconds for event in harness.observed if isinstance(event, ExpansionDelay)]
    assert delays == [1.0, 2.0]
    assert harness.slept[:2] == delays


async def test_a_worker_that_stops_ends_the_page_in_hand_and_begins_no_other() -> None:
    pages = FakePages(broadcast=msgspec.structs.replace(BROADCAST, total_count=10))
    harness = ExpanderHarness(pages)
    harness.flush_ends = asyncio.Event()
    task = asyncio.create_task(harness.expander.run_forever())
    await run_pending_tasks()
    stop = asyncio.create_task(harness.expander.stop())
    await run_pending_tasks()
    assert (pages.expanded, stop.done()) == (0, False)
    harness.flush_ends.set()
    await run_pending_tasks()
    assert (pages.expanded, stop.done()) == (4, True)
    task.cancel()


async def test_a_page_is_not_counted_by_a_worker_that_lost_it() -> None:
    pages = FakePages(broadcast=msgspec.structs.replace(BROADCAST, total_count=10), thief=True)
    harness = ExpanderHarness(pages)
    assert await harness.expander.expand_next() == 0.0
    assert (pages.expanded, harness.observed) == (0, [])


async def test_nothing_is_produced_of_a_page_whose_broadcast_was_cancelled_since() -> None:
    pages = FakePages(broadcast=msgspec.structs.replace(BROADCAST, total_count=10), is_running=False)
    harness = ExpanderHarness(pages)
    assert await harness.expander.expand_next() == 0.0
    assert (harness.read(), pages.expanded, pages.given_back, harness.observed) == ([], 0, [BROADCAST.id], [])


async def test_a_count_ends_with_the_lease() -> None:
    harness = ExpanderHarness(FakePages(thief=True))
    await harness.expander.expand_next()
    assert harness.read() == []


async def test_the_users_are_counted_before_the_first_page() -> None:
    pages = FakePages()
    await ExpanderHarness(pages).expander.expand_next()
    assert pages.broadcast
    assert pages.broadcast.total_count == 10


@pytest.mark.parametrize(("rate", "page_users"), [(1, 1), (3, 1), (12, 3), (4000, 4)])
async def test_a_rate_limits_the_page_and_says_when_the_next_is_due(rate: int, page_users: int) -> None:
    pages = FakePages(broadcast=msgspec.structs.replace(BROADCAST, total_count=10, rate=rate))
    await ExpanderHarness(pages).expander.expand_next()
    assert (pages.expanded, pages.waits) == (page_users, [page_users / rate])


@pytest.mark.parametrize(
    ("broadcast", "error"),
    [
        (msgspec.structs.replace(BROADCAST, recipients=None), "its audience was deleted"),
        (msgspec.structs.replace(BROADCAST, total_count=1, identified_at="no time"), "unexpected error: ValueError"),
        (msgspec.structs.replace(BROADCAST, total_count=1, notification=b'{"type":"%b"}' % (b"x" * 1_000_001)), "a record of"),
    ],
)
async def test_a_broadcast_that_cannot_be_expanded_fails_alone(broadcast: ClaimedBroadcast, error: str) -> None:
    pages = FakePages(broadcast=broadcast)
    harness = ExpanderHarness(pages)
    assert await harness.expander.expand_next() == 0.0
    assert pages.error.startswith(error)
    assert harness.observed == [FailedBroadcast(BROADCAST.id, pages.error)]


@pytest.mark.parametrize(("wait", "expected"), [(None, 1.0), (0.3, 0.3), (30.0, 1.0), (-5.0, 0.02)])
async def test_without_a_page_that_is_due_it_waits_for_the_next(wait: float | None, expected: float) -> None:
    assert await ExpanderHarness(FakePages(broadcast=None, wait=wait)).expander.expand_next() == expected
