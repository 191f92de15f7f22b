"""Stores over real servers, and a link to Redis that can be cut."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.redis.link import Link
from tests.proxy import proxied
from tests.stores import database, own_database, own_url, shared_url

__all__ = ["database", "own_database", "own_url", "shared_url"]


@pytest.fixture
async def link(redis_url: str, prefix: str) -> AsyncIterator[Link]:
    """A link that works; keys are below `prefix`."""
    async with proxied(redis_url) as proxy:
        link = Link(proxy, prefix)
        yield link
        await link.cache.close()
