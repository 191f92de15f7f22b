"""Recorded notifications on a real broker: by time, over all priorities and partitions, in order."""

import time
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection

from app.admin.topics import apply_topics
from app.connection_settings import KafkaSection
from app.kafka import recorded_notifications
from app.kafka.recorded_notifications import open_recorded_notifications, read_newest
from schemas.enums import PRIORITIES
from schemas.errors import RecordedNotificationsTooLargeError, UnavailableError
from tests.settings_builders import build_kafka_section

PARTITIONS = 2
HOUR = 3600.0


@pytest.fixture
async def kafka(kafka_url: str, prefix: str) -> KafkaSection:
    """A Kafka with the topics, without records."""
    section = build_kafka_section(kafka_url, prefix, topic_partitions=PARTITIONS)
    await apply_topics(section)
    return section


async def produce(kafka: KafkaSection, count: int, transactional_id: str | None = None) -> list[bytes]:
    """Produce one record after the other, over all priorities and partitions; returns their values in order."""
    values = [b"value-%d" % number for number in range(count)]
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, transactional_id=transactional_id)
    async with producer:
        for number, value in enumerate(values):
            topic = f"{kafka.topic_prefix}notifications.{PRIORITIES[number % 3]}"
            if transactional_id:
                async with producer.transaction():
                    await producer.send_and_wait(topic, value, partition=number % PARTITIONS)
            else:
                await producer.send_and_wait(topic, value, partition=number % PARTITIONS)
    return values


async def test_the_newest_records_are_read_in_the_order_of_their_times(kafka: KafkaSection) -> None:
    assert (await read_newest(kafka, time.time(), HOUR, 10))[1] == []
    values = await produce(kafka, 20)
    now = time.time()
    since, records = await read_newest(kafka, now, HOUR, 100)
    assert since == now - HOUR
    times = [record.record.timestamp for record in records]
    assert (times, {record.record.value for record in records}) == (sorted(times), set(values))
    assert {(record.topic.rpartition(".")[2], record.partition) for record in records} == {(p, n) for p in PRIORITIES for n in (0, 1)}
    since, newest = await read_newest(kafka, now, HOUR, 7)
    assert newest == records[-7:]
    assert since == newest[0].record.timestamp / 1000


async def test_a_time_is_read_once_and_markers_of_transactions_do_not_block(kafka: KafkaSection) -> None:
    values = await produce(kafka, 8, f"{kafka.topic_prefix}t")
    now = time.time()
    async with open_recorded_notifications(kafka) as recorded:
        middle = await recorded.find_start(now - HOUR, now + 1, 6)  # markers have offsets as well
        later, earlier = await recorded.read(middle, now + 1), await recorded.read(now - HOUR, middle)
    assert 0 < len(later) < len(values)
    assert sorted(one.record.value or b"" for one in [*earlier, *later]) == values


async def test_records_that_do_not_fit_into_memory_are_an_error(kafka: KafkaSection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded_notifications, "MAX_READ_BYTES", 20)
    await produce(kafka, 4)
    with pytest.raises(RecordedNotificationsTooLargeError, match="choose a shorter time"):
        await read_newest(kafka, time.time(), HOUR, 10)


async def test_a_stopped_broker_is_unavailable(unused_tcp_port: int) -> None:
    with pytest.raises(UnavailableError, match=f"Kafka at 127.0.0.1:{unused_tcp_port}"):
        await read_newest(build_kafka_section(f"127.0.0.1:{unused_tcp_port}"), time.time(), HOUR, 1)


async def test_nothing_is_fetched_after_a_read(kafka: KafkaSection, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the gateway asks next, such as the offsets of an earlier time, would wait behind each fetch that the broker keeps."""
    await produce(kafka, 6)
    now, sent = time.time(), []
    send = AIOKafkaConnection.send

    def record(self: AIOKafkaConnection, request: Any, *args: Any, **options: Any) -> Any:
        sent.append(type(request).__name__)
        return send(self, request, *args, **options)

    async with open_recorded_notifications(kafka) as recorded:
        assert len(await recorded.read(now - HOUR, now + 1)) == 6
        monkeypatch.setattr(AIOKafkaConnection, "send", record)
        assert await recorded.find_start(now - HOUR, now + 1, 3) > now - HOUR
    asked = [name for name in sent if "Offset" in name]
    fetched = [name for name in sent if "Fetch" in name]
    assert len(asked) > 10
    assert len(fetched) <= 1, "one may have been under way"
