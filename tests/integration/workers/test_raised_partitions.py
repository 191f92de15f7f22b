"""Partitions that are added to a topic under a running router end it before it decides a record of them."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from dev.stack.stack import ServerUrls
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.notification import Notification
from tests.cluster import PARTITIONS, HeroldCluster, wait_until

RAISED_PARTITIONS = PARTITIONS + 2
DATA = {"name": "Ada", "order": 17, "eta": "today", "items": ["book"]}
CHANGELOGS = ("router-idempotency-changelog", "router-rate_windows-changelog")


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation without running workers."""
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix)
    try:
        await cluster.create_schema()
        yield cluster
    finally:
        await cluster.close()


async def produce_notifications(cluster: HeroldCluster, partitions: int, users: Iterable[int]) -> None:
    """Produce a notification of each user, on the user's partition of so many."""
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
        for number in users:
            user = f"u-{number}"
            value = Notification(
                user,
                "order.shipped",
                id=make_id(NOTIFICATION_PREFIX, time.time(), number),
                channels=["email"],
                data=DATA,
                to={"email": f"{user}@example.org"},  # type: ignore[arg-type]
            )
            key, partition = user.encode(), compute_partition(user, partitions)
            await producer.send_and_wait(f"{cluster.prefix}notifications.low", msgspec.json.encode(value), key, partition=partition)


async def raise_partitions(cluster: HeroldCluster, topic: str) -> None:
    """Add partitions to a topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.urls.kafka)
    await admin.start()
    try:
        await admin.create_partitions({cluster.prefix + topic: NewPartitions(total_count=RAISED_PARTITIONS)})
    finally:
        await admin.close()


async def count_rows(cluster: HeroldCluster) -> int:
    """Count the records of the router's tables."""
    return sum([await cluster.count_records(changelog) for changelog in CHANGELOGS])


async def wait_until_decided(cluster: HeroldCluster, count: int) -> None:
    """Wait until so many notifications are decided and their rows are written."""

    async def are_decided() -> bool:
        return await cluster.count_records("notifications.status") >= count <= await cluster.count_records(CHANGELOGS[0])

    await wait_until(are_decided, 60, f"{count} notifications are decided", interval=0.1)


async def require_end(cluster: HeroldCluster, topic: str) -> None:
    """Wait until the router ends, with an error that names the topic."""
    assert await asyncio.to_thread(cluster.processes["router"].wait, 120) != 0
    log = cluster.get_log_path("router").read_text()
    assert f"{cluster.prefix}{topic}: {RAISED_PARTITIONS} partitions, expected {PARTITIONS} (kafka.topic_partitions)" in log
    assert "docs/kafka.md" in log


async def test_a_rebalance_over_new_partitions_ends_the_router_before_it_decides_a_record(cluster: HeroldCluster) -> None:
    # the consumer learns of new partitions at once, so that the rebalance comes before the periodic check
    await cluster.start_worker("router", HEROLD_FAUST_CONSUMER_METADATA_MAX_AGE_MS="500")
    users = range(40)
    await produce_notifications(cluster, PARTITIONS, users)
    await wait_until_decided(cluster, len(users))
    decided, rows = await cluster.count_records("notifications.status"), await count_rows(cluster)
    cluster.processes["router"].send_signal(signal.SIGSTOP)  # the records are there before the router sees the new partitions
    await raise_partitions(cluster, "notifications.low")
    # only to the new partitions: until the rebalance the router may go on with its own
    newcomers = [number for number in range(100, 400) if compute_partition(f"u-{number}", RAISED_PARTITIONS) >= PARTITIONS]
    await produce_notifications(cluster, RAISED_PARTITIONS, newcomers)
    cluster.processes["router"].send_signal(signal.SIGCONT)
    await require_end(cluster, "notifications.low")
    assert (await cluster.count_records("notifications.status"), await count_rows(cluster)) == (decided, rows)


@pytest.mark.parametrize("topic", ["deliveries.email.high", "router-idempotency-changelog"])
async def test_a_sink_or_changelog_with_new_partitions_ends_the_router(cluster: HeroldCluster, topic: str) -> None:
    await cluster.start_worker("router")
    await raise_partitions(cluster, topic)
    await require_end(cluster, topic)
