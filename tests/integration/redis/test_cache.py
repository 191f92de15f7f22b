"""A Redis that is away, silent, or wiped."""

import pytest

from schemas.errors import Unavailable
from tables.redis.cache import Cache
from tests.integration.redis.link import Link
from tests.proxy import proxied


async def ping(link: Link) -> bool:
    return bool(await link.cache.call(lambda redis: redis.ping()))


async def test_a_failed_redis_is_left_alone_for_a_second(link: Link) -> None:
    assert await ping(link)
    await link.proxy.cut()
    with pytest.raises(Unavailable, match="Redis does not answer"):
        await ping(link)
    await link.proxy.mend()
    link.now += 0.99
    with pytest.raises(Unavailable, match="a moment ago"):
        await ping(link)
    link.now += 0.02
    assert await ping(link)


async def test_a_silent_redis_is_given_up_after_the_timeout(redis_url: str, prefix: str) -> None:
    async with proxied(redis_url) as proxy:
        proxy.stall()
        cache = Cache(proxy.url, lambda: 0.0, prefix, timeout=0.05)
        with pytest.raises(Unavailable):
            await cache.call(lambda redis: redis.ping())
        await proxy.mend()
        await cache.close()


async def test_scripts_are_there_again_after_they_were_wiped(link: Link) -> None:
    keys = [f"{link.cache.prefix}a"]
    await link.cache.run("remember", keys, [60, "1"])
    await link.cache.call(lambda redis: redis.script_flush())
    assert await link.cache.run("remember", keys, [60, "2"]) == 1
    assert await link.cache.call(lambda redis: redis.get(keys[0])) == b"2"


async def test_a_wrong_answer_is_an_outage_too(link: Link) -> None:
    key = f"{link.cache.prefix}list"
    await link.cache.call(lambda redis: redis.rpush(key, "x"))
    with pytest.raises(Unavailable, match="WRONGTYPE"):
        await link.cache.call(lambda redis: redis.get(key))
