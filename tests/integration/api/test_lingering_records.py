"""Records that wait for others in a publisher on a real broker."""

import asyncio
import time
from functools import partial

import msgspec

from app.api.ports import ProducerRecord
from app.api.services.producer_connection import ProducerConnection, create_producer
from app.api.services.publisher import KafkaPublisher
from app.kafka.client_options import build_client_options
from app.kafka.connection_problem import describe_connection_problem
from schemas.enums import PRIORITIES
from schemas.notification import Notification
from schemas.topics import get_notifications_topic
from tests.integration.api.gateway_client import PARTITIONS, build_settings, create_topics, read_notifications
from tests.unit.app.api.services.publisher_harness import EndlessLinger

TIMEOUT = 60.0  # seconds


def build_publisher(kafka_url: str, prefix: str) -> tuple[KafkaPublisher, ProducerConnection]:
    """A publisher in which records of all priorities linger until it stops, and its connection."""
    options = build_client_options(build_settings(kafka_url).kafka)
    topics = [prefix + get_notifications_topic(priority) for priority in PRIORITIES]
    connection = ProducerConnection(
        partial(create_producer, options, TIMEOUT), partial(describe_connection_problem, options), topics, PARTITIONS, TIMEOUT
    )
    return KafkaPublisher(connection, TIMEOUT, {priority: EndlessLinger() for priority in PRIORITIES}, time.monotonic), connection


async def test_a_stop_writes_what_lingers_of_all_partitions_and_priorities(kafka_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    publisher, connection = build_publisher(kafka_url, prefix)
    publisher.start()
    await connection.get_producer()
    value = msgspec.json.encode(Notification(user_id="u", type="t"))
    records = [
        ProducerRecord(prefix + get_notifications_topic(priority), partition, b"u", value)
        for priority in PRIORITIES
        for partition in range(PARTITIONS)
    ]
    requests = [asyncio.create_task(publisher.publish([record])) for record in records]
    await asyncio.sleep(0.05)
    assert await read_notifications(kafka_url, prefix) == []
    await publisher.stop()
    assert await asyncio.gather(*requests) == [[True]] * len(records)
    assert len(await read_notifications(kafka_url, prefix)) == len(records)
