"""A process that takes permits of one quota as fast as it can.

python -m tests.integration.redis.permit_takers URL PREFIX INTERVAL BURST REQUESTS prints, for each granted permit, the monotonic times
before and after its request; the clock is the same in all processes of a host.
"""

import asyncio
import json
import sys
import time

from schemas.limit_ports import Granted, Quota
from tables.redis.client import RedisClient
from tables.redis.rate_limiter import RedisRateLimiter


async def take_permits(url: str, prefix: str, quota: Quota, requests: int) -> list[tuple[float, float]]:
    """The times before and after each granted request."""
    client = RedisClient(url, time.monotonic, prefix, socket_timeout=30)
    limiter, granted = RedisRateLimiter(client), list[tuple[float, float]]()
    for _ in range(requests):
        before = time.monotonic()
        verdict = await limiter.acquire([quota], 3, 1)
        if isinstance(verdict, Granted):
            granted += [(before, time.monotonic())] * verdict.permits
    await client.close()
    return granted


if __name__ == "__main__":
    url, prefix, interval, burst, requests = sys.argv[1:]
    print(json.dumps(asyncio.run(take_permits(url, prefix, Quota("shared", float(interval), int(burst)), int(requests)))))
