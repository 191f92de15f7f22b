"""A gateway in a process of its own, with real Kafka, PostgreSQL and Valkey, for all attacks of the session."""

import asyncio
import uuid
from collections.abc import Iterator

import asyncpg
import pytest

from tests.conftest import build_database_url
from tests.database_fixtures import shared_database_url
from tests.herold_runner import build_herold_runner
from tests.integration.api.gateway_process import run_gateway, wait_until_listening
from tests.security.gateway import API_KEY, AttackedGateway, build_variables

__all__ = ["shared_database_url"]


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def attacked_database_url(postgres_url: str, shared_database_url: str) -> Iterator[str]:
    """A copy of the shared database for the attacks."""
    name = f"t_{uuid.uuid4().hex}"
    template = shared_database_url.rsplit("/", 1)[1].partition("?")[0]
    asyncio.run(_execute(postgres_url, f"create database {name} template {template}"))
    yield build_database_url(postgres_url, name)
    asyncio.run(_execute(postgres_url, f"drop database {name} with (force)"))


@pytest.fixture(scope="session")
def gateway(kafka_url: str, redis_url: str, attacked_database_url: str) -> Iterator[AttackedGateway]:
    """The gateway; its topics have a prefix of their own."""
    prefix = f"t{uuid.uuid4().hex}."
    variables = build_variables(kafka_url, attacked_database_url, redis_url, prefix)
    assert build_herold_runner()("topics", "apply", **variables).exit_code == 0
    with run_gateway(**variables) as (process, port):
        wait_until_listening(process, port)
        yield AttackedGateway(process, port, API_KEY, attacked_database_url, kafka_url, prefix, redis_url)
