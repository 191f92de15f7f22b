"""One quota for several processes on one server, and what happens without the server."""

import asyncio
import json
import sys
from math import floor

import pytest

from schemas.errors import UnavailableError
from schemas.limit_ports import Exceeded, Granted, Quota
from tables.process_rate_limiter import ProcessRateLimiter
from tables.redis.fallback_rate_limiter import FallbackRateLimiter
from tables.redis.rate_limiter import RedisRateLimiter
from tables.redis.rate_usage import RedisRateUsage
from tests.integration.redis.conftest import ProxiedRedis

PROCESSES = 4
REQUESTS = 150  # of each process
INTERVAL, BURST = 0.004, 20


async def run_taker(url: str, prefix: str) -> list[tuple[float, float]]:
    arguments = [url, prefix, str(INTERVAL), str(BURST), str(REQUESTS)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.redis.permit_takers", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return [(before, after) for before, after in json.loads(output)]


async def test_processes_together_get_no_more_than_one_would_in_any_window(redis_url: str, prefix: str) -> None:
    results = await asyncio.gather(*(run_taker(redis_url, prefix) for _ in range(PROCESSES)))
    granted = sorted(permit for result in results for permit in result)
    assert len(granted) >= BURST
    assert sum(bool(result) for result in results) > 1
    for begin in {before for before, _ in granted}:
        inside = sorted(after for before, after in granted if before >= begin)  # all of them were certainly given after `begin`
        for count, end in enumerate(inside, 1):
            assert count <= BURST + floor((end - begin) / INTERVAL)


async def test_what_is_used_is_read_without_using_it(proxied_redis: ProxiedRedis) -> None:
    limiter, usage = RedisRateLimiter(proxied_redis.client), RedisRateUsage(proxied_redis.client)
    busy, idle, smaller = Quota("account:busy", 60, 20), Quota("account:idle", 60, 20), Quota("account:busy", 60, 3)
    await limiter.acquire([busy], 7)
    assert await usage.read_used([busy, idle, smaller]) == [7, 0, 3]  # of a burst that was larger, all is used
    assert await usage.read_used([busy]) == [7]
    assert await usage.read_used([]) == []
    await proxied_redis.proxy.disable()
    with pytest.raises(UnavailableError):
        await usage.read_used([busy])


async def test_a_quota_that_is_full_again_leaves_no_key(proxied_redis: ProxiedRedis) -> None:
    client = proxied_redis.client
    await RedisRateLimiter(client).acquire([Quota("ip:192.0.2.1", 60, 5)], 2)
    keys = await client.execute(lambda redis: redis.keys(f"{client.prefix}*"))
    assert keys == [f"{client.prefix}rl:ip:192.0.2.1".encode()]
    assert 119_000 < await client.execute(lambda redis: redis.pttl(keys[0])) <= 120_000


async def test_a_value_of_somebody_else_counts_as_none(proxied_redis: ProxiedRedis) -> None:
    client = proxied_redis.client
    await client.execute(lambda redis: redis.set(f"{client.prefix}rl:a", "no number"))
    assert await RedisRateLimiter(client).acquire([Quota("a", 60, 5)]) == Granted(1, 0, 4, 60)


async def test_requests_that_come_together_are_one_call_and_share_a_quota(proxied_redis: ProxiedRedis) -> None:
    limiter = RedisRateLimiter(proxied_redis.client)
    verdicts = await asyncio.gather(*(limiter.acquire([Quota("a", 60, 5), Quota(f"b{n}", 60, 5)]) for n in range(8)))
    assert [verdict.remaining for verdict in verdicts if isinstance(verdict, Granted)] == [4, 3, 2, 1, 0]
    assert verdicts[5:] == [Exceeded(0, pytest.approx(60))] * 3


async def test_without_redis_a_process_counts_by_itself_and_says_so_once(proxied_redis: ProxiedRedis) -> None:
    changes: list[bool] = []
    shared = RedisRateLimiter(proxied_redis.client)
    limiter = FallbackRateLimiter(shared, ProcessRateLimiter(lambda: proxied_redis.now), changes.append)
    quota = Quota("a", 60, 2)
    assert isinstance(await limiter.acquire([quota]), Granted)
    await proxied_redis.proxy.disable()
    verdicts = [await limiter.acquire([quota]) for _ in range(3)]
    assert verdicts == [Granted(1, 0, 1, 60), Granted(1, 0, 0, 120), Exceeded(0, 60)]
    assert (changes, limiter.is_alone) == ([True], True)
    await proxied_redis.proxy.enable()
    proxied_redis.now += 2
    assert isinstance(await limiter.acquire([quota]), Granted)
    assert (changes, limiter.is_alone) == ([True, False], False)


async def test_the_shared_limiter_says_that_redis_is_unavailable(proxied_redis: ProxiedRedis) -> None:
    await proxied_redis.proxy.disable()
    with pytest.raises(UnavailableError):
        await RedisRateLimiter(proxied_redis.client).acquire([Quota("a", 60, 2)])
