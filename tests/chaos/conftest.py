"""A cluster for one test on the session's servers, and its database with the schema."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dev.stack.stack import ServerUrls
from tests.cluster import HeroldCluster
from tests.database_fixtures import cluster_database_url, cluster_template

__all__ = ["cluster_database_url", "cluster_template"]


@pytest.fixture
def server_urls(kafka_url: str, database_url: str, redis_url: str) -> ServerUrls:
    """The session's servers, with a database of the test."""
    return ServerUrls(kafka_url, database_url, redis_url)


@pytest.fixture
async def cluster(tmp_path: Path, server_urls: ServerUrls) -> AsyncIterator[HeroldCluster]:
    """A cluster with topics and schema; a test starts its processes. The group reassigns a dead worker's partitions after 6 seconds."""
    cluster = HeroldCluster(tmp_path / "cluster", server_urls, f"t-{uuid.uuid4().hex[:12]}.", HEROLD_KAFKA_SESSION_TIMEOUT="6")
    await cluster.create_schema()
    try:
        yield cluster
    finally:
        await cluster.close()
