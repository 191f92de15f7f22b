"""Databases with the schema. Import the fixtures in a conftest.py: `database` is shared, `database_copy` is a copy for one test."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from app.admin.database import upgrade_database
from tables.postgres.database import Database
from tests.column_sealing import build_column_sealing, list_sealing_env
from tests.conftest import build_database_url, create_temporary_database
from tests.event_builders import NOW
from tests.settings_builders import DEFAULT_SETTINGS

HISTORY_TABLES = (
    "history_counts",
    "notifications",
    "deliveries",
    "delivery_logs",
    "dead_letters",
    "user_counts",
    "provider_events",
    "waiting_reports",
    "inbound_messages",
)
TEMPLATE_SUFFIX = "_template"  # of the database that copies are made of; no test connects to it, so it is as it was made
DELETE_HISTORY_SQL = ";".join(f"delete from {table}" for table in HISTORY_TABLES)


def create_database(url: str, **timeouts: float) -> Database:
    """Create a pool with the maximum size of faust.yml, in the mode of the test."""
    database = Database(url, DEFAULT_SETTINGS.postgres.pool_max_size, **timeouts)
    database.sealing = build_column_sealing() if list_sealing_env() else None
    return database


@pytest.fixture(scope="session")
def shared_database_url(postgres_url: str) -> Iterator[str]:
    """A database with the schema, partitions around NOW and the seed; created once per session, because it takes most of a second."""
    name = f"t_{uuid.uuid4().hex}"
    template = name + TEMPLATE_SUFFIX
    asyncio.run(_execute(postgres_url, f"create database {template}"))
    asyncio.run(upgrade_database(build_database_url(postgres_url, template), NOW, DEFAULT_SETTINGS.simulators.url))
    asyncio.run(_execute(postgres_url, f"create database {name} template {template}"))
    yield build_database_url(postgres_url, name)
    asyncio.run(_execute(postgres_url, f"drop database {name} with (force)"))
    asyncio.run(_execute(postgres_url, f"drop database {template} with (force)"))


@pytest.fixture
async def database(shared_database_url: str) -> AsyncIterator[Database]:
    """The shared database with an empty history. A test that changes policy, users or schema uses `database_copy`."""
    await _execute(shared_database_url, DELETE_HISTORY_SQL)
    database = create_database(shared_database_url)
    yield database
    await database.close()


@pytest.fixture
async def database_copy_url(postgres_url: str, shared_database_url: str) -> AsyncIterator[str]:
    """The URL of a copy of what the shared database was at first, for one test."""
    template = shared_database_url.rsplit("/", 1)[1].partition("?")[0] + TEMPLATE_SUFFIX
    async with create_temporary_database(postgres_url, template) as url:
        yield url


@pytest.fixture(scope="session")
def cluster_template(postgres_url: str) -> Iterator[str]:
    """The name of a database with the schema, partitions around today and the seed; created once per session, because it takes seconds."""
    name = f"t_{uuid.uuid4().hex}{TEMPLATE_SUFFIX}"
    asyncio.run(_execute(postgres_url, f"create database {name}"))
    asyncio.run(upgrade_database(build_database_url(postgres_url, name), time.time(), DEFAULT_SETTINGS.simulators.url))
    yield name
    asyncio.run(_execute(postgres_url, f"drop database {name} with (force)"))


@pytest.fixture(name="database_url")
async def cluster_database_url(postgres_url: str, cluster_template: str) -> AsyncIterator[str]:
    """In the place of an empty database one with the schema, for one test; `HeroldCluster.create_schema` finds nothing to migrate."""
    async with create_temporary_database(postgres_url, cluster_template) as url:
        yield url


@pytest.fixture
async def database_copy(database_copy_url: str) -> AsyncIterator[Database]:
    """A pool of connections to the copy."""
    database = create_database(database_copy_url)
    yield database
    await database.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
