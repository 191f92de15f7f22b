"""A running router picks up a changed rule, and the decision log names the version."""

import time
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from app.admin.policy import apply_document, parse_document
from dev.stack.stack import ServerUrls
from schemas.events import DecidedEvent
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.notification import Notification
from schemas.topics import STATUS_TOPIC
from schemas.users import ChangeOrigin
from tests import topic_reader
from tests.cluster import PARTITIONS, HeroldCluster, wait_until

CHANGE = b"""
rules:
  - {type: account.otp, category: security, priority: low, channels: [sms, email], strategy: first, template: account-otp, mandatory: true}
"""


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation with topics and rules."""
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix)
    await cluster.create_schema()
    yield cluster
    await cluster.close()


@pytest.mark.slow
async def test_a_running_router_uses_a_changed_rule_and_names_its_version(cluster: HeroldCluster) -> None:
    await cluster.start_worker("router")
    numbers = count()
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:

        async def is_routed_with(priority: str) -> bool:
            number = next(numbers)
            user, notification_id = f"u-{number}", make_id(NOTIFICATION_PREFIX, time.time(), number)
            fields = {"data": {"code": "1", "minutes": 5}, "to": {"sms": "+12025550101"}}
            value = Notification(user, "account.otp", notification_id, **fields)  # type: ignore[arg-type]
            partition = compute_partition(user, PARTITIONS)
            await producer.send_and_wait(f"{cluster.prefix}notifications.medium", msgspec.json.encode(value), user.encode(), partition)
            return await cluster.count_records(f"deliveries.sms.{priority}") > 0

        await wait_until(lambda: is_routed_with("high"), 60, "the first version routes", interval=0.5)
        await apply_document(cluster.urls.database, parse_document(CHANGE), ChangeOrigin("cli", "ada", "a trial"), dry_run=False)
        await wait_until(lambda: is_routed_with("low"), 60, "the second version routes", interval=0.5)
    async with topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        records = [record async for record in reader.read_records([cluster.prefix + STATUS_TOPIC])]
    events = [msgspec.json.decode(record.value, type=DecidedEvent) for record in records]
    decisions = {(entry.inputs["rule"], event.priority) for event in events for entry in event.decision_log if entry.gate == "rule"}
    assert decisions == {("account.otp@1", "high"), ("account.otp@2", "low")}
