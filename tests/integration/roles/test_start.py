"""What real roles do when they start: wrong topics stop them, and the recorder makes the days of history that are missing."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from app.local.stack import Urls
from tables.postgres.partitions import TABLES, days_ahead
from tables.postgres.pool import Database
from tests.stand import Stand, faust, until

DAYS = 7


@pytest.fixture
async def stand(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str) -> AsyncIterator[Stand]:
    """An installation of which no role runs."""
    stand = Stand(tmp_path / "stand", Urls(kafka_url, database_url, redis_url), f"t-{uuid.uuid4().hex[:12]}-")
    try:
        await stand.prepare()
        yield stand
    finally:
        await stand.close()


@pytest.mark.parametrize("role", ["router", "email", "recorder"])
async def test_a_topic_whose_policy_was_changed_stops_the_start_and_is_named(stand: Stand, role: str) -> None:
    status = f"{stand.prefix}notifications.status"
    admin = AIOKafkaAdminClient(bootstrap_servers=stand.urls.kafka)
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, status, configs={"retention.ms": "60000"})])
    await admin.close()
    stand.start(role, (faust(), "--quiet", "-A", f"app.main:{role}", "worker"), HEROLD_STREAMING_WEB_PORT=str(stand.port(role)))
    assert await asyncio.to_thread(stand.running[role].wait, 60) != 0
    said = stand.log(role).read_text()
    assert f"{status}: retention.ms is 60000" in said
    assert "herold topics apply" in said


async def test_the_recorder_makes_the_days_of_history_that_are_missing(stand: Stand) -> None:
    database, now = Database(stand.urls.database, size=1), time.time()
    tomorrow = time.strftime("%Y%m%d", time.gmtime(now + 24 * 3600))
    try:
        for table in TABLES:
            await database.fetch(f"drop table {table}_{tomorrow}")
        assert await days_ahead(database, now) == 0
        await stand.worker("recorder")

        async def made() -> bool:
            return await days_ahead(database, now) >= DAYS

        await until(made, 30, f"{DAYS} days of history ahead", every=0.1)
    finally:
        await database.close()
