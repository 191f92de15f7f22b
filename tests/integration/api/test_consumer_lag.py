"""Offsets and groups from a real broker, and the consumer lag probe on them."""

import time
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from app.admin import topics
from app.api.pipeline.kafka_reader import KafkaReader
from app.api.pipeline.topology import READERS
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


@pytest.fixture
async def reader(kafka_url: str, prefix: str, low_topic: str) -> AsyncIterator[KafkaReader]:
    """A reader of this broker."""
    reader = KafkaReader({"bootstrap_servers": kafka_url}, prefix, PARTITIONS, time.time)
    yield reader
    await reader.close()


async def test_a_role_is_stalled_until_it_commits_a_record(kafka_url: str, prefix: str, low_topic: str, reader: KafkaReader) -> None:
    now = 0.0
    probe = ConsumerLagProbe(reader.read_offsets, lambda: now)
    assert await probe.probe() == "", "the timeout starts with the first probe"
    now = STALL_TIMEOUT + 1
    assert await probe.probe() == "router: 3 records are waiting, none was committed for 31 s"
    await commit_offset(kafka_url, f"{prefix}router", low_topic, 2)
    now += FETCH_INTERVAL - 1
    assert await probe.probe() != "", "the offsets are read at most every 10 s"
    now += 1
    assert await probe.probe() == ""


async def test_offsets_and_groups_are_read_over_one_connection_which_is_opened_again(
    kafka_url: str, prefix: str, low_topic: str, reader: KafkaReader
) -> None:
    await commit_offset(kafka_url, f"{prefix}router", low_topic, 2)
    offsets = await reader.read_offsets()
    assert (offsets.ends["notifications.low"], offsets.committed["router"]["notifications.low"]) == ((0, 3), (-1, 2))
    assert offsets.ends.keys() == offsets.starts.keys() == set(READERS)
    await reader.close()
    group = (await reader.read_groups())["router"]
    assert (group.state, group.members) == ("Empty", ())


async def test_a_member_of_a_group_is_read_with_its_partitions(kafka_url: str, prefix: str, low_topic: str, reader: KafkaReader) -> None:
    async with AIOKafkaConsumer(low_topic, bootstrap_servers=kafka_url, group_id=f"{prefix}router") as consumer:
        await consumer.seek_to_end()
        group = (await reader.read_groups())["router"]
    assert group.state == "Stable"
    assert [(member.partitions, member.url) for member in group.members] == [((0, 1), "")]


async def test_a_broker_that_is_not_there_is_an_error(prefix: str) -> None:
    reader = KafkaReader({"bootstrap_servers": "127.0.0.1:1"}, prefix, PARTITIONS, time.time)
    for read in (reader.read_offsets, reader.read_groups):
        with pytest.raises(KafkaError):
            await read()
