"""Generates notifications for benchmarks: a backlog in large Kafka batches, and single ones at a fixed rate."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator

import httpx
import msgspec
from aiokafka import AIOKafkaProducer

from schemas.channels import ChannelName
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, derive_delivery_id, make_id
from schemas.notification import Notification

USERS = 100_000
SHIPPED_DATA: dict[str, object] = {
    "order": 17,
    "name": "Ada Lovelace",
    "eta": "tomorrow between nine and noon",
    "items": ["book", "lamp", "chair"],
}

DELIVERED_DATA = {"order": 17, "place": "the door"}
TYPES_BY_CHANNEL: dict[ChannelName, tuple[str, dict[str, object]]] = {
    "email": ("order.shipped", SHIPPED_DATA),
    "sms": ("order.delivered", DELIVERED_DATA),
    "push": ("order.delivered", DELIVERED_DATA),
    "webhook": ("partner.order-webhook", SHIPPED_DATA),
}

encode = msgspec.json.Encoder().encode

Build = Callable[[random.Random, float], Notification]
"""Builds a notification that is created at a time in epoch seconds."""


def build_notification(rng: random.Random, now: float, channel: ChannelName = "email", webhook_url: str = "") -> Notification:
    """Build a notification to one of 100,000 users: about 300 bytes of JSON, about 900 bytes as a rendered e-mail."""
    number = rng.randrange(USERS)
    user_id, (type_, data) = f"user-{number}", TYPES_BY_CHANNEL[channel]
    addresses = {
        "email": f"{user_id}@example.org",
        "sms": f"+4915{number:09}",
        "push": f"token-{number}",
        "webhook": f"{webhook_url}/{user_id}",
    }
    return Notification(
        user_id=user_id,
        type=type_,
        id=make_id(NOTIFICATION_PREFIX, now, rng.getrandbits(74)),
        channels=[channel],
        data=data,
        locale="en",
        to={channel: addresses[channel]},
        created_at=now,
    )


def build_look_up_notification(rng: random.Random, now: float) -> Notification:
    """Build the same e-mail to a stored address, with a category that asks for consent and quiet hours: all gates look at the profile."""
    explicit = build_notification(rng, now)
    return msgspec.structs.replace(explicit, category="marketing", locale=None, to={})


def derive_only_delivery_id(notification: Notification) -> str:
    """Derive the id of the only delivery of a generated notification."""
    ((channel, address),) = notification.to.items()
    return derive_delivery_id(notification.id or "", notification.user_id, channel, str(address))


def build_producer(kafka: str) -> AIOKafkaProducer:
    """Build a producer with large batches."""
    return AIOKafkaProducer(bootstrap_servers=kafka, max_batch_size=256 * 1024, compression_type="lz4", acks="all", linger_ms=0)


async def fill_topic(kafka: str, topic: str, partitions: int, count: int, seed: int, build: Build = build_notification) -> None:
    """Produce `count` notifications to a topic as fast as possible."""
    rng, producer = random.Random(seed), build_producer(kafka)
    await producer.start()
    try:
        acknowledgements = []
        for partition, records in _group_by_partition(rng, count, partitions, build):
            builder = producer.create_batch()
            for key, value in records:
                if builder.append(timestamp=None, key=key, value=value) is None:
                    acknowledgements.append(await producer.send_batch(builder, topic, partition=partition))
                    builder = producer.create_batch()
                    builder.append(timestamp=None, key=key, value=value)
            acknowledgements.append(await producer.send_batch(builder, topic, partition=partition))
        await asyncio.gather(*acknowledgements)
    finally:
        await producer.stop()


def _group_by_partition(rng: random.Random, count: int, partitions: int, build: Build) -> Iterator[tuple[int, list[tuple[bytes, bytes]]]]:
    records_by_partition: list[list[tuple[bytes, bytes]]] = [[] for _ in range(partitions)]
    for _ in range(count):
        notification = build(rng, time.time())
        partition = compute_partition(notification.user_id, partitions)
        records_by_partition[partition].append((notification.user_id.encode(), encode(notification)))
    return ((partition, records) for partition, records in enumerate(records_by_partition) if records)


async def produce_at_rate(
    kafka: str, topic: str, partitions: int, rate: float, seconds: float, seed: int, channel: ChannelName = "email", webhook_url: str = ""
) -> list[str]:
    """Produce `rate` notifications per second, one at a time; return the ids of their deliveries."""
    rng, producer = random.Random(seed), build_producer(kafka)
    await producer.start()
    await producer.partitions_for(topic)
    delivery_ids, started_at, acknowledgements = [], time.monotonic(), []
    try:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, started_at + number / rate - time.monotonic()))
            notification = build_notification(rng, time.time(), channel, webhook_url)
            delivery_ids.append(derive_only_delivery_id(notification))
            key, partition = notification.user_id.encode(), compute_partition(notification.user_id, partitions)
            acknowledgements.append(await producer.send(topic, encode(notification), key=key, partition=partition))
        await asyncio.gather(*acknowledgements)
    finally:
        await producer.stop()
    return delivery_ids


async def post_at_rate(gateway: str, key: str, rate: float, seconds: float, seed: int) -> None:
    """Post `rate` notifications per second to the gateway, one per request. Raises httpx.HTTPStatusError if one is not accepted."""
    rng, started_at = random.Random(seed), time.monotonic()
    async with httpx.AsyncClient(base_url=gateway, headers={"x-api-key": key}, timeout=30.0) as client, asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, started_at + number / rate - time.monotonic()))
            tasks.create_task(_post_one(client, encode(build_notification(rng, time.time()))))


async def _post_one(client: httpx.AsyncClient, body: bytes) -> None:
    (await client.post("/v1/notifications", content=body)).raise_for_status()
