"""Notifications for the benches: whole Kafka batches for a backlog, single ones at a pace for latency."""

import asyncio
import random
import time
from collections.abc import Iterator

import httpx
import msgspec
from aiokafka import AIOKafkaProducer

from schemas.enums import Channel
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, derive_delivery_id, make_id
from schemas.notification import Notification

USERS = 100_000
SHIPPED_DATA: dict[str, object] = {
    "order": 17,
    "name": "Ada Lovelace",
    "eta": "tomorrow between nine and noon",
    "items": ["book", "lamp", "chair"],
}

encode = msgspec.json.Encoder().encode


DELIVERED_DATA = {"order": 17, "place": "the door"}
TYPES_BY_CHANNEL: dict[Channel, tuple[str, dict[str, object]]] = {
    "email": ("order.shipped", SHIPPED_DATA),
    "sms": ("order.delivered", DELIVERED_DATA),
    "push": ("order.delivered", DELIVERED_DATA),
    "webhook": ("partner.order-webhook", SHIPPED_DATA),
}


def build_notification(rng: random.Random, now: float, channel: Channel = "email", webhook_url: str = "") -> Notification:
    """An order of one of 100,000 users: by e-mail one of about 900 bytes; some 300 bytes as JSON. `hooks`: where webhooks go to."""
    number = rng.randrange(USERS)
    user, (kind, data) = f"user-{number}", TYPES_BY_CHANNEL[channel]
    addresses = {"email": f"{user}@example.org", "sms": f"+4915{number:09}", "push": f"token-{number}", "webhook": f"{webhook_url}/{user}"}
    return Notification(
        user_id=user,
        type=kind,
        id=make_id(NOTIFICATION_PREFIX, now, rng.getrandbits(74)),
        channels=[channel],
        data=data,
        locale="en",
        to={channel: addresses[channel]},
        created_at=now,
    )


def get_delivery_id(notification: Notification) -> str:
    """The id of the only delivery of such a notification."""
    ((channel, address),) = notification.to.items()
    return derive_delivery_id(notification.id or "", notification.user_id, channel, str(address))


def build_producer(kafka: str) -> AIOKafkaProducer:
    """A producer as any client has it, with large batches."""
    return AIOKafkaProducer(bootstrap_servers=kafka, max_batch_size=256 * 1024, compression_type="lz4", acks="all", linger_ms=0)


async def fill_topic(kafka: str, topic: str, partitions: int, count: int, seed: int) -> None:
    """Put so many notifications on a topic, as fast as it goes."""
    rng, client = random.Random(seed), build_producer(kafka)
    await client.start()
    try:
        sent = []
        for partition, records in _group_by_partition(rng, count, partitions):
            builder = client.create_batch()
            for key, value in records:
                if builder.append(timestamp=None, key=key, value=value) is None:
                    sent.append(await client.send_batch(builder, topic, partition=partition))
                    builder = client.create_batch()
                    builder.append(timestamp=None, key=key, value=value)
            sent.append(await client.send_batch(builder, topic, partition=partition))
        await asyncio.gather(*sent)
    finally:
        await client.stop()


def _group_by_partition(rng: random.Random, many: int, partitions: int) -> Iterator[tuple[int, list[tuple[bytes, bytes]]]]:
    lists: list[list[tuple[bytes, bytes]]] = [[] for _ in range(partitions)]
    for _ in range(many):
        given = build_notification(rng, time.time())
        lists[compute_partition(given.user_id, partitions)].append((given.user_id.encode(), encode(given)))
    return ((partition, records) for partition, records in enumerate(lists) if records)


async def produce_at_rate(
    kafka: str, topic: str, partitions: int, rate: float, seconds: float, seed: int, channel: Channel = "email", webhook_url: str = ""
) -> list[str]:
    """Send `rate` notifications a second, each by itself; the ids of their deliveries."""
    rng, client = random.Random(seed), build_producer(kafka)
    await client.start()
    await client.partitions_for(topic)
    deliveries, began, sent = [], time.monotonic(), []
    try:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            given = build_notification(rng, time.time(), channel, webhook_url)
            deliveries.append(get_delivery_id(given))
            partition = compute_partition(given.user_id, partitions)
            sent.append(await client.send(topic, encode(given), key=given.user_id.encode(), partition=partition))
        await asyncio.gather(*sent)
    finally:
        await client.stop()
    return deliveries


async def post_at_rate(gateway: str, key: str, rate: float, seconds: float, seed: int) -> None:
    """Post `rate` notifications a second to the gateway, each by itself. Raises httpx.HTTPStatusError if one is not accepted."""
    rng, began = random.Random(seed), time.monotonic()
    async with httpx.AsyncClient(base_url=gateway, headers={"x-api-key": key}, timeout=30.0) as client, asyncio.TaskGroup() as posting:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            posting.create_task(_post_one(client, encode(build_notification(rng, time.time()))))


async def _post_one(client: httpx.AsyncClient, body: bytes) -> None:
    (await client.post("/v1/notifications", content=body)).raise_for_status()
