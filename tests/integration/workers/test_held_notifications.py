"""Held notifications on real workers: each comes back through the scheduler and is sent once, whatever is killed meanwhile."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from dev.stack.stack import ServerUrls
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.topic_reader import open_topic_reader

COUNT = 300
KOLKATA = "Asia/Kolkata"
QUIET_USER = "u-quiet"
INSERT_USER = """
    insert into users (id, addresses, time_zone, quiet_hours)
    values ($1, '{"email": ["quiet@example.org"]}', $2, jsonb_build_object('start', $3::text, 'end', $4::text))
"""
COUNT_STATES = "select count(*) from notifications where state = $1 and resume_count = $2"

pytestmark = pytest.mark.slow


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation whose routers and schedulers can be killed."""
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix, HEROLD_KAFKA_SESSION_TIMEOUT="6")
    try:
        await cluster.create_schema()
        await asyncio.gather(*(cluster.start_worker(role) for role in ("router", "scheduler", "recorder")))
        yield cluster
    finally:
        await cluster.close()


def build(number: int, user_id: str, type_: str, **fields: Any) -> dict[str, Any]:
    data = {"name": "Ada", "order": 17, "items": ["lamp"], "total": "1", "headline": "News", "intro": "Hi", "link": "x"}
    at = time.time()
    return {"id": make_id(NOTIFICATION_PREFIX, at, number), "user_id": user_id, "type": type_, "data": data, **fields}


async def produce(cluster: HeroldCluster, notifications: Iterable[dict[str, Any]]) -> None:
    """Produce notifications of medium priority."""
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka, linger_ms=5) as producer:
        for one in notifications:
            key = one["user_id"].encode()
            partition = compute_partition(one["user_id"], PARTITIONS)
            await producer.send(f"{cluster.prefix}notifications.medium", json.dumps(one).encode(), key, partition=partition)
        await producer.flush()


async def fetch(cluster: HeroldCluster, query: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(cluster.urls.database)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(query, *values)
        return rows
    finally:
        await connection.close()


async def wait_for_states(cluster: HeroldCluster, state: str, resume_count: int, count: int, seconds: float = 120) -> None:
    async def are_recorded() -> bool:
        return bool((await fetch(cluster, COUNT_STATES, state, resume_count))[0]["count"] >= count)

    await wait_until(are_recorded, seconds, f"{count} notifications are {state}", interval=0.2)


async def read_delivered_ids(cluster: HeroldCluster) -> list[str]:
    """The notification of each delivery by e-mail."""
    async with open_topic_reader(cluster.urls.kafka) as reader:
        records = [record async for record in reader.read_records([f"{cluster.prefix}deliveries.email.medium"])]
    return [msgspec.json.decode(record.value)["notification_id"] for record in records]


async def test_each_is_sent_once_at_its_time_although_router_and_scheduler_are_killed(cluster: HeroldCluster) -> None:
    due_at = time.time() + 12
    notifications = [
        build(number, f"u-{number}", "order.confirmed", send_at=due_at + number / 100, to={"email": "a@example.org"}, channels=["email"])
        for number in range(COUNT)
    ]
    await produce(cluster, notifications)
    await wait_for_states(cluster, "held", 0, COUNT)
    assert await read_delivered_ids(cluster) == []
    cluster.kill_process("router")
    cluster.kill_process("scheduler")
    await asyncio.gather(cluster.start_worker("router"), cluster.start_worker("scheduler"))
    await wait_for_states(cluster, "routed", 1, COUNT // 3)
    cluster.kill_process("router")
    await cluster.start_worker("router")
    await wait_for_states(cluster, "routed", 1, COUNT)
    assert set(await read_delivered_ids(cluster)) == {one["id"] for one in notifications}
    rows = await fetch(cluster, "select decision_log, decided_at, expires_at, created_at from notifications")
    assert len(rows) == COUNT
    for row in rows:
        log = [(entry[0], entry[1]) for entry in json.loads(row["decision_log"])]
        assert log.index(("schedule", "hold")) < log.index(("resume", "pass")) < log.index(("fan_out", "pass"))
        assert len([entry for entry in log if entry == ("schedule", "hold")]) == 1
        assert row["decided_at"].timestamp() >= due_at - 0.001
        assert row["expires_at"].timestamp() >= due_at + 86_400 - 0.001


async def test_quiet_hours_hold_until_they_end_in_the_users_zone(cluster: HeroldCluster) -> None:
    now = datetime.now(UTC)
    end = (now + timedelta(seconds=75)).replace(second=0, microsecond=0)
    local_end = end.astimezone(ZoneInfo(KOLKATA))
    await fetch(cluster, INSERT_USER, QUIET_USER, KOLKATA, f"{local_end - timedelta(hours=9):%H:%M}", f"{local_end:%H:%M}")
    await produce(cluster, [build(1, QUIET_USER, "newsletter.weekly"), build(2, QUIET_USER, "order.confirmed", channels=["email"])])
    await wait_for_states(cluster, "held", 0, 1)
    assert len(await read_delivered_ids(cluster)) == 1, "what is transactional passes"
    await wait_for_states(cluster, "routed", 1, 1)
    (row,) = await fetch(cluster, "select decided_at, decision_log from notifications where resume_count = 1")
    assert row["decided_at"] >= end
    (hold,) = [entry for entry in json.loads(row["decision_log"]) if entry[1] == "hold"]
    assert (hold[0], hold[3]["until"], hold[3]["time_zone"]) == ("quiet_hours", end.timestamp(), KOLKATA)
