"""The notifications accepted over HTTP in the last minute, so that a request finds them before they are recorded."""

from collections.abc import Sequence

from schemas.enums import PRIORITIES, Priority
from schemas.errors import UnavailableError
from schemas.idempotent_responses import RecentNotification
from tables.redis.client import RedisClient
from tables.redis.keys import RECENT_NOTIFICATION, RECENT_NOTIFICATION_TTL


class RedisRecentNotifications:
    """Ids and priorities in Redis. While it is unavailable, nothing is stored or found; no method raises UnavailableError."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def add_many(self, notifications: Sequence[RecentNotification]) -> None:
        """Store these for RECENT_NOTIFICATION_TTL seconds."""
        keys = [RECENT_NOTIFICATION.build_key(self._client.prefix, notification.id) for notification in notifications]
        try:
            if keys:
                priorities = [notification.priority for notification in notifications]
                await self._client.run_script("set_many", keys, [RECENT_NOTIFICATION_TTL, *priorities])
        except UnavailableError:
            return

    async def get_priority(self, notification_id: str) -> Priority | None:
        """The priority of a recently accepted notification; None if it is unknown."""
        redis_key = RECENT_NOTIFICATION.build_key(self._client.prefix, notification_id)
        try:
            value = await self._client.execute(lambda redis: redis.get(redis_key))
        except UnavailableError:
            return None
        text = value.decode() if isinstance(value, bytes) else ""
        return next((priority for priority in PRIORITIES if priority == text), None)
