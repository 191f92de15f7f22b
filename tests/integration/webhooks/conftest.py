"""The fixtures of databases, and a client of a gateway that may store secrets."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.database_fixtures import database_copy, database_copy_url, shared_database_url
from tests.integration.webhooks.endpoints import open_endpoint_client

__all__ = ["database_copy", "database_copy_url", "shared_database_url"]


@pytest.fixture
async def client(database_copy_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with this database, for which every host name has a public address."""
    async with open_endpoint_client(database_copy_url) as client:
        yield client
