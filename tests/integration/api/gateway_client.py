"""A gateway on real servers, asked without sockets, and what it wrote to Kafka."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.api.gateway import GatewayConnections
from app.api.settings import GatewaySettings
from schemas.enums import PRIORITIES
from schemas.notification import Notification
from schemas.topics import get_notifications_topic

API_KEY = "a" * 32
PARTITIONS = 2
UNREACHABLE = "127.0.0.1:1"  # tcpmux: nobody listens there


def build_settings(
    kafka: str, database: str = f"postgresql://{UNREACHABLE}/none", redis: str = f"redis://{UNREACHABLE}", **more: object
) -> GatewaySettings:
    """Settings with servers that are not there unless given."""
    receipts = {"email": 0, "sms": 0, "push": 0, "webhook": 0}
    given = {"partitions": PARTITIONS, "produce_timeout": 5.0, "postgres_pool_size": 2, **more}
    return GatewaySettings(API_KEY, kafka, database, redis, receipts, **given)  # type: ignore[arg-type]


@asynccontextmanager
async def open_client(settings: GatewaySettings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with these settings, which lives as long."""
    async with open_client_and_connections(settings) as (client, _):
        yield client


@asynccontextmanager
async def open_client_and_connections(settings: GatewaySettings) -> AsyncIterator[tuple[httpx.AsyncClient, GatewayConnections]]:
    """The same, with the gateway's connections."""
    wiring = GatewayConnections(settings)
    app = wiring.build_app()
    transport = httpx.ASGITransport(app)
    async with wiring.run_lifespan(), httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=60.0) as client:
        client.headers["x-api-key"] = API_KEY
        yield client, wiring


async def create_topics(kafka: str, prefix: str) -> None:
    """The topics that the gateway writes to."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        config = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(256 * 1024)}
        await admin.create_topics(
            [NewTopic(prefix + get_notifications_topic(priority), PARTITIONS, 1, topic_configs=config) for priority in PRIORITIES]
        )
    finally:
        await admin.close()


async def read_notifications(kafka: str, prefix: str) -> list[tuple[str, int, Notification]]:
    """All notifications in Kafka: topic without prefix, partition, value."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        places = [
            TopicPartition(prefix + get_notifications_topic(priority), number) for priority in PRIORITIES for number in range(PARTITIONS)
        ]
        consumer.assign(places)
        left = sum((await consumer.end_offsets(places)).values())
        found = []
        while left:
            record = await consumer.getone()
            found.append((record.topic.removeprefix(prefix), record.partition, msgspec.json.decode(record.value, type=Notification)))
            left -= 1
        return found
    finally:
        await consumer.stop()
