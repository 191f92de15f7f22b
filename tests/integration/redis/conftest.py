"""The fixtures of databases, and a Redis client whose connection a test can interrupt."""

from collections.abc import AsyncIterator

import pytest

from tables.redis.client import RedisClient
from tests.database_fixtures import database, database_copy, database_copy_url, shared_database_url
from tests.tcp_proxy import TcpProxy, run_proxy

__all__ = ["database", "database_copy", "database_copy_url", "shared_database_url"]


class ProxiedRedis:
    """A client that connects through a proxy, with a clock (`now`, in seconds) that the test sets."""

    def __init__(self, proxy: TcpProxy, prefix: str) -> None:
        self.proxy, self.now = proxy, 1000.0
        self.client = RedisClient(proxy.url, lambda: self.now, prefix, socket_timeout=2.0)


@pytest.fixture
async def proxied_redis(redis_url: str, prefix: str) -> AsyncIterator[ProxiedRedis]:
    """A connected client; its keys start with `prefix`."""
    async with run_proxy(redis_url) as proxy:
        proxied_redis = ProxiedRedis(proxy, prefix)
        yield proxied_redis
        await proxied_redis.client.close()
