"""The registered workers."""

import pytest

from schemas.errors import UnavailableError
from tables.redis.keys import WORKERS, WORKERS_TTL
from tables.redis.worker_addresses import RedisWorkerAddresses
from tests.integration.redis.conftest import ProxiedRedis


async def test_the_workers_of_a_role_are_listed_until_their_registration_expires(proxied_redis: ProxiedRedis) -> None:
    addresses, client = RedisWorkerAddresses(proxied_redis.client), proxied_redis.client
    assert await addresses.list_urls("router") == []
    for url in ("http://a", "http://b", "http://a"):
        await addresses.register("router", url)
    await addresses.register("scheduler", "http://c")
    assert sorted(await addresses.list_urls("router")) == ["http://a", "http://b"]
    key = WORKERS.build_key(client.prefix, "router")
    assert 0 < await client.execute(lambda redis: redis.ttl(key)) <= WORKERS_TTL
    await client.execute(lambda redis: redis.zadd(key, {"http://a": 1}))
    assert await addresses.list_urls("router") == ["http://b"]


async def test_without_redis_no_worker_is_known(proxied_redis: ProxiedRedis) -> None:
    await proxied_redis.proxy.disable()
    addresses = RedisWorkerAddresses(proxied_redis.client)
    with pytest.raises(UnavailableError):
        await addresses.list_urls("router")
    with pytest.raises(UnavailableError):
        await addresses.register("router", "http://a")
