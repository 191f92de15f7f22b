"""Databases that have the schema: migrated once per session, copied for each test. Import the fixtures where they are wanted."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from app.database import upgrade
from tables.postgres.pool import Database
from tests.conftest import with_database
from tests.history import NOW


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """The name of a database with the schema, partitions around NOW and the seed."""
    name = f"template_{uuid.uuid4().hex}"
    asyncio.run(_execute(postgres_url, f"create database {name}"))
    asyncio.run(upgrade(with_database(postgres_url, name), NOW))
    yield name
    asyncio.run(_execute(postgres_url, f"drop database {name} with (force)"))


@pytest.fixture
async def stored_url(postgres_url: str, template_database: str) -> AsyncIterator[str]:
    """The URL of a copy for one test."""
    name = f"t_{uuid.uuid4().hex}"
    await _execute(postgres_url, f"create database {name} template {template_database}")
    yield with_database(postgres_url, name)
    await _execute(postgres_url, f"drop database {name} with (force)")


@pytest.fixture
async def database(stored_url: str) -> AsyncIterator[Database]:
    """The copy, opened."""
    database = Database(stored_url)
    yield database
    await database.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
