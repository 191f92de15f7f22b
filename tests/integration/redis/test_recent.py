"""What was accepted a moment ago."""

from schemas.replies import Fresh
from tables.redis.keys import ACCEPTED
from tables.redis.recent import RedisRecent
from tests.history import notification_id
from tests.integration.redis.link import Link


async def test_what_was_accepted_is_known_with_its_lane_for_a_minute(link: Link) -> None:
    recent = RedisRecent(link.cache)
    await recent.remember([Fresh(notification_id(1), "high"), Fresh(notification_id(2), "low")])
    assert await recent.lane_of(notification_id(1)) == "high"
    assert await recent.lane_of(notification_id(2)) == "low"
    assert await recent.lane_of(notification_id(3)) is None
    key = ACCEPTED.of(link.cache.prefix, notification_id(1))
    assert 0 < await link.cache.call(lambda redis: redis.ttl(key)) <= 60
    await recent.remember([])


async def test_a_thousand_are_remembered_in_one_call(link: Link) -> None:
    recent = RedisRecent(link.cache)
    await recent.remember([Fresh(notification_id(n), "medium") for n in range(1000)])
    assert await recent.lane_of(notification_id(999)) == "medium"


async def test_while_redis_is_away_nothing_is_known(link: Link) -> None:
    await link.proxy.cut()
    recent = RedisRecent(link.cache)
    await recent.remember([Fresh(notification_id(1), "high")])
    assert await recent.lane_of(notification_id(1)) is None
