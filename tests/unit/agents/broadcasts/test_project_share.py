"""Broadcasts of a project with a limit: its pages have what the quota gives, and other projects' are not held up."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from agents.broadcasts.expander import Expander
from agents.broadcasts.project_share import ProjectShare
from schemas.audiences import Recipients, UserPage
from schemas.broadcasts import ClaimedBroadcast
from schemas.limit_ports import Granted, Quota, RateVerdict
from tables.process_rate_limiter import ProcessRateLimiter
from tests.memory_streaming import MemoryKafka, MemoryOutbox
from tests.unit.agents.broadcasts.test_expander import BROADCAST, NOW, PARTITIONS

USERS = [f"u-{number:03}" for number in range(300)]
QUOTA = Quota("project:shop", 0.05, 40)  # 20 per second


class PagesOfOneBroadcast:
    """A broadcast to all users, whose pages are due after what was stored with the one before."""

    def __init__(self, notification: bytes, recipients: Sequence[str] = USERS) -> None:
        self.recipients, self.permits = frozenset(recipients), 0
        self.broadcast: ClaimedBroadcast | None = msgspec.structs.replace(BROADCAST, notification=notification, total_count=len(USERS))
        self.now, self.sent = 0.0, list[tuple[float, int]]()

    async def claim(self, holder: str) -> ClaimedBroadcast | None:
        return self.broadcast

    async def get_wait(self) -> float | None:
        return None

    async def read_page(self, recipients: Recipients, cursor: str, limit: int) -> UserPage:
        examined = [user for user in USERS if user > cursor][:limit]
        user_ids = [user for user in examined if user in self.recipients]
        return UserPage(user_ids, examined[-1] if examined else cursor, len(examined) < limit)

    async def renew(self, broadcast_id: str, holder: str) -> bool:
        return True

    async def store_page(self, broadcast_id: str, cursor: str, page: UserPage, seconds: float) -> bool:
        assert self.broadcast
        self.broadcast = None if page.is_last else msgspec.structs.replace(self.broadcast, cursor=page.cursor)
        if page.user_ids:
            self.sent.append((self.now, len(page.user_ids)))
        self.now += seconds
        return True


class FlushedMemoryOutbox(MemoryOutbox):
    """An outbox of records that belong to no batch."""

    async def flush(self) -> None:  # type: ignore[override]
        super().flush()


class CountingLimiter:
    """A limiter that notes how many permits it has given."""

    def __init__(self, pages: PagesOfOneBroadcast) -> None:
        self.limiter, self.pages = ProcessRateLimiter(lambda: pages.now), pages

    async def acquire(self, quotas: Sequence[Quota], permits: int = 1, at_least: int = 0) -> RateVerdict:
        verdict = await self.limiter.acquire(quotas, permits, at_least)
        self.pages.permits += verdict.permits if isinstance(verdict, Granted) else 0
        return verdict


async def expand(notification: bytes, quota: Quota | None, recipients: Sequence[str] = USERS) -> tuple[PagesOfOneBroadcast, MemoryKafka]:
    pages, kafka = PagesOfOneBroadcast(notification, recipients), MemoryKafka()
    share = ProjectShare(CountingLimiter(pages), lambda stored: quota if stored.startswith("@shop/") else None)
    unused: Any = None
    expander = Expander(
        pages,  # type: ignore[arg-type]
        lambda: FlushedMemoryOutbox(kafka),
        unused,
        lambda: NOW,
        "w-1",
        PARTITIONS,
        "t1.",
        1.0,
        100,
        lambda _: None,
        share,
    )
    while pages.broadcast is not None:
        assert await expander.expand_next() == 0.0
    return pages, kafka


async def test_a_broadcast_gets_what_the_quota_of_its_project_gives() -> None:
    pages, kafka = await expand(b'{"type": "@shop/news"}', QUOTA)
    assert sum(map(len, kafka.topics.values())) == len(USERS)
    for index, (start, _) in enumerate(pages.sent):
        for end in range(index, len(pages.sent)):
            users = sum(count for _, count in pages.sent[index : end + 1])
            assert users <= QUOTA.burst + (pages.sent[end][0] - start) / QUOTA.interval + 1e-6
    assert pages.now == pytest.approx((len(USERS) - QUOTA.burst) * QUOTA.interval, abs=0.5)
    assert min(count for _, count in pages.sent[:-1]) >= 5  # not a page for each user


async def test_permits_are_taken_for_the_users_that_there_are_and_not_for_those_that_a_filter_leaves_out() -> None:
    rare = USERS[::30]
    pages, kafka = await expand(b'{"type": "@shop/news"}', QUOTA, rare)
    assert sum(map(len, kafka.topics.values())) == pages.permits == len(rare)
    assert pages.now == 0.0, "so few are within the burst"


@pytest.mark.parametrize(("notification", "quota"), [(b'{"type": "news"}', QUOTA), (b'{"type": "@shop/news"}', None)])
async def test_a_project_without_a_limit_is_not_held_up(notification: bytes, quota: Quota | None) -> None:
    pages, _ = await expand(notification, quota)
    assert [count for _, count in pages.sent] == [100, 100, 100]
    assert pages.now == 0
