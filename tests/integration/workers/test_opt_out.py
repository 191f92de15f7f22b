"""An opt-out while 10,000 messages of the user wait: no call to the provider reaches it later than 5 s after the commit."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from dev.stack.stack import ServerUrls
from schemas.delivery import Delivery
from schemas.ids import compute_partition, derive_delivery_id, make_id
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.delivery_builders import CONTENTS

COUNT = 10_000
USER, NEIGHBOUR = "u-opt-out", "u-neighbour"
SLOW = "slow@example.org"  # the simulator answers after a second, so that the worker sends about 190 a second
OPT_OUT_SECONDS = 5.0
INSERT_USER = "insert into users (id, addresses) values ($1, jsonb_build_object('email', jsonb_build_array($2::text)))"


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation with an e-mail worker and simulators."""
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix)
    try:
        await cluster.create_schema()
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"))
        yield cluster
    finally:
        await cluster.close()


def build_deliveries(user_id: str, count: int, first: int, now: float) -> Iterator[Delivery]:
    """Marketing e-mails to one user, which leave the user the choice until the call."""
    for number in range(first, first + count):
        notification_id = make_id("ntf_", now, number)
        delivery_id = derive_delivery_id(notification_id, user_id, "email", SLOW)
        content = CONTENTS["email"]
        yield Delivery(
            delivery_id, notification_id, user_id, "email", SLOW, content, now, now + 3600, category="marketing", consent="opt_out"
        )


async def produce(cluster: HeroldCluster, *deliveries: Delivery) -> None:
    """Produce deliveries of the medium priority."""
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka, linger_ms=5) as producer:
        for delivery in deliveries:
            key = delivery.user_id.encode()
            topic, partition = f"{cluster.prefix}deliveries.email.medium", compute_partition(delivery.user_id, PARTITIONS)
            await producer.send(topic, msgspec.json.encode(delivery), key, partition=partition)
        await producer.flush()


async def execute(cluster: HeroldCluster, query: str, *values: str) -> None:
    """Change the database, as an operator with psql would."""
    connection = await asyncpg.connect(cluster.urls.database)
    try:
        await connection.execute(query, *values)
    finally:
        await connection.close()


async def is_ended(cluster: HeroldCluster, count: int) -> bool:
    return await cluster.count_records("notifications.status") >= count


@pytest.mark.slow
async def test_no_call_later_than_5_seconds_after_an_opt_out(cluster: HeroldCluster) -> None:
    now = time.time()
    for user_id in (USER, NEIGHBOUR):
        await execute(cluster, INSERT_USER, user_id, SLOW)
    await produce(cluster, *build_deliveries(USER, COUNT, 0, now))
    await cluster.wait_for_requests(400)
    await execute(cluster, "insert into user_preferences (user_id, category, choice) values ($1, 'marketing', 'out')", USER)
    opted_out_at = time.time()
    await produce(cluster, *build_deliveries(USER, 100, COUNT, now), *build_deliveries(NEIGHBOUR, 10, 2 * COUNT, now))
    await wait_until(lambda: is_ended(cluster, COUNT + 110), 120, "every delivery has ended", interval=0.2)
    entries = list(await asyncio.to_thread(lambda: list(cluster.fetch_request_log())))
    own = {delivery.id for delivery in build_deliveries(USER, COUNT + 100, 0, now)}
    calls = [entry["at"] - opted_out_at for entry in entries if entry["delivery_id"] in own]
    print(f"{len(calls)} of {len(own)} calls, the last {max(calls):.2f} s after the opt-out")
    assert max(calls) < OPT_OUT_SECONDS
    assert len(calls) < COUNT / 2, "most of them waited"
    assert len(entries) - len(calls) == 10, "the neighbour gets all of them"
