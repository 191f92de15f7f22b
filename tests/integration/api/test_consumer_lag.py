"""The gateway's view of the roles behind it, on a real broker."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.admin import topics
from app.api.services.consumer_lag import FETCH_INTERVAL, STALL_TIMEOUT, ConsumerLagProbe

PARTITIONS = 2


@pytest.fixture
async def low_topic(kafka_url: str, prefix: str) -> str:
    """The low priority of an installation without roles, with three records."""
    await topics.apply_topics(kafka_url, prefix, PARTITIONS, 1, 1)
    async with AIOKafkaProducer(bootstrap_servers=kafka_url) as producer:
        for _ in range(3):
            await producer.send_and_wait(f"{prefix}notifications.low", b"{}", partition=1)
    await commit_offset(kafka_url, f"{prefix}another", f"{prefix}notifications.low", 1)  # a new broker knows no groups before the first
    return f"{prefix}notifications.low"


async def commit_offset(kafka_url: str, group: str, topic: str, offset: int) -> None:
    """Let a group have read partition 1 up to this offset."""
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url, group_id=group, enable_auto_commit=False) as consumer:
        consumer.assign([TopicPartition(topic, 1)])
        await consumer.commit({TopicPartition(topic, 1): offset})


async def test_a_role_that_reads_none_of_what_waits_is_stuck_until_it_does(kafka_url: str, prefix: str, low_topic: str) -> None:
    now = 0.0
    progress = ConsumerLagProbe(kafka_url, prefix, PARTITIONS, lambda: now)
    assert await progress.probe() == "", "the waiting has just begun"
    now = STALL_TIMEOUT + 1
    assert await progress.probe() == "router: 3 records wait, none was read for 31 s"
    await commit_offset(kafka_url, f"{prefix}router", low_topic, 2)
    now += FETCH_INTERVAL - 1
    assert await progress.probe() != "", "Kafka is asked at most every ten seconds"
    now += 1
    assert await progress.probe() == ""
