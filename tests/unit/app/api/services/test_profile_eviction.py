import asyncio
from collections.abc import Collection

from app.api.services.profile_eviction import ProfileEviction
from schemas.errors import UnavailableError


async def test_profiles_are_deleted_when_redis_answers_again() -> None:
    failures, deleted = 2, list[set[str]]()

    async def forget(user_ids: Collection[str]) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise UnavailableError("Redis does not answer")
        deleted.append(set(user_ids))

    eviction = ProfileEviction(forget, lambda seconds: asyncio.sleep(0))
    await eviction.evict(["a"])
    await eviction.evict(["b"])
    while not deleted:
        await asyncio.sleep(0)
    assert deleted == [{"a", "b"}]
    await eviction.evict(["c"])
    assert deleted[1:] == [{"c"}]
    await eviction.stop()
