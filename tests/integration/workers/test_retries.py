"""Real workers and a scheduler: retries survive kill -9 of both, none is made twice, and an operator can cancel one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from dev.stack.stack import ServerUrls
from schemas.delivery import Delivery
from schemas.enums import Status
from schemas.ids import compute_partition
from schemas.scheduled import Cancel
from schemas.topics import DEAD_LETTER_TOPIC
from tests.chaos.test_delivery import build_current_delivery, encode, produce_deliveries, read_statuses
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.topic_reader import TopicReader, open_topic_reader

COUNT, FAILING = 900, 300  # deliveries, and those whose first attempt fails; so few that the account stays in use
DELAY = 8.0  # seconds until the second attempt


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation without PostgreSQL and Redis, which webhooks do not need."""
    urls = ServerUrls(kafka_url, "postgresql://none", "redis://none")
    retries = {"HEROLD_RETRIES_WEBHOOK_DELAYS": str(DELAY), "HEROLD_RETRIES_WEBHOOK_JITTER": "1, 1"}
    cluster = HeroldCluster(tmp_path / "cluster", urls, prefix, HEROLD_KAFKA_SESSION_TIMEOUT="6", **retries)
    try:
        await cluster.create_topics()
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("webhook"), cluster.start_worker("scheduler"))
        yield cluster
    finally:
        await cluster.close()


def build_webhook(cluster: HeroldCluster, word: str, number: int) -> Delivery:
    return build_current_delivery("webhook", number, cluster.build_url("simulators", f"/hooks/{word}/{number}"))


def count_requests(cluster: HeroldCluster) -> Counter[str]:
    """The requests that the simulators got, by delivery."""
    return Counter(entry["delivery_id"] for entry in cluster.fetch_request_log())


async def wait_for_rows(cluster: HeroldCluster, reader: TopicReader, count: int) -> None:
    found: set[bytes] = set()

    async def have_rows() -> bool:
        async for record in reader.read_records([f"{cluster.prefix}webhook-attempts-changelog"]):
            found.add(record.key)
        return len(found) == count

    await wait_until(have_rows, 60, f"{count} deliveries have rows", interval=0.1)


async def wait_until_ended(cluster: HeroldCluster, ids: set[str], status: Status) -> None:
    async def have_ended() -> bool:
        async with open_topic_reader(cluster.urls.kafka) as reader:
            statuses = await read_statuses(reader, cluster)
        return {delivery_id for delivery_id, found in statuses.items() if status in found} == ids

    await wait_until(have_ended, 120, f"{len(ids)} deliveries are {status}", interval=0.3)


@pytest.mark.slow
async def test_retries_survive_the_kill_of_worker_and_scheduler_and_each_is_made_once(cluster: HeroldCluster) -> None:
    words = ["fail-1" if number % 3 == 0 else "shop" for number in range(COUNT)]
    deliveries = [build_webhook(cluster, word, number) for number, word in enumerate(words)]
    async with asyncio.timeout(280), open_topic_reader(cluster.urls.kafka) as reader:
        await produce_deliveries(cluster, "medium", deliveries)
        await cluster.wait_for_metric("scheduler", 'herold_scheduler_records_total{priority="medium",result="stored"}', FAILING)
        await wait_for_rows(cluster, reader, COUNT)
        for name in ("webhook", "scheduler"):
            cluster.kill_process(name)
        made = count_requests(cluster)
        await asyncio.gather(cluster.start_worker("webhook"), cluster.start_worker("scheduler"))
        await wait_until_ended(cluster, {delivery.id for delivery in deliveries}, Status.DELIVERED)
        requests = count_requests(cluster)
    # on a busy machine some retries are due before the kill: one whose call was not recorded yet is made again
    again = {delivery_id for delivery_id, count in made.items() if count == 2 and requests[delivery_id] == 3}
    expected = Counter({delivery.id: 2 if word == "fail-1" else 1 for delivery, word in zip(deliveries, words, strict=True)})
    assert requests - Counter(again) == expected
    assert await cluster.count_records(DEAD_LETTER_TOPIC) == 0


@pytest.mark.slow
async def test_a_delivery_that_waits_for_its_retry_can_be_cancelled(cluster: HeroldCluster) -> None:
    first, later = (build_webhook(cluster, "fail-1", number) for number in (1, 2))
    async with asyncio.timeout(120):
        await produce_deliveries(cluster, "low", [first])
        await cluster.wait_for_metric("scheduler", 'herold_scheduler_records_total{priority="low",result="stored"}', 1)
        async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
            cancel, partition = Cancel(first.id, first.user_id, "delivery"), compute_partition(first.user_id, PARTITIONS)
            topic = f"{cluster.prefix}scheduled.high"
            await producer.send_and_wait(topic, encode(cancel), first.user_id.encode(), partition=partition)
        await wait_until_ended(cluster, {first.id}, Status.FAILED)
        await produce_deliveries(cluster, "low", [later])
        await wait_until_ended(cluster, {later.id}, Status.DELIVERED)  # the other retry would have come before
        requests = count_requests(cluster)
    assert requests == {first.id: 1, later.id: 2}
