"""What was accepted a moment ago."""

from schemas.replies import Fresh
from tables.redis.cache import Cache
from tables.redis.keys import ACCEPTED
from tables.redis.recent import RedisRecent
from tests.history import notification_id
from tests.proxy import proxied


async def test_what_was_accepted_is_known_with_its_lane_for_a_minute(redis_url: str, prefix: str) -> None:
    cache = Cache(redis_url, lambda: 0.0, prefix)
    recent = RedisRecent(cache)
    await recent.remember([Fresh(notification_id(1), "high"), Fresh(notification_id(2), "low")])
    assert await recent.lane_of(notification_id(1)) == "high"
    assert await recent.lane_of(notification_id(2)) == "low"
    assert await recent.lane_of(notification_id(3)) is None
    assert 0 < await cache.call(lambda redis: redis.ttl(ACCEPTED.of(prefix, notification_id(1)))) <= 60
    await recent.remember([])
    await cache.close()


async def test_a_thousand_are_remembered_in_one_call(redis_url: str, prefix: str) -> None:
    cache = Cache(redis_url, lambda: 0.0, prefix)
    recent = RedisRecent(cache)
    await recent.remember([Fresh(notification_id(n), "medium") for n in range(1000)])
    assert await recent.lane_of(notification_id(999)) == "medium"
    await cache.close()


async def test_while_redis_is_away_nothing_is_known(redis_url: str, prefix: str) -> None:
    async with proxied(redis_url) as proxy:
        await proxy.cut()
        cache = Cache(proxy.url, lambda: 0.0, prefix)
        recent = RedisRecent(cache)
        await recent.remember([Fresh(notification_id(1), "high")])
        assert await recent.lane_of(notification_id(1)) is None
        await cache.close()
