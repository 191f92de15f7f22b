"""What real roles do when they start: wrong topics stop them, and the recorder makes the days of history that are missing."""

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
from tables.postgres.partitions import PARTITIONED_TABLES, count_days_ahead
from tests.cluster import HeroldCluster, get_faust_path, wait_until

DAYS = 7


@pytest.fixture
async def stand(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str) -> AsyncIterator[HeroldCluster]:
    """An installation of which no role runs."""
    stand = HeroldCluster(tmp_path / "stand", ServerUrls(kafka_url, database_url, redis_url), f"t-{uuid.uuid4().hex[:12]}-")
    try:
        await stand.create_schema()
        yield stand
    finally:
        await stand.close()


@pytest.mark.parametrize("role", ["router", "email", "recorder"])
async def test_a_topic_whose_policy_was_changed_stops_the_start_and_is_named(stand: HeroldCluster, role: str) -> None:
    status = f"{stand.prefix}notifications.status"
    admin = AIOKafkaAdminClient(bootstrap_servers=stand.urls.kafka)
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, status, configs={"retention.ms": "60000"})])
    await admin.close()
    stand.start_process(
        role, (get_faust_path(), "--quiet", "-A", f"app.main:{role}", "worker"), HEROLD_WORKER_WEB_PORT=str(stand.get_port(role))
    )
    assert await asyncio.to_thread(stand.processes[role].wait, 60) != 0
    said = stand.get_log_path(role).read_text()
    assert f"{status}: retention.ms is 60000" in said
    assert "herold topics apply" in said


async def test_the_recorder_makes_the_days_of_history_that_are_missing(stand: HeroldCluster) -> None:
    database, now = Database(stand.urls.database, size=1), time.time()
    tomorrow = time.strftime("%Y%m%d", time.gmtime(now + 24 * 3600))
    try:
        for table in PARTITIONED_TABLES:
            await database.fetch(f"drop table {table}_{tomorrow}")
        assert await count_days_ahead(database, now) == 0
        await stand.start_worker("recorder")

        async def made() -> bool:
            return await count_days_ahead(database, now) >= DAYS

        await wait_until(made, 30, f"{DAYS} days of history ahead", interval=0.1)
    finally:
        await database.close()
