"""A Redis that is away, silent, or wiped."""

from collections.abc import AsyncIterator

import pytest

from schemas.errors import Unavailable
from tables.redis.cache import Cache
from tests.proxy import Proxy, proxied


class World:
    """A cache behind a proxy, and its clock."""

    def __init__(self, proxy: Proxy, prefix: str) -> None:
        self.proxy, self.now = proxy, 1000.0
        self.cache = Cache(proxy.url, lambda: self.now, prefix, timeout=2.0)

    async def ping(self) -> bool:
        return bool(await self.cache.call(lambda redis: redis.ping()))


@pytest.fixture
async def world(redis_url: str, prefix: str) -> AsyncIterator[World]:
    async with proxied(redis_url) as proxy:
        world = World(proxy, prefix)
        yield world
        await world.cache.close()


async def test_a_failed_redis_is_left_alone_for_a_second(world: World) -> None:
    assert await world.ping()
    await world.proxy.cut()
    with pytest.raises(Unavailable, match="Redis does not answer"):
        await world.ping()
    await world.proxy.mend()
    world.now += 0.99
    with pytest.raises(Unavailable, match="a moment ago"):
        await world.ping()
    world.now += 0.02
    assert await world.ping()


async def test_a_silent_redis_is_given_up_after_the_timeout(redis_url: str, prefix: str) -> None:
    async with proxied(redis_url) as proxy:
        proxy.stall()
        cache = Cache(proxy.url, lambda: 0.0, prefix, timeout=0.05)
        with pytest.raises(Unavailable):
            await cache.call(lambda redis: redis.ping())
        await proxy.mend()
        await cache.close()


async def test_scripts_are_there_again_after_they_were_wiped(world: World) -> None:
    keys = [f"{world.cache.prefix}a"]
    await world.cache.run("remember", keys, [60, "1"])
    await world.cache.call(lambda redis: redis.script_flush())
    assert await world.cache.run("remember", keys, [60, "2"]) == 1
    assert await world.cache.call(lambda redis: redis.get(keys[0])) == b"2"


async def test_a_wrong_answer_is_an_outage_too(world: World) -> None:
    key = f"{world.cache.prefix}list"
    await world.cache.call(lambda redis: redis.rpush(key, "x"))
    with pytest.raises(Unavailable, match="WRONGTYPE"):
        await world.cache.call(lambda redis: redis.get(key))
