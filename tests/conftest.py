"""Fixtures of real servers: those of KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL and REDIS_URL if set, else servers of the test session."""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from dev.stack.stack import URL_VARIABLES
from tests.framework_pool import lend_frameworks
from tests.server_processes import KafkaBroker, create_session_dir, get_or_start_server, get_sessions_dir, start_server

# a busy machine makes an example slow: no property depends on time. The examples are the same in every run, so that a test that fails says
# something about the change at hand; `--hypothesis-profile=random` draws others
UNTIMED: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("random", **UNTIMED)
settings.register_profile("same", derandomize=True, **UNTIMED)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def lent_frameworks() -> Iterator[None]:
    """Frameworks for the gateways of one test. What lives longer, such as a gateway of a module, is built before, and has its own."""
    with lend_frameworks(sys.modules.get("app.api.asgi")):
        yield


@pytest.fixture(scope="session")
def session_dir() -> Iterator[Path]:
    """The directory of the test session."""
    with create_session_dir(get_sessions_dir()) as directory:
        yield directory


@pytest.fixture(scope="session")
def kafka_url(session_dir: Path) -> Iterator[str]:
    """`host:port` of a Kafka broker; topics, groups and transactional ids must start with `prefix`."""
    with get_or_start_server("kafka", session_dir) as url:
        yield url


@pytest.fixture(scope="session")
def broker(session_dir: Path) -> Iterator[KafkaBroker]:
    """A Kafka broker for tests that kill or freeze it, never an external one; each test uses its `prefix` and leaves the broker running."""
    home = session_dir / "home-broker"
    with start_server("kafka", home) as url:
        yield KafkaBroker(home, url)


@pytest.fixture(scope="session")
def postgres_url(session_dir: Path) -> Iterator[str]:
    """The default database of the PostgreSQL server, for tests of the server itself; others use `database_url`."""
    with get_or_start_server("postgres", session_dir) as url:
        if not os.environ.get(URL_VARIABLES["postgres"]):
            asyncio.run(stop_autovacuum(url))
        yield url


async def stop_autovacuum(postgres_url: str) -> None:
    """Let no worker of the server change the plans of a test, or hold a template while a database is made of it, at a moment of its own."""
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute("alter system set autovacuum = off")
        await connection.execute("select pg_reload_conf()")
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def redis_url(session_dir: Path) -> Iterator[str]:
    """A server with the Redis protocol; keys must start with `prefix`."""
    with get_or_start_server("valkey", session_dir) as url:
        yield url


@pytest.fixture
async def database_url(postgres_url: str) -> AsyncIterator[str]:
    """An empty database for one test, dropped at its end with all connections."""
    async with create_temporary_database(postgres_url) as url:
        yield url


@asynccontextmanager
async def create_temporary_database(postgres_url: str, template: str = "template1") -> AsyncIterator[str]:
    """Create a database on this server and drop it at the end with all connections; yields its URL.

    It is a copy of `template`, of its files: through the log, which is the default, a copy of the schema takes twice as long.
    """
    name = f"t_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(postgres_url)
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield build_database_url(postgres_url, name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


def build_database_url(url: str, name: str) -> str:
    """Build the URL of another database on the same server."""
    base, _, query = url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture
def prefix() -> str:
    """The prefix of all names of one test on a shared server."""
    return f"t-{uuid.uuid4().hex[:12]}-"
