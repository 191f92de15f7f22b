"""Databases that have the schema. Import the fixtures where they are wanted: `database` shares one, `own_url` is a test's own copy."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from app.database import upgrade
from tables.postgres.pool import Database
from tests.conftest import with_database
from tests.history import NOW

FORGET = "delete from notifications; delete from deliveries; delete from delivery_logs; delete from dead_letters"


@pytest.fixture(scope="session")
def shared_url(postgres_url: str) -> Iterator[str]:
    """A database with the schema, partitions around NOW and the seed; made once, as making one takes most of a second."""
    name = f"t_{uuid.uuid4().hex}"
    asyncio.run(_execute(postgres_url, f"create database {name}"))
    asyncio.run(upgrade(with_database(postgres_url, name), NOW))
    yield with_database(postgres_url, name)
    asyncio.run(_execute(postgres_url, f"drop database {name} with (force)"))


@pytest.fixture
async def database(shared_url: str) -> AsyncIterator[Database]:
    """The shared database with an empty history. Who changes policy, users or schema wants `own_url`."""
    await _execute(shared_url, FORGET)
    database = Database(shared_url)
    yield database
    await database.close()


@pytest.fixture
async def own_url(postgres_url: str, shared_url: str) -> AsyncIterator[str]:
    """The URL of a copy for one test."""
    name = f"t_{uuid.uuid4().hex}"
    await _execute(postgres_url, f"create database {name} template {shared_url.rsplit('/', 1)[1].partition('?')[0]}")
    await _execute(with_database(postgres_url, name), FORGET)
    yield with_database(postgres_url, name)
    await _execute(postgres_url, f"drop database {name} with (force)")


@pytest.fixture
async def own_database(own_url: str) -> AsyncIterator[Database]:
    """A copy for one test, opened."""
    database = Database(own_url)
    yield database
    await database.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
