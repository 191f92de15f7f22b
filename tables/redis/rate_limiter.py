"""The rate limiter that all processes share: quotas in Redis."""

from collections.abc import Sequence
from math import ceil

from schemas.limit_ports import Exceeded, Granted, Quota, RateVerdict
from tables.gcra import find_least
from tables.redis.client import RedisClient
from tables.redis.keys import RATE_LIMIT
from tables.redis.script_batcher import ScriptBatcher

MICROSECONDS = 1_000_000


class RedisRateLimiter:
    """Implements schemas.limit_ports.RateLimiter; requests that come together are one call of a script, which answers each by itself.

    An interval is rounded up to a microsecond, so a quota of more than 10,000 per second is up to a hundredth lower.
    """

    def __init__(self, client: RedisClient) -> None:
        self._prefix, self._batcher = client.prefix, ScriptBatcher(client, "acquire_permits", [])

    async def acquire(self, quotas: Sequence[Quota], permits: int = 1, at_least: int = 0) -> RateVerdict:
        """The verdict of all processes together. Raises UnavailableError, or ValueError if the request could never be granted."""
        values: list[int] = [len(quotas), permits, find_least(quotas, permits, at_least)]
        for quota in quotas:
            values += [ceil(quota.interval * MICROSECONDS), quota.burst]
        keys = [RATE_LIMIT.build_key(self._prefix, quota.key) for quota in quotas]
        granted, position, *rest = await self._batcher.run_keys(keys, values)
        if granted:
            return Granted(granted, position, rest[0], rest[1] / MICROSECONDS)
        return Exceeded(position, rest[0] / MICROSECONDS)
