"""The client while Redis is down or hangs, and with lost scripts."""

import asyncio

import pytest

from schemas.errors import UnavailableError
from tables.redis.client import RedisClient
from tests.integration.redis.conftest import ProxiedRedis
from tests.tcp_proxy import run_proxy


async def ping(proxied_redis: ProxiedRedis) -> bool:
    return bool(await proxied_redis.client.execute(lambda redis: redis.ping()))


async def test_no_command_is_sent_for_a_second_after_a_failure(proxied_redis: ProxiedRedis) -> None:
    assert await ping(proxied_redis)
    await proxied_redis.proxy.disable()
    with pytest.raises(UnavailableError, match="Redis does not answer"):
        await ping(proxied_redis)
    await proxied_redis.proxy.enable()
    proxied_redis.now += 0.99
    with pytest.raises(UnavailableError, match="a moment ago"):
        await ping(proxied_redis)
    proxied_redis.now += 0.02
    assert await ping(proxied_redis)


async def test_a_redis_that_hangs_is_unavailable_after_the_timeout(redis_url: str, prefix: str) -> None:
    async with run_proxy(redis_url) as proxy:
        proxy.pause_traffic()
        client = RedisClient(proxy.url, lambda: 0.0, prefix, socket_timeout=0.05)
        with pytest.raises(UnavailableError):
            await client.execute(lambda redis: redis.ping())
        await proxy.enable()
        await client.close()


async def test_scripts_are_loaded_again_after_a_flush(proxied_redis: ProxiedRedis) -> None:
    keys = [f"{proxied_redis.client.prefix}a"]
    await proxied_redis.client.run_script("set_many", keys, [60, "1"])
    await proxied_redis.client.execute(lambda redis: redis.script_flush())
    assert await proxied_redis.client.run_script("set_many", keys, [60, "2"]) == 1
    assert await proxied_redis.client.execute(lambda redis: redis.get(keys[0])) == b"2"


async def test_an_error_reply_is_unavailable(proxied_redis: ProxiedRedis) -> None:
    key = f"{proxied_redis.client.prefix}list"
    await proxied_redis.client.execute(lambda redis: redis.rpush(key, "x"))
    with pytest.raises(UnavailableError, match="WRONGTYPE"):
        await proxied_redis.client.execute(lambda redis: redis.get(key))


async def test_no_connection_is_open_after_the_close(redis_url: str, prefix: str) -> None:
    client = RedisClient(redis_url, lambda: 0.0, prefix, socket_timeout=30)
    running = [asyncio.create_task(client.execute(lambda redis: redis.ping())) for _ in range(3)]
    await asyncio.sleep(0)  # each has begun to connect
    await client.close()
    assert [await task for task in running] == [True] * 3
    with pytest.raises(UnavailableError, match="closed"):
        await client.execute(lambda redis: redis.ping())
    pool = client._redis.connection_pool
    assert [connection for connection in (*pool._available_connections, *pool._in_use_connections) if connection.is_connected] == []


async def test_a_close_does_not_wait_for_a_redis_that_hangs(redis_url: str, prefix: str) -> None:
    async with run_proxy(redis_url) as proxy:
        proxy.pause_traffic()
        client = RedisClient(proxy.url, lambda: 0.0, prefix, socket_timeout=0.05)
        running = asyncio.create_task(client.execute(lambda redis: redis.ping()))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(UnavailableError):
            await running
