"""Broadcasts of a project with a limit: its pages have what the quota gives, and other projects' are not held up."""

from typing import Any

import msgspec
import pytest

from agents.broadcasts.expander import Expander
from agents.broadcasts.project_share import ProjectShare
from schemas.audiences import Recipients, UserPage
from schemas.broadcasts import ClaimedBroadcast
from schemas.limit_ports import Quota
from tables.process_rate_limiter import ProcessRateLimiter
from tests.memory_streaming import MemoryKafka, MemoryOutbox
from tests.unit.agents.broadcasts.test_expander import BROADCAST, NOW, PARTITIONS

USERS = [f"u-{number:03}" for number in range(300)]
QUOTA = Quota("project:shop", 0.05, 40)  # 20 per second


class PagesOfOneBroadcast:
    """A broadcast to all users, whose pages are due after what was stored with the one before."""

    def __init__(self, notification: bytes) -> None:
        self.broadcast: ClaimedBroadcast | None = msgspec.structs.replace(BROADCAST, notification=notification, total_count=len(USERS))
        self.now, self.sent = 0.0, list[tuple[float, int]]()

    async def claim(self, holder: str) -> ClaimedBroadcast | None:
        return self.broadcast

    async def get_wait(self) -> float | None:
        return None

    async def read_page(self, recipients: Recipients, cursor: str, limit: int) -> UserPage:
        user_ids = [user for user in USERS if user > cursor][:limit]
        return UserPage(user_ids, user_ids[-1] if user_ids else cursor, len(user_ids) < limit)

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


async def expand(notification: bytes, quota: Quota | None) -> tuple[PagesOfOneBroadcast, MemoryKafka]:
    pages, kafka = PagesOfOneBroadcast(notification), MemoryKafka()
    share = ProjectShare(ProcessRateLimiter(lambda: pages.now), lambda stored: quota if stored.startswith("@shop/") else None)
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


@pytest.mark.parametrize(("notification", "quota"), [(b'{"type": "news"}', QUOTA), (b'{"type": "@shop/news"}', None)])
async def test_a_project_without_a_limit_is_not_held_up(notification: bytes, quota: Quota | None) -> None:
    pages, _ = await expand(notification, quota)
    assert [count for _, count in pages.sent] == [100, 100, 100]
    assert pages.now == 0
