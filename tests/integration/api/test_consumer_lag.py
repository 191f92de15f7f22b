"""The consumer lag probe on a real broker."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.admin import topics
from app.api.services.consumer_lag import FETCH_INTERVAL, STALL_TIMEOUT, ConsumerLagProbe
from tests.settings_builders import build_kafka_section

PARTITIONS = 2


@pytest.fixture
async def low_topic(kafka_url: str, prefix: str) -> str:
    """The topic notifications.low with three records in partition 1, which no role has consumed."""
    await topics.apply_topics(build_kafka_section(kafka_url, prefix, topic_partitions=PARTITIONS))
    async with AIOKafkaProducer(bootstrap_servers=kafka_url) as producer:
        for _ in range(3):
            await producer.send_and_wait(f"{prefix}notifications.low", b"{}", partition=1)
    await commit_offset(kafka_url, f"{prefix}another", f"{prefix}notifications.low", 1)  # creates the topic of the offsets on a new broker
    return f"{prefix}notifications.low"


async def commit_offset(kafka_url: str, group: str, topic: str, offset: int) -> None:
    """Commit an offset of partition 1 for a group."""
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url, group_id=group, enable_auto_commit=False) as consumer:
        consumer.assign([TopicPartition(topic, 1)])
        await consumer.commit({TopicPartition(topic, 1): offset})


async def test_a_role_is_stalled_until_it_commits_a_record(kafka_url: str, prefix: str, low_topic: str) -> None:
    now = 0.0
    probe = ConsumerLagProbe({"bootstrap_servers": kafka_url}, prefix, PARTITIONS, lambda: now)
    assert await probe.probe() == "", "the timeout starts with the first probe"
    now = STALL_TIMEOUT + 1
    assert await probe.probe() == "router: 3 records are waiting, none was committed for 31 s"
    await commit_offset(kafka_url, f"{prefix}router", low_topic, 2)
    now += FETCH_INTERVAL - 1
    assert await probe.probe() != "", "the offsets are read at most every 10 s"
    now += 1
    assert await probe.probe() == ""
