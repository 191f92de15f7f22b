"""Recently accepted notifications."""

from schemas.idempotent_responses import RecentNotification
from tables.redis.keys import RECENT_NOTIFICATION
from tables.redis.recent_notifications import RedisRecentNotifications
from tests.event_builders import make_notification_id
from tests.integration.redis.conftest import ProxiedRedis


async def test_an_accepted_notification_is_found_with_its_priority_for_a_minute(proxied_redis: ProxiedRedis) -> None:
    recent = RedisRecentNotifications(proxied_redis.client)
    await recent.add_many([RecentNotification(make_notification_id(1), "high"), RecentNotification(make_notification_id(2), "low")])
    assert await recent.get_priority(make_notification_id(1)) == "high"
    assert await recent.get_priority(make_notification_id(2)) == "low"
    assert await recent.get_priority(make_notification_id(3)) is None
    key = RECENT_NOTIFICATION.build_key(proxied_redis.client.prefix, make_notification_id(1))
    assert 0 < await proxied_redis.client.execute(lambda redis: redis.ttl(key)) <= 60
    await recent.add_many([])


async def test_a_thousand_notifications_are_stored_in_one_call(proxied_redis: ProxiedRedis) -> None:
    recent = RedisRecentNotifications(proxied_redis.client)
    await recent.add_many([RecentNotification(make_notification_id(n), "medium") for n in range(1000)])
    assert await recent.get_priority(make_notification_id(999)) == "medium"


async def test_nothing_is_found_while_redis_is_unavailable(proxied_redis: ProxiedRedis) -> None:
    await proxied_redis.proxy.disable()
    recent = RedisRecentNotifications(proxied_redis.client)
    await recent.add_many([RecentNotification(make_notification_id(1), "high")])
    assert await recent.get_priority(make_notification_id(1)) is None
