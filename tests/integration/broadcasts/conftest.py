"""The fixtures of databases, and a client of a gateway."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.column_sealing import sealing_mode
from tests.database_fixtures import database_copy, database_copy_url, shared_database_url
from tests.integration.users.users_client import open_users_client

__all__ = ["database_copy", "database_copy_url", "sealing_mode", "shared_database_url"]


@pytest.fixture
async def client(database_copy_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with this database, whose rules and templates are those of the seed."""
    async with open_users_client(database_copy_url) as (client, connections):
        await connections.policy_reader.refresh()
        yield client
