"""The rate limiters under test, whose time a test moves on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from schemas.limit_ports import RateLimiter
from tables.process_rate_limiter import ProcessRateLimiter
from tables.redis.client import RedisClient
from tables.redis.rate_limiter import MICROSECONDS, RedisRateLimiter


class LimiterHarness(Protocol):
    """A limiter, and its time."""

    limiter: RateLimiter

    async def advance(self, seconds: float) -> None: ...


class ProcessLimiterHarness:
    def __init__(self) -> None:
        self._now = 1000.0
        self.limiter: RateLimiter = ProcessRateLimiter(lambda: self._now)

    async def advance(self, seconds: float) -> None:
        self._now += seconds


class RedisLimiterHarness:
    """Redis has its own clock, so the times that are stored move back instead."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self.limiter: RateLimiter = RedisRateLimiter(client)

    async def advance(self, seconds: float) -> None:
        for key in await self._client.execute(lambda redis: redis.keys(f"{self._client.prefix}*")):
            await self._move_back(key, seconds)

    async def _move_back(self, key: bytes, seconds: float) -> None:
        stored, left = await self._client.execute(lambda redis: redis.get(key)), await self._client.execute(lambda redis: redis.pttl(key))
        rest = left - int(seconds * 1000)
        if rest <= 0:
            await self._client.execute(lambda redis: redis.delete(key))
        else:
            value = int(stored) - int(seconds * MICROSECONDS)
            await self._client.execute(lambda redis: redis.set(key, value, px=rest))


@asynccontextmanager
async def run_redis_harness(url: str, prefix: str) -> AsyncIterator[RedisLimiterHarness]:
    """A harness whose keys begin with a prefix and are removed at its end."""
    client = RedisClient(url, asyncio.get_running_loop().time, prefix, socket_timeout=10)
    harness = RedisLimiterHarness(client)
    try:
        yield harness
        await harness.advance(1e9)
    finally:
        await client.close()
