"""The start of real workers: a topic mismatch stops it, and the recorder creates missing partitions of history."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from dev.stack.stack import ServerUrls
from tables.postgres.database import Database
from tables.postgres.partitions import DAYS_AHEAD, PARTITIONED_TABLES, count_days_ahead
from tests.cluster import HeroldCluster, get_faust_path, wait_until


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str) -> AsyncIterator[HeroldCluster]:
    """An installation without running workers."""
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), f"t-{uuid.uuid4().hex[:12]}-")
    try:
        await cluster.create_schema()
        yield cluster
    finally:
        await cluster.close()


@pytest.mark.parametrize("role", ["router", "email", "recorder"])
async def test_a_topic_with_a_changed_configuration_stops_the_start_and_is_named(cluster: HeroldCluster, role: str) -> None:
    status = f"{cluster.prefix}notifications.status"
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.urls.kafka)
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, status, configs={"retention.ms": "60000"})])
    await admin.close()
    cluster.start_process(
        role, (get_faust_path(), "--quiet", "-A", f"app.main:{role}", "worker"), HEROLD_WORKER_WEB_PORT=str(cluster.get_port(role))
    )
    assert await asyncio.to_thread(cluster.processes[role].wait, 60) != 0
    log = cluster.get_log_path(role).read_text()
    assert f"{status}: retention.ms is 60000" in log
    assert "herold topics apply" in log


async def test_the_recorder_creates_missing_partitions(cluster: HeroldCluster) -> None:
    database, now = Database(cluster.urls.database, max_size=1), time.time()
    tomorrow = time.strftime("%Y%m%d", time.gmtime(now + 24 * 3600))
    try:
        for table in PARTITIONED_TABLES:
            await database.fetch(f"drop table {table}_{tomorrow}")
        assert await count_days_ahead(database, now) == 0
        await cluster.start_worker("recorder")

        async def are_created() -> bool:
            return await count_days_ahead(database, now) >= DAYS_AHEAD

        await wait_until(are_created, 60, f"partitions for {DAYS_AHEAD} days", interval=0.1)
    finally:
        await database.close()
