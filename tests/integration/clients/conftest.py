"""A gateway in a process of its own, with Kafka, PostgreSQL and Valkey."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.database_fixtures import database, database_copy, database_copy_url, shared_database_url
from tests.herold_runner import build_herold_runner
from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import run_gateway, wait_until_listening

__all__ = ["database", "database_copy", "database_copy_url", "shared_database_url"]


class Gateway(NamedTuple):
    """Where a gateway is reached, and its bootstrap key."""

    url: str
    api_key: str


@pytest.fixture
def gateway(kafka_url: str, redis_url: str, database_copy_url: str, prefix: str) -> Iterator[Gateway]:
    variables = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_url,
        "DATABASE_URL": database_copy_url,
        "REDIS_URL": redis_url,
        "HEROLD_KAFKA_TOPIC_PREFIX": prefix,
        "HEROLD_KAFKA_TOPIC_PARTITIONS": "2",
        "HEROLD_REDIS_SOCKET_TIMEOUT": "30",
        "HEROLD_GATEWAY_PRODUCE_TIMEOUT": "30",
        "HEROLD_GATEWAY_API_KEY": API_KEY,
    }
    assert build_herold_runner()("topics", "apply", **variables).exit_code == 0
    with run_gateway(**variables) as (process, port):
        wait_until_listening(process, port)
        yield Gateway(f"http://127.0.0.1:{port}", API_KEY)
