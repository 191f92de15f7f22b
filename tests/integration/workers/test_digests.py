"""Digests on real workers: each notification is in exactly one message, although router and scheduler are killed again and again."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from app.admin.policy import apply_document, parse_document
from dev.stack.stack import ServerUrls
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.users import ChangeOrigin
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.topic_reader import open_topic_reader

USERS, ROUNDS, EACH = 40, 6, 5
COUNT = USERS * ROUNDS * EACH
PRIORITIES = ("high", "low")
POLICY = b"""
rules:
  - {type: alert, category: transactional, channels: [email], template: alert, digest: {window: 3, max_count: 12}}
templates:
  alert:
    email: {default: {subject: "{{ digest.count }} alerts", text: "{% for one in digest.events %}{{ one.n }} {% endfor %}"}}
"""

pytestmark = pytest.mark.slow


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation whose router and scheduler can be killed."""
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix, HEROLD_KAFKA_SESSION_TIMEOUT="6")
    try:
        await cluster.create_schema()
        await apply_document(database_url, parse_document(POLICY), ChangeOrigin("test", "test", ""), dry_run=False)
        await asyncio.gather(*(cluster.start_worker(role) for role in ("router", "scheduler", "recorder")))
        yield cluster
    finally:
        await cluster.close()


async def produce(cluster: HeroldCluster, first: int, count: int) -> None:
    """Produce so many notifications, over two priorities, so that a killed router reads them again in another order."""
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka, linger_ms=5) as producer:
        for number in range(first, first + count):
            user = f"u-digest-{number % USERS}"
            notification = {
                "id": make_id(NOTIFICATION_PREFIX, time.time(), number),
                "user_id": user,
                "type": "alert",
                "data": {"n": number},
            }
            value = json.dumps({**notification, "to": {"email": "a@example.org"}}).encode()
            topic = f"{cluster.prefix}notifications.{PRIORITIES[number % 2]}"
            await producer.send(topic, value, user.encode(), partition=compute_partition(user, PARTITIONS))
        await producer.flush()


async def read_messages(cluster: HeroldCluster) -> dict[str, list[int]]:
    """The numbers in each message by its id; the delivery workers send the first of those with one id."""
    messages: dict[str, list[int]] = {}
    async with open_topic_reader(cluster.urls.kafka) as reader:
        topics = [f"{cluster.prefix}deliveries.email.{priority}" for priority in PRIORITIES]
        async for record in reader.read_records(topics):
            delivery: dict[str, Any] = msgspec.json.decode(record.value)
            messages.setdefault(delivery["id"], [int(number) for number in delivery["content"]["text"].split()])
    return messages


async def test_each_notification_is_in_one_message_although_router_and_scheduler_are_killed(cluster: HeroldCluster) -> None:
    for number in range(ROUNDS):
        await produce(cluster, number * USERS * EACH, USERS * EACH)
        await asyncio.sleep(0.15 * number)  # each time at another moment: while it gathers, while digests come back
        cluster.kill_process("router")
        if number % 2:
            cluster.kill_process("scheduler")
            await cluster.start_worker("scheduler")
        await cluster.start_worker("router")

    async def is_all_sent() -> bool:
        return sum(map(len, (await read_messages(cluster)).values())) >= COUNT

    await wait_until(is_all_sent, 120, f"{COUNT} notifications are in messages", interval=0.5)
    messages = await read_messages(cluster)
    assert Counter(number for numbers in messages.values() for number in numbers) == Counter(range(COUNT))
    assert len(messages) < COUNT / 2
    assert all(len({number % USERS for number in numbers}) == 1 for numbers in messages.values())
    assert max(map(len, messages.values())) <= 12

    async def are_all_decided() -> bool:
        query = "select count(*) from notifications where state = 'merged' or (state = 'routed' and resume_count > 0)"
        return bool(await cluster.fetch_value(query) == COUNT + len(messages))

    await wait_until(are_all_decided, 60, "each notification is merged, and each digest routed", interval=0.5)
