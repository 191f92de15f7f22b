"""A recurring schedule on real workers: each run once, whatever is killed; and what was missed without scheduler or PostgreSQL."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from dev.stack.stack import ServerUrls
from schemas.notification import Notification
from tests.cluster import HeroldCluster, wait_until
from tests.integration.workers.test_scheduler import build_scheduled, produce, wait_until_released
from tests.server_processes import start_server
from tests.topic_reader import open_topic_reader

NOTIFICATION = '{"type": "order.shipped", "data": {"order": 17, "name": "Ada", "eta": "Friday", "items": ["lamp"]}}'
INSERT_USERS = "insert into users (id) values ('u-1'), ('u-2')"
INSERT = """
    insert into schedules (id, name, cron, time_zone, notification, priority, user_ids, next_run_at, created_by)
    values (gen_random_uuid(), 'news', '0 0 * * *', 'UTC', $1, 'medium', '{u-1,u-2}', now() + make_interval(secs => $2), 'test')
"""
MOVE = "update schedules set next_run_at = now() - interval '10 days'"
SCHEDULERS = ("first", "second")

pytestmark = pytest.mark.slow


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation with two schedulers."""
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix, HEROLD_KAFKA_SESSION_TIMEOUT="6")
    try:
        await cluster.create_schema()
        await cluster.execute(INSERT_USERS)
        await asyncio.gather(*(cluster.start_worker("scheduler", name) for name in SCHEDULERS))
        yield cluster
    finally:
        await cluster.close()


async def count_notifications(cluster: HeroldCluster) -> Counter[str]:
    """How many notifications each user has."""
    async with open_topic_reader(cluster.urls.kafka) as reader:
        records = [record async for record in reader.read_records([f"{cluster.prefix}notifications.medium"])]
    return Counter(msgspec.json.decode(record.value, type=Notification).user_id for record in records)


async def wait_for_runs(cluster: HeroldCluster, count: int) -> None:
    """Wait until so many broadcasts are done."""

    async def are_done() -> bool:
        return await cluster.fetch_value("select count(*) from broadcasts where state = 'done'") >= count

    await wait_until(are_done, 90, f"{count} runs are done", interval=0.1)


async def test_each_run_is_sent_once_by_several_schedulers_and_a_missed_one_when_they_are_back(cluster: HeroldCluster) -> None:
    await cluster.execute(INSERT, NOTIFICATION, 2.0)
    await wait_for_runs(cluster, 1)
    assert await cluster.fetch_value("select count(*) from broadcasts") == 1
    assert await count_notifications(cluster) == {"u-1": 1, "u-2": 1}
    for name in SCHEDULERS:
        cluster.kill_process(name)
    await cluster.execute(MOVE)
    await asyncio.gather(*(cluster.start_worker("scheduler", name) for name in SCHEDULERS))
    await wait_for_runs(cluster, 2)
    assert await cluster.fetch_value("select count(*) from broadcasts") == 2, "of eleven that were missed one stands for all"
    assert await count_notifications(cluster) == {"u-1": 2, "u-2": 2}
    assert await cluster.fetch_value("select next_run_at > now() from schedules")


async def test_without_postgresql_releases_go_on_and_a_run_starts_when_it_is_back(
    session_dir: Path, tmp_path: Path, kafka_url: str, redis_url: str, prefix: str
) -> None:
    postgres_home = session_dir / f"home-{prefix}postgres"
    with start_server("postgres", postgres_home) as database_url:
        cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix)
        await cluster.create_schema()
        await cluster.execute(INSERT_USERS)
        await cluster.execute(INSERT, NOTIFICATION, 0.0)
    try:
        await cluster.start_worker("scheduler")
        await produce(cluster, [build_scheduled(cluster, 0, time.time() + 1)])
        await wait_until_released(cluster, 1)
        with start_server("postgres", postgres_home):
            await wait_for_runs(cluster, 1)
            assert await cluster.fetch_value("select count(*) from broadcasts") == 1
        assert cluster.processes["scheduler"].poll() is None
        assert '"scheduler.schedules_delayed"' in cluster.get_log_path("scheduler").read_text()
    finally:
        await cluster.close()
