"""The scenario `retries`: a million retries wait in the scheduler; scheduler and worker are killed while they wait and while they are sent.

Each delivery is counted: lost, sent, and calls beyond one for each.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from msgspec import Raw

from schemas.enums import Status
from schemas.events import StatusEvent
from schemas.ids import compute_partition
from schemas.scheduled import Scheduled
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC
from tests import topic_reader
from tests.bench.cpu_meter import CpuMeter
from tests.cluster import PARTITIONS, HeroldCluster
from tests.delivery_builders import build_delivery

RETRIES_PER_COUNT = 5  # a million for the usual count of 200,000
KILLS = 3  # of each, while the retries are sent
ROLES = ("scheduler", "email")
STORED = "herold_scheduler_records_total"
START_SECONDS = 20.0  # from the last retry stored until the first one is due
DUE_RATE = 20_000  # per second: faster than they can be sent

encode = msgspec.json.Encoder().encode
decode_event = msgspec.json.Decoder(StatusEvent).decode


async def measure_retries(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """Let the retries wait, kill both roles, let them become due, and kill both again while they are sent."""
    retries = RETRIES_PER_COUNT * count
    cluster.env["HEROLD_KAFKA_SESSION_TIMEOUT"] = "6"
    await asyncio.gather(cluster.start_simulators(), *(cluster.start_worker(role) for role in ROLES))
    stored_at = time.monotonic()
    due_at = time.time() + retries / 4000 + START_SECONDS
    await _produce(cluster, retries, due_at)
    await cluster.wait_for_metric("scheduler", STORED, retries, 900)
    store_seconds = time.monotonic() - stored_at
    await _kill(cluster)  # all of them wait
    await asyncio.sleep(max(0.0, due_at - time.time()))
    meter = CpuMeter(cluster.get_pids(*ROLES))
    for number in range(1, KILLS + 1):
        await cluster.wait_for_requests(retries * number // (KILLS + 2), seconds=900)
        await _kill(cluster)
    sent, duplicates = await _wait_until_sent(cluster, retries)
    calls = cluster.fetch_request_counts()["requests"]
    return {
        "retries": retries,
        "lost": retries - sent,
        "sent_again": duplicates,
        "extra_calls": calls - retries,
        "dead_letters": await cluster.count_records(DEAD_LETTER_TOPIC),
        "kills": KILLS + 1,
        "store_per_s": round(retries / store_seconds),
        "send_per_s": round(retries / meter.wall_seconds),
    }


async def _kill(cluster: HeroldCluster) -> None:
    for role in ROLES:
        cluster.kill_process(role)
    await asyncio.gather(*(cluster.start_worker(role) for role in ROLES))


async def _wait_until_sent(cluster: HeroldCluster, count: int) -> tuple[int, int]:
    """How many deliveries are sent, and how many events say so beyond one for each, when all are sent or nothing comes for a minute."""
    counts: Counter[str] = Counter()
    last_at, before = time.monotonic(), -1
    async with topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        while len(counts) < count and time.monotonic() - last_at < 60:
            await asyncio.sleep(2)
            if (records := await cluster.count_records(STATUS_TOPIC)) != before:  # reading all of them takes long
                last_at, before = time.monotonic(), records
            if records >= count:
                events = [decode_event(record.value) async for record in reader.read_records([cluster.prefix + STATUS_TOPIC])]
                counts = Counter(event.delivery_id for event in events if event.status is Status.SENT)
    return len(counts), sum(counts.values()) - len(counts)


def _build_entries(cluster: HeroldCluster, count: int, due_at: float) -> Iterator[Scheduled]:
    """The entries as the worker writes them after a first attempt that failed."""
    target = f"{cluster.prefix}deliveries.email.medium"
    now = time.time()
    for number in range(count):
        address = f"n{number}@example.org"
        delivery = build_delivery("email", number, address=address, attempt=1, counted_attempts=1, created_at=now, expires_at=now + 14_400)
        at = due_at + number / DUE_RATE
        yield Scheduled(delivery.id, delivery.user_id, at, target, Raw(encode(delivery)), 1, expires_at=delivery.expires_at)


async def _produce(cluster: HeroldCluster, count: int, due_at: float) -> None:
    topic = f"{cluster.prefix}scheduled.medium"
    producer = AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka, compression_type="lz4", max_batch_size=262_144)
    async with producer:
        batches: dict[int, Any] = {}
        for entry in _build_entries(cluster, count, due_at):
            key, value, partition = entry.user_id.encode(), encode(entry), compute_partition(entry.user_id, PARTITIONS)
            batch = batches.get(partition)
            if batch is None or batch.append(timestamp=None, key=key, value=value) is None:
                if batch is not None:
                    await producer.send_batch(batch, topic, partition=partition)
                batch = batches[partition] = producer.create_batch()
                batch.append(timestamp=None, key=key, value=value)
        for partition, batch in batches.items():
            await producer.send_batch(batch, topic, partition=partition)
        await producer.flush()
