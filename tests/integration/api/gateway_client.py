"""A client of a gateway in this process that uses real servers, and the records that the gateway wrote to Kafka."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.api.gateway import GatewayConnections
from app.settings import Settings, load_settings
from schemas.enums import PRIORITIES
from schemas.notification import Notification
from schemas.topics import STATUS_TOPIC, get_notifications_topic
from tests.column_sealing import list_sealing_env

API_KEY = "a" * 32
AUDIT_KEY = "c" * 32
PARTITIONS = 2
UNUSED_DATA_DIR = Path("/dev/null/unused")  # cannot be created: no test finds the rules that another one has kept
UNREACHABLE = "127.0.0.1:1"  # tcpmux: nothing listens there
PATIENT = 60.0  # seconds; on a busy machine Kafka may confirm a record later than the default allows


def build_settings(
    kafka_url: str,
    *,
    database_url: str = f"postgresql://{UNREACHABLE}/none",
    redis_url: str = f"redis://{UNREACHABLE}",
    topic_prefix: str = "",
    partitions: int = PARTITIONS,
    produce_timeout: float | None = None,
    data_dir: Path = UNUSED_DATA_DIR,
    link_secret: str = "",
    encryption_keys: str = "",
) -> Settings:
    """The settings of faust.yml with these; PostgreSQL and Redis are unreachable by default.

    `produce_timeout` in seconds; by default that of faust.yml without Kafka, and longer with it.
    Nothing is written to `data_dir` without PostgreSQL.
    """
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_url,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "HEROLD_REDIS_SOCKET_TIMEOUT": "30",  # seconds; on a busy machine a reply may take longer than the default, which counts as failed
        "HEROLD_KAFKA_TOPIC_PREFIX": topic_prefix,
        "HEROLD_KAFKA_TOPIC_PARTITIONS": str(partitions),
        "HEROLD_GATEWAY_API_KEY": API_KEY,
        "HEROLD_WORKER_DATA_DIR": str(data_dir),
        "HEROLD_AUDIT_SIGNING_KEY": AUDIT_KEY,
        "HEROLD_ENCRYPTION_ENABLED": str(bool(encryption_keys)).lower(),
        "HEROLD_ENCRYPTION_KEYS": encryption_keys,
        "HEROLD_ENCRYPTION_INDEX_KEY": base64.b64encode(bytes(32)).decode(),
        **list_sealing_env(),
    }
    if link_secret:
        env |= {"HEROLD_LINKS_BASE_URL": "https://herold.example.org", "HEROLD_LINKS_SECRET": link_secret}
    if produce_timeout is None and kafka_url != UNREACHABLE:
        produce_timeout = PATIENT
    if produce_timeout is not None:
        env["HEROLD_GATEWAY_PRODUCE_TIMEOUT"] = str(produce_timeout)
    return load_settings(env)


@asynccontextmanager
async def open_client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with these settings; the gateway shuts down with it."""
    async with open_client_and_connections(settings) as (client, _):
        yield client


@asynccontextmanager
async def open_client_and_connections(settings: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, GatewayConnections]]:
    """The same client, and the gateway's connections.

    With a patient gateway a request waits for Kafka, although it has not connected yet or does not answer for a second.
    """
    connections = GatewayConnections(settings)
    transport = httpx.ASGITransport(connections.build_app())
    async with connections.run_lifespan(), httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=60.0) as client:
        client.headers["x-api-key"] = API_KEY
        if settings.gateway.produce_timeout == PATIENT:
            await connections.publisher.outage.stop()
        yield client, connections


async def create_topics(kafka_url: str, prefix: str) -> None:
    """Create the topics that the gateway writes to."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        config = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(256 * 1024)}
        topics = [prefix + topic for topic in (*map(get_notifications_topic, PRIORITIES), STATUS_TOPIC)]
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=config) for topic in topics])
    finally:
        await admin.close()


async def read_notifications(kafka_url: str, prefix: str) -> list[tuple[str, int, Notification]]:
    """All notifications in Kafka: topic without prefix, partition, value."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        topics = [prefix + get_notifications_topic(priority) for priority in PRIORITIES]
        partitions = [TopicPartition(topic, partition) for topic in topics for partition in range(PARTITIONS)]
        consumer.assign(partitions)
        records = [await consumer.getone() for _ in range(sum((await consumer.end_offsets(partitions)).values()))]
        return [
            (record.topic.removeprefix(prefix), record.partition, msgspec.json.decode(record.value, type=Notification))
            for record in records
        ]
    finally:
        await consumer.stop()
