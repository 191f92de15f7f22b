"""Notifications for the benches: whole Kafka batches for a backlog, single ones at a pace for latency."""

import asyncio
import random
import time
from collections.abc import Iterator

import httpx
import msgspec
from aiokafka import AIOKafkaProducer

from schemas.ids import NOTIFICATION, delivery_id, new_id, partition_of
from schemas.notification import Notification
from schemas.words import Channel

USERS = 100_000
DATA: dict[str, object] = {"order": 17, "name": "Ada Lovelace", "eta": "tomorrow between nine and noon", "items": ["book", "lamp", "chair"]}

encode = msgspec.json.Encoder().encode


ARRIVED = {"order": 17, "place": "the door"}
ABOUT: dict[Channel, tuple[str, dict[str, object]]] = {
    "email": ("order.shipped", DATA),
    "sms": ("order.delivered", ARRIVED),
    "push": ("order.delivered", ARRIVED),
    "webhook": ("partner.order-webhook", DATA),
}


def notification(rng: random.Random, now: float, channel: Channel = "email", hooks: str = "") -> Notification:
    """An order of one of 100,000 users: by e-mail one of about 900 bytes; some 300 bytes as JSON. `hooks`: where webhooks go to."""
    number = rng.randrange(USERS)
    user, (kind, data) = f"user-{number}", ABOUT[channel]
    addresses = {"email": f"{user}@example.org", "sms": f"+4915{number:09}", "push": f"token-{number}", "webhook": f"{hooks}/{user}"}
    return Notification(
        user_id=user,
        type=kind,
        id=new_id(NOTIFICATION, now, rng.getrandbits(74)),
        channels=[channel],
        data=data,
        locale="en",
        to={channel: addresses[channel]},
        created_at=now,
    )


def delivery_of(given: Notification) -> str:
    """The id of the only delivery of such a notification."""
    ((channel, address),) = given.to.items()
    return delivery_id(given.id or "", given.user_id, channel, str(address))


def producer(kafka: str) -> AIOKafkaProducer:
    """A producer as any client has it, with large batches."""
    return AIOKafkaProducer(bootstrap_servers=kafka, max_batch_size=256 * 1024, compression_type="lz4", acks="all", linger_ms=0)


async def fill(kafka: str, topic: str, partitions: int, many: int, seed: int) -> None:
    """Put so many notifications on a topic, as fast as it goes."""
    rng, client = random.Random(seed), producer(kafka)
    await client.start()
    try:
        sent = []
        for partition, records in _by_partition(rng, many, partitions):
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


def _by_partition(rng: random.Random, many: int, partitions: int) -> Iterator[tuple[int, list[tuple[bytes, bytes]]]]:
    lists: list[list[tuple[bytes, bytes]]] = [[] for _ in range(partitions)]
    for _ in range(many):
        given = notification(rng, time.time())
        lists[partition_of(given.user_id, partitions)].append((given.user_id.encode(), encode(given)))
    return ((partition, records) for partition, records in enumerate(lists) if records)


async def pace(
    kafka: str, topic: str, partitions: int, rate: float, seconds: float, seed: int, channel: Channel = "email", hooks: str = ""
) -> list[str]:
    """Send `rate` notifications a second, each by itself; the ids of their deliveries."""
    rng, client = random.Random(seed), producer(kafka)
    await client.start()
    await client.partitions_for(topic)
    deliveries, began, sent = [], time.monotonic(), []
    try:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            given = notification(rng, time.time(), channel, hooks)
            deliveries.append(delivery_of(given))
            partition = partition_of(given.user_id, partitions)
            sent.append(await client.send(topic, encode(given), key=given.user_id.encode(), partition=partition))
        await asyncio.gather(*sent)
    finally:
        await client.stop()
    return deliveries


async def post(gateway: str, key: str, rate: float, seconds: float, seed: int) -> None:
    """Post `rate` notifications a second to the gateway, each by itself. Raises httpx.HTTPStatusError if one is not accepted."""
    rng, began = random.Random(seed), time.monotonic()
    async with httpx.AsyncClient(base_url=gateway, headers={"x-api-key": key}, timeout=30.0) as client, asyncio.TaskGroup() as posting:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            posting.create_task(_posted(client, encode(notification(rng, time.time()))))


async def _posted(client: httpx.AsyncClient, body: bytes) -> None:
    (await client.post("/v1/notifications", content=body)).raise_for_status()
