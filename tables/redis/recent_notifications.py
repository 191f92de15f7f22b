"""What was accepted over HTTP in the last minute, so that a question finds it before it is recorded."""

from collections.abc import Sequence

from schemas.enums import PRIORITIES, Priority
from schemas.errors import UnavailableError
from schemas.idempotent_responses import RecentNotification
from tables.redis.client import RedisClient
from tables.redis.keys import RECENT_NOTIFICATION


class RedisRecentNotifications:
    """Ids and priorities in Redis; while it is away nothing is remembered, and nothing raises."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def add_many(self, notifications: Sequence[RecentNotification]) -> None:
        """Remember these for a minute."""
        keys = [RECENT_NOTIFICATION.build_key(self._client.prefix, fresh.id) for fresh in notifications]
        try:
            if keys:
                await self._client.run_script(
                    "set_many", keys, [RECENT_NOTIFICATION.ttl_seconds, *(fresh.priority for fresh in notifications)]
                )
        except UnavailableError:
            return

    async def get_priority(self, notification_id: str) -> Priority | None:
        """The priority of one accepted a moment ago."""
        name = RECENT_NOTIFICATION.build_key(self._client.prefix, notification_id)
        try:
            found = await self._client.execute(lambda redis: redis.get(name))
        except UnavailableError:
            return None
        priority = found.decode() if isinstance(found, bytes) else ""
        return next((known for known in PRIORITIES if known == priority), None)
