"""How much of the quotas of provider accounts is used, for people who look; it uses nothing up."""

from collections.abc import Sequence
from math import ceil

from schemas.limit_ports import Quota
from tables.redis.client import RedisClient
from tables.redis.keys import RATE_LIMIT
from tables.redis.rate_limiter import MICROSECONDS


class RedisRateUsage:
    """Reads what tables.redis.rate_limiter writes."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def read_used(self, quotas: Sequence[Quota]) -> list[int]:
        """The permits of each quota that have not come back yet, 0 to its burst. Raises UnavailableError."""
        if not quotas:
            return []
        values = [value for quota in quotas for value in (ceil(quota.interval * MICROSECONDS), quota.burst)]
        keys = [RATE_LIMIT.build_key(self._client.prefix, quota.key) for quota in quotas]
        return [int(one) for one in await self._client.run_script("read_permits", keys, values)]
