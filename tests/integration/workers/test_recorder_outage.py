"""A recorder whose PostgreSQL is down: it holds several batches of a partition, stops without waiting for them, and loses none."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from dev.stack.stack import ServerUrls
from schemas.topics import STATUS_TOPIC
from tests.cluster import HeroldCluster, wait_until
from tests.event_builders import build_decided_event
from tests.tcp_proxy import TcpProxy, run_proxy

COUNT = 500
SMALL_BATCHES = {"HEROLD_RECORDER_MAX_BATCH_RECORDS": "10", "HEROLD_RECORDER_MAX_IN_FLIGHT_BATCHES": "20"}


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[TcpProxy]:
    async with run_proxy(database_url) as proxy:
        yield proxy


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, proxy: TcpProxy, redis_url: str) -> AsyncIterator[HeroldCluster]:
    """An installation without running workers; its PostgreSQL is behind the proxy."""
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, proxy.url, redis_url), f"t-{uuid.uuid4().hex[:12]}-")
    try:
        await cluster.create_schema()
        yield cluster
    finally:
        await cluster.close()


async def produce_events(cluster: HeroldCluster) -> None:
    """Produce the decided events of COUNT notifications, all to one partition."""
    now = time.time()
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
        for number in range(COUNT):
            value = msgspec.json.encode(build_decided_event(number, "email", at=now))
            await producer.send(cluster.prefix + STATUS_TOPIC, value, b"u-1", partition=0)


async def test_a_stop_during_an_outage_does_not_wait_and_loses_no_event(cluster: HeroldCluster, proxy: TcpProxy) -> None:
    await cluster.start_worker("recorder", **SMALL_BATCHES)
    await proxy.disable()
    await produce_events(cluster)
    await wait_until(lambda: has_retried(cluster), 60, "the recorder tries again", interval=0.05)
    assert await cluster.stop_process("recorder") == 0
    assert "not acknowledged within" not in cluster.get_log_path("recorder").read_text()
    await proxy.enable()
    await cluster.start_worker("recorder")

    async def is_recorded() -> bool:
        return bool(await cluster.fetch_value("select count(*) from notifications") == COUNT)

    await wait_until(is_recorded, 60, "all events are in the history", interval=0.1)


async def has_retried(cluster: HeroldCluster) -> bool:
    """Whether the recorder has logged at least two failed writes."""
    log = await asyncio.to_thread(cluster.get_log_path("recorder").read_text)
    return log.count("recorder.database_unavailable") >= 2
