"""What was accepted over HTTP in the last minute, so that a question finds it before it is recorded."""

from collections.abc import Sequence

from schemas.errors import Unavailable
from schemas.replies import Fresh
from schemas.words import LANES, Lane
from tables.redis.cache import Cache
from tables.redis.keys import ACCEPTED


class RedisRecent:
    """Ids and lanes in Redis; while it is away nothing is remembered, and nothing raises."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def remember(self, accepted: Sequence[Fresh]) -> None:
        """Remember these for a minute."""
        keys = [ACCEPTED.of(self._cache.prefix, fresh.id) for fresh in accepted]
        try:
            if keys:
                await self._cache.run("remember", keys, [ACCEPTED.seconds, *(fresh.lane for fresh in accepted)])
        except Unavailable:
            return

    async def lane_of(self, notification_id: str) -> Lane | None:
        """The lane of one accepted a moment ago."""
        name = ACCEPTED.of(self._cache.prefix, notification_id)
        try:
            found = await self._cache.call(lambda redis: redis.get(name))
        except Unavailable:
            return None
        lane = found.decode() if isinstance(found, bytes) else ""
        return next((known for known in LANES if known == lane), None)
