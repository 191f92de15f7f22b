"""Fixtures over real servers: KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL, REDIS_URL are used if set, else servers are started."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.server_processes import KafkaBroker, create_session_dir, get_or_start_server, get_sessions_dir, start_server


@pytest.fixture(scope="session")
def session_dir() -> Iterator[Path]:
    """A folder that lives as long as the test session."""
    with create_session_dir(get_sessions_dir()) as folder:
        yield folder


@pytest.fixture(scope="session")
def kafka_url(session_dir: Path) -> Iterator[str]:
    """`host:port` of a Kafka broker; topics, groups and transactional ids must start with `prefix`."""
    with get_or_start_server("kafka", session_dir) as url:
        yield url


@pytest.fixture(scope="session")
def broker(session_dir: Path) -> Iterator[KafkaBroker]:
    """A Kafka broker for the tests that hurt it, never a given one; each uses it under its `prefix` and leaves it at work."""
    home = session_dir / "home-broker"
    with start_server("kafka", home) as url:
        yield KafkaBroker(home, url)


@pytest.fixture(scope="session")
def postgres_url(session_dir: Path) -> Iterator[str]:
    """The PostgreSQL server's own database, for what concerns the server; tests want `database_url`."""
    with get_or_start_server("postgres", session_dir) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url(session_dir: Path) -> Iterator[str]:
    """A server that speaks the Redis protocol; keys must start with `prefix`."""
    with get_or_start_server("valkey", session_dir) as url:
        yield url


@pytest.fixture
async def database_url(postgres_url: str) -> AsyncIterator[str]:
    """An empty database for one test, dropped at its end with whoever is still connected."""
    async with create_database(postgres_url) as url:
        yield url


@asynccontextmanager
async def create_database(postgres_url: str) -> AsyncIterator[str]:
    """The URL of a new database on this server, which is dropped with whoever is still connected."""
    name = f"t_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(postgres_url)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield build_database_url(postgres_url, name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


def build_database_url(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    base, _, query = url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture
def prefix() -> str:
    """What every name of one test on a shared server starts with."""
    return f"t-{uuid.uuid4().hex[:12]}-"
