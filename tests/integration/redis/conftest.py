"""Stores over real servers, and a link to Redis that can be cut."""

from collections.abc import AsyncIterator

import pytest

from tests.database_fixtures import database, database_copy, database_copy_url, shared_database_url
from tests.integration.redis.proxied_redis import ProxiedRedis
from tests.tcp_proxy import run_proxy

__all__ = ["database", "database_copy", "database_copy_url", "shared_database_url"]


@pytest.fixture
async def proxied_redis(redis_url: str, prefix: str) -> AsyncIterator[ProxiedRedis]:
    """A link that works; keys are below `prefix`."""
    async with run_proxy(redis_url) as proxy:
        link = ProxiedRedis(proxy, prefix)
        yield link
        await link.client.close()
