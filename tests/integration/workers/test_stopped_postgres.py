"""A router that starts while PostgreSQL is stopped: it routes with the last known rules, or waits if it never had any."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from dev.stack.stack import ServerUrls
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.notification import Notification
from tests import topic_reader
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.server_processes import start_server

USER = "u-1"
DELIVERIES = "deliveries.sms.high"


class Installation(NamedTuple):
    """An installation whose PostgreSQL is stopped; it starts again, at the same address, in its home."""

    cluster: HeroldCluster
    postgres_home: Path


@pytest.fixture
async def installation(session_dir: Path, tmp_path: Path, kafka_url: str, redis_url: str, prefix: str) -> AsyncIterator[Installation]:
    """An installation with topics and rules, and without workers."""
    postgres_home = session_dir / f"home-{prefix}postgres"
    with start_server("postgres", postgres_home) as database_url:
        cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix)
        await cluster.create_schema()
    try:
        yield Installation(cluster, postgres_home)
    finally:
        await cluster.close()


def build_otp(**fields: Any) -> Notification:
    """A mandatory notification with an address, which needs no profile."""
    now = time.time()
    fields = {"id": make_id(NOTIFICATION_PREFIX, now, 1), "data": {"code": "1", "minutes": 5}, "to": {"sms": "+12025550101"}, **fields}
    return Notification(USER, "account.otp", **fields)


async def submit(cluster: HeroldCluster, *notifications: Notification) -> None:
    """Submit notifications to one partition of the high priority."""
    topic, partition = f"{cluster.prefix}notifications.high", compute_partition(USER, PARTITIONS)
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
        for value in notifications:
            await producer.send_and_wait(topic, msgspec.json.encode(value), value.user_id.encode(), partition=partition)


async def wait_for_delivery(cluster: HeroldCluster) -> None:
    """Wait until the notification is routed."""

    async def is_routed() -> bool:
        return await cluster.count_records(DELIVERIES) == 1

    await wait_until(is_routed, 60, "the notification is routed", interval=0.1)


async def wait_for_log(cluster: HeroldCluster, text: str) -> None:
    """Wait until the router has logged a text."""

    async def is_logged() -> bool:
        return text in await asyncio.to_thread(cluster.get_log_path("router").read_text)

    await wait_until(is_logged, 60, f"the router logs {text}", interval=0.1)


async def start_router_and_stop_postgres(installation: Installation) -> None:
    """Start a router, and stop PostgreSQL as soon as it has its rules."""
    with start_server("postgres", installation.postgres_home):
        await installation.cluster.start_worker("router", HEROLD_SERVICE_LOG_LEVEL="info")
        await wait_for_log(installation.cluster, "policy.loaded")


@pytest.mark.slow
async def test_a_restarted_router_routes_with_the_last_known_rules(installation: Installation) -> None:
    cluster = installation.cluster
    await start_router_and_stop_postgres(installation)
    assert await cluster.stop_process("router") == 0
    await cluster.start_worker("router")
    await submit(cluster, build_otp(channels=["sms"]))
    await wait_for_delivery(cluster)
    assert '"policy.restored"' in cluster.get_log_path("router").read_text()
    assert cluster.read_metric("router", 'herold_policy_age_seconds{role="router"}') > 0


@pytest.mark.slow
async def test_a_router_without_rules_waits_for_postgresql_and_says_so(installation: Installation) -> None:
    cluster = installation.cluster
    await cluster.start_worker("router")
    await submit(cluster, build_otp(channels=["sms"]))
    await wait_for_log(cluster, "no rules are known, and this host has no usable copy")
    await wait_for_log(cluster, "router.batch_delayed")
    assert await cluster.count_records(DELIVERIES) == 0
    with start_server("postgres", installation.postgres_home):
        await wait_for_delivery(cluster)
        await cluster.stop_process("router")


@pytest.mark.slow
async def test_a_notification_that_waits_for_its_profile_holds_up_no_other(installation: Installation) -> None:
    cluster = installation.cluster
    await start_router_and_stop_postgres(installation)
    partition = compute_partition(USER, PARTITIONS)
    neighbour = next(user for user in map("u-{}".format, range(2, 100)) if compute_partition(user, PARTITIONS) == partition)
    waits = Notification(neighbour, "order.shipped", make_id(NOTIFICATION_PREFIX, time.time(), 2), data={"order": 17})
    topic = f"{cluster.prefix}notifications.high"
    async with topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await submit(cluster, waits)
        await wait_for_log(cluster, "router.batch_delayed")
        await submit(cluster, build_otp())
        await wait_for_delivery(cluster)
        assert await cluster.count_records("notifications.status") == 1
        assert await reader.compute_lag(f"{cluster.prefix}router", [topic]) == 2, "no offset after the waiting record is committed"
        cluster.kill_process("router")
        await cluster.start_worker("router")
        with start_server("postgres", installation.postgres_home):
            await wait_until(lambda: has_no_lag(reader, cluster, topic), 60, "both are decided", interval=0.1)
            await cluster.stop_process("router")
    assert await cluster.count_records("notifications.status") == 2
    assert await cluster.count_records(DELIVERIES) == 1, "the neighbour is unknown, and the code is not sent twice"


async def has_no_lag(reader: topic_reader.TopicReader, cluster: HeroldCluster, topic: str) -> bool:
    return await reader.compute_lag(f"{cluster.prefix}router", [topic]) == 0
