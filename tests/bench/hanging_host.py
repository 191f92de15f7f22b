"""The scenario `hanging`: how much later the other hosts' webhooks end when one of a hundred hosts never answers."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from schemas.delivery import Delivery
from schemas.ids import compute_partition
from schemas.topics import STATUS_TOPIC, get_deliveries_topic
from tests.bench import load_generator
from tests.cluster import PARTITIONS, HeroldCluster
from tests.delivery_builders import build_delivery

DELIVERIES = 10_000 * PARTITIONS
HOSTS = 100
WARM_UP = 4000
ROUNDS = 3  # pairs of a round without and one with the hanging host; the median counts

encode = msgspec.json.Encoder().encode


async def measure_hanging_host(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """Measure the time until all deliveries to hosts that answer have a status, without and with a host that hangs; without `count`."""
    cluster.env.update(HEROLD_DELIVERY_REQUEST_TIMEOUT="600")
    await asyncio.gather(cluster.start_simulators(), cluster.start_simulators("hanging"))
    await _measure_round(cluster, 0, WARM_UP, hangs=False)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for number in range(2 * ROUNDS):
        hangs = bool(number % 2)
        seconds[hangs].append(await _measure_round(cluster, number + 1, DELIVERIES, hangs=hangs))
    without, with_hanging = sorted(seconds[False])[ROUNDS // 2], sorted(seconds[True])[ROUNDS // 2]
    return {
        "hanging_s": {"without": round(without, 2), "with": round(with_hanging, 2)},
        "hanging_ratio": round(with_hanging / without, 2),
        "hanging_calls": cluster.fetch_request_counts("hanging")["requests"],
    }


async def _measure_round(cluster: HeroldCluster, round_number: int, count: int, *, hangs: bool) -> float:
    """The seconds from the start of the backlog until the others have ended. Each round has a new worker: calls that hang stay open."""
    await cluster.start_worker("webhook")
    before = await cluster.count_records(STATUS_TOPIC)
    with cluster.freeze("webhook"):
        await _produce(cluster, _build_deliveries(cluster, round_number, count, hangs=hangs))
        started_at = time.monotonic()
    expected = before + count - (count // HOSTS if hangs else 0)
    async with asyncio.timeout(300):
        while await cluster.count_records(STATUS_TOPIC) < expected:
            await asyncio.sleep(0.02)
    seconds = time.monotonic() - started_at
    cluster.kill_process("webhook")  # an orderly stop would wait for the calls that hang
    await _finish(cluster, count, hangs=hangs)
    return seconds


async def _finish(cluster: HeroldCluster, count: int, *, hangs: bool) -> None:
    """Let what hung end, so that the next round begins with an empty topic."""
    if hangs:
        cluster.kill_process("hanging")
        cluster.env.update(HEROLD_RETRIES_WEBHOOK_DELAYS="")
        before = await cluster.count_records(STATUS_TOPIC)
        await cluster.start_worker("webhook")
        async with asyncio.timeout(300):
            while await cluster.count_records(STATUS_TOPIC) < before + count // HOSTS:
                await asyncio.sleep(0.1)
        await cluster.stop_process("webhook")
        del cluster.env["HEROLD_RETRIES_WEBHOOK_DELAYS"]
        await cluster.start_simulators("hanging")


def _build_deliveries(cluster: HeroldCluster, round_number: int, count: int, *, hangs: bool) -> Iterable[Delivery]:
    now, first = time.time(), round_number * DELIVERIES
    for number in range(first, first + count):
        host, word = ("hanging", "hang") if hangs and number % HOSTS == 0 else ("simulators", "shop")
        address = cluster.build_url(host, f"/hooks/{word}/{number}")
        yield build_delivery("webhook", number, address=address, created_at=now, expires_at=now + 3600)


async def _produce(cluster: HeroldCluster, deliveries: Iterable[Delivery]) -> None:
    producer: AIOKafkaProducer = load_generator.build_producer(cluster.urls.kafka)
    topic = cluster.prefix + get_deliveries_topic("webhook", "low")
    await producer.start()
    try:
        acknowledgements = [
            await producer.send(
                topic, encode(delivery), key=delivery.user_id.encode(), partition=compute_partition(delivery.user_id, PARTITIONS)
            )
            for delivery in deliveries
        ]
        await asyncio.gather(*acknowledgements)
    finally:
        await producer.stop()
