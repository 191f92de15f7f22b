"""Real workers and a scheduler: retries survive kill -9 of both, none is made twice, and an operator can cancel one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from dev.stack.stack import ServerUrls
from schemas.enums import Status
from schemas.ids import compute_partition
from schemas.scheduled import Cancel
from schemas.topics import DEAD_LETTER_TOPIC
from tests.chaos.test_delivery import build_current_delivery, encode, produce_deliveries, read_attempt_rows, read_statuses
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.topic_reader import TopicReader, open_topic_reader

COUNT, FAILING = 900, 300  # deliveries, and those whose first attempt fails; so few that the account stays in use
DELAY = 8.0  # seconds until the second attempt


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation without PostgreSQL and Redis, which deliveries without consent do not use."""
    urls = ServerUrls(kafka_url, "postgresql://none", "redis://none")
    retries = {"HEROLD_RETRIES_EMAIL_DELAYS": str(DELAY), "HEROLD_RETRIES_EMAIL_JITTER": "1, 1"}
    cluster = HeroldCluster(tmp_path / "cluster", urls, prefix, HEROLD_KAFKA_SESSION_TIMEOUT="6", **retries)
    try:
        await cluster.create_topics()
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"), cluster.start_worker("scheduler"))
        yield cluster
    finally:
        await cluster.close()


async def wait_for_rows(cluster: HeroldCluster, reader: TopicReader, count: int) -> None:
    found: set[str] = set()

    async def have_rows() -> bool:
        found.update(await read_attempt_rows(reader, cluster))
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
    words = ["fail-1" if number % 3 == 0 else "ada" for number in range(COUNT)]
    mails = [build_current_delivery("email", number, f"{word}@n{number}.example.org") for number, word in enumerate(words)]
    async with asyncio.timeout(280), open_topic_reader(cluster.urls.kafka) as reader:
        await produce_deliveries(cluster, "medium", mails)
        await cluster.wait_for_metric("scheduler", 'herold_scheduler_records_total{priority="medium",result="stored"}', FAILING)
        await wait_for_rows(cluster, reader, COUNT)
        for name in ("email", "scheduler"):
            cluster.kill_process(name)
        await asyncio.gather(cluster.start_worker("email"), cluster.start_worker("scheduler"))
        await wait_until_ended(cluster, {mail.id for mail in mails}, Status.SENT)
        requests = Counter(entry["delivery_id"] for entry in cluster.fetch_request_log())
    assert requests == Counter({mail.id: 2 if word == "fail-1" else 1 for mail, word in zip(mails, words, strict=True)})
    assert await cluster.count_records(DEAD_LETTER_TOPIC) == 0


@pytest.mark.slow
async def test_a_delivery_that_waits_for_its_retry_can_be_cancelled(cluster: HeroldCluster) -> None:
    mail, later = (build_current_delivery("email", number, f"fail-1@n{number}.example.org") for number in (1, 2))
    async with asyncio.timeout(120):
        await produce_deliveries(cluster, "low", [mail])
        await cluster.wait_for_metric("scheduler", 'herold_scheduler_records_total{priority="low",result="stored"}', 1)
        async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
            cancel, partition = Cancel(mail.id, mail.user_id, "delivery"), compute_partition(mail.user_id, PARTITIONS)
            topic = f"{cluster.prefix}scheduled.high"
            await producer.send_and_wait(topic, encode(cancel), mail.user_id.encode(), partition=partition)
        await wait_until_ended(cluster, {mail.id}, Status.FAILED)
        await produce_deliveries(cluster, "low", [later])
        await wait_until_ended(cluster, {later.id}, Status.SENT)  # the other retry would have come before
        requests = Counter(entry["delivery_id"] for entry in cluster.fetch_request_log())
    assert requests == {mail.id: 1, later.id: 2}
