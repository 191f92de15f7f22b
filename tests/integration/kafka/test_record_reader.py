"""Single records of a real broker, by their offsets."""

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from app.admin.topics import apply_topics
from app.kafka.record_reader import KafkaRecordReader
from schemas.errors import UnavailableError
from tests.settings_builders import build_kafka_section


async def test_a_record_is_read_by_its_offset_as_long_as_kafka_has_it(kafka_url: str, prefix: str) -> None:
    section = build_kafka_section(kafka_url, prefix, topic_partitions=2)
    await apply_topics(section)
    topic, reader = f"{prefix}deliveries.sms.low", KafkaRecordReader(section)
    async with AIOKafkaProducer(bootstrap_servers=kafka_url) as producer:
        for number in range(5):
            await producer.send_and_wait(topic, b"value-%d" % number, partition=1)
    try:
        assert [await reader.read(topic, 1, offset) for offset in (3, 0, 4, 3)] == [b"value-3", b"value-0", b"value-4", b"value-3"]
        assert await reader.read(topic, 1, 5) is None
        assert await reader.read(topic, 0, 0) is None
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
        await admin.start()
        await admin.delete_records({TopicPartition(topic, 1): RecordsToDelete(3)})
        await admin.close()
        assert await reader.read(topic, 1, 2) is None
        assert await reader.read(topic, 1, 3) == b"value-3"
    finally:
        await reader.close()


async def test_without_a_broker_it_is_unavailable() -> None:
    reader = KafkaRecordReader(build_kafka_section("127.0.0.1:1"))
    with pytest.raises(UnavailableError):
        await reader.read("deliveries.sms.low", 0, 0)
    await reader.close()
