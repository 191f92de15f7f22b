"""Recent notifications on their way to the store."""

import asyncio
from collections.abc import Sequence

from app.api.services.recent_buffer import MAX_BUFFERED, RecentNotificationsBuffer
from schemas.enums import Priority
from schemas.idempotent_responses import RecentNotification


class SlowStore:
    """A store whose calls end when `may_end` is set."""

    def __init__(self) -> None:
        self.calls: list[Sequence[RecentNotification]] = []
        self.may_end = asyncio.Event()

    async def add_many(self, accepted: Sequence[RecentNotification]) -> None:
        self.calls.append(accepted)
        await self.may_end.wait()

    async def get_priority(self, notification_id: str) -> Priority | None:
        return "low" if notification_id == "stored" else None


def build_recent(*ids: str) -> list[RecentNotification]:
    return [RecentNotification(notification_id, "high") for notification_id in ids]


async def test_a_notification_is_found_at_any_time_and_stored_with_others_once() -> None:
    store = SlowStore()
    buffer = RecentNotificationsBuffer(store)
    await buffer.add_many(build_recent("a"))
    assert await buffer.get_priority("a") == "high"
    while not store.calls:
        await asyncio.sleep(0)
    for notification_id in ("b", "c"):
        await buffer.add_many(build_recent(notification_id))
    assert [await buffer.get_priority(each) for each in ("a", "b", "stored", "unknown")] == ["high", "high", "low", None]
    store.may_end.set()
    while len(store.calls) == 1:
        await asyncio.sleep(0.001)
    assert store.calls == [build_recent("a"), build_recent("b", "c")]


async def test_what_is_buffered_is_stored_at_the_end() -> None:
    store = SlowStore()
    buffer = RecentNotificationsBuffer(store)
    store.may_end.set()
    await buffer.add_many(build_recent("a"))
    await buffer.stop()
    assert store.calls == [build_recent("a")]
    await asyncio.sleep(0)
    assert len(store.calls) == 1


async def test_the_buffer_is_limited() -> None:
    buffer = RecentNotificationsBuffer(SlowStore())
    await buffer.add_many(build_recent(*map(str, range(MAX_BUFFERED))))
    await buffer.add_many(build_recent("late"))
    assert await buffer.get_priority("late") is None
