"""The fixtures of databases, and a client of a gateway with one of them."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.database_fixtures import database_copy, database_copy_url, shared_database_url
from tests.integration.webhooks.endpoints import open_endpoint_client

__all__ = ["database_copy", "database_copy_url", "shared_database_url"]


@pytest.fixture
async def client(database_copy_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with this database, with the key of the first admin."""
    async with open_endpoint_client(database_copy_url) as client:
        yield client
