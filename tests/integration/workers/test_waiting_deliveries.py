"""While Redis and PostgreSQL are away, more deliveries wait for consent than are in flight, and what is mandatory behind them is sent."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import asyncpg
import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from dev.stack.stack import ServerUrls
from schemas.content import EmailContent
from schemas.delivery import Delivery
from schemas.ids import derive_delivery_id, make_id
from tests.cluster import HeroldCluster, wait_until
from tests.tcp_proxy import TcpProxy, run_proxy

PARTITION = 1
ADDRESS = "ada@example.org"
CONTENT = EmailContent("Sale", "Everything must go. " * 100, "<p>Everything must go.</p>" * 100)
HELD = 'herold_paused_accounts{cause="operator"'
PAUSED_COUNT = 40
COUNT = 3000  # of 4.7 kB: the room of those in flight is 1024 records, and 2.8 MB


class Installation(NamedTuple):
    """An installation whose e-mail worker reaches Redis and PostgreSQL by proxies only."""

    cluster: HeroldCluster
    redis: TcpProxy
    postgres: TcpProxy


@pytest.fixture
async def installation(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[Installation]:
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix)
    async with run_proxy(redis_url) as redis, run_proxy(database_url) as postgres:
        try:
            await cluster.create_schema()
            worker = cluster.start_worker("email", DATABASE_URL=postgres.url, REDIS_URL=redis.url)
            await asyncio.gather(cluster.start_simulators(), worker)
            yield Installation(cluster, redis, postgres)
        finally:
            await cluster.close()


def build_delivery(number: int, consent: str) -> Delivery:
    now = time.time()
    notification_id, user_id = make_id("ntf_", now, number), f"u-{number}"
    delivery_id = derive_delivery_id(notification_id, user_id, "email", ADDRESS)
    return Delivery(delivery_id, notification_id, user_id, "email", ADDRESS, CONTENT, now, now + 3600, consent=consent)  # type: ignore[arg-type]


async def produce(cluster: HeroldCluster, deliveries: list[Delivery]) -> None:
    topic = f"{cluster.prefix}deliveries.email.high"
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka, linger_ms=5) as producer:
        for delivery in deliveries:
            await producer.send(topic, msgspec.json.encode(delivery), delivery.user_id.encode(), partition=PARTITION)
        await producer.flush()


@pytest.mark.slow
async def test_what_waits_for_consent_holds_up_nothing_mandatory(installation: Installation) -> None:
    cluster, redis, postgres = installation
    await redis.disable()
    await postgres.disable()
    await produce(cluster, [build_delivery(number, "opt_out") for number in range(COUNT)])
    mandatory = build_delivery(COUNT, "")
    await produce(cluster, [mandatory])
    await cluster.wait_for_requests(1)
    await cluster.wait_for_metric("email", "herold_waiting_deliveries", COUNT)
    (entry,) = cluster.fetch_request_log()
    assert entry["delivery_id"] == mandatory.id
    connection = await asyncpg.connect(cluster.urls.database)
    await connection.execute("insert into users (id, addresses) select 'u-' || n, $1 from generate_series(0, $2) n", '{"email": []}', COUNT)
    await connection.close()
    await redis.enable()
    await postgres.enable()
    await cluster.wait_for_requests(COUNT + 1)
    await wait_until(lambda: has_none_waiting(cluster), 60, "nothing waits any more", interval=0.2)
    assert len(list(cluster.fetch_request_log())) == COUNT + 1


async def test_a_paused_account_makes_no_call_and_sends_all_when_it_is_resumed(installation: Installation) -> None:
    cluster, redis, postgres = installation
    await cluster.execute("insert into account_pauses (account, reason, paused_by) values ('sendgrid', 'a test', 'ada')")
    await cluster.wait_for_metric("email", HELD, 2)  # of deliveries, and of tests
    await redis.disable()
    await postgres.disable()  # the worker keeps what it knows
    await produce(cluster, [build_delivery(number, "") for number in range(PAUSED_COUNT)])
    await cluster.wait_for_metric("email", "herold_waiting_deliveries", PAUSED_COUNT)
    assert (cluster.read_metric("email", HELD), list(cluster.fetch_request_log())) == (2, [])
    await redis.enable()
    await postgres.enable()
    await cluster.execute("delete from account_pauses")
    await cluster.wait_for_requests(PAUSED_COUNT)
    await wait_until(lambda: has_none_waiting(cluster), 60, "nothing waits any more", interval=0.2)
    await cluster.wait_for_metric("email", "herold_delivery_attempts_total", PAUSED_COUNT)
    assert cluster.read_metric("email", "herold_delivery_attempts_total") == PAUSED_COUNT
    assert await cluster.count_records("notifications.status") == PAUSED_COUNT  # of each one attempt, and nothing else


async def has_none_waiting(cluster: HeroldCluster) -> bool:
    return cluster.read_metric("email", "herold_waiting_deliveries") == 0
