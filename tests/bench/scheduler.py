"""The scenario `scheduler`: a million entries, 10,000 due per second of them, kill -9 in between; then 1,000 due per second.

Each entry is counted by the broker's time of its release: lost, early, doubled, and how late.
"""

import asyncio
import math
import time
from collections.abc import Iterator
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from msgspec import Raw, Struct

from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.scheduled import Scheduled
from tests import topic_reader
from tests.bench.cpu_meter import CpuMeter, read_resident_mb
from tests.bench.percentiles import compute_percentiles
from tests.cluster import PARTITIONS, HeroldCluster

ENTRIES = 1_000_000
RATES = {"scheduler_10000": 10_000, "scheduler_1000": 1000}  # due per second
SECONDS = 20  # of each rate
KILL_AFTER = 10  # seconds of the higher rate; until then its CPU is measured
START_SECONDS = 10.0  # and so many more for PRODUCE_RATE entries, from the first record produced until the first entry of a rate is due
PRODUCE_RATE = 5000  # per second
USERS = 10_000
STORED = "herold_scheduler_records_total"
DATA = {"name": "Ada", "order": 17, "eta": "Friday", "items": ["lamp", "chair", "book"]}


class Numbered(Struct):
    """The number of an entry, in its payload."""

    n: int


async def measure_scheduler(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """Measure the memory with a million entries, then both rates; `count` is not used."""
    cluster.env["HEROLD_KAFKA_SESSION_TIMEOUT"] = "6"
    await cluster.start_worker("scheduler")
    runs = SchedulerRuns(cluster)
    figures: dict[str, Any] = {"scheduler_store": await runs.fill(ENTRIES)}
    for name, rate in RATES.items():
        figures[name] = await runs.measure_rate(rate, kill=name == "scheduler_10000")
    return figures


class SchedulerRuns:
    """Produces entries and follows what becomes of them."""

    def __init__(self, cluster: HeroldCluster) -> None:
        self._cluster, self._produced = cluster, 0

    async def fill(self, count: int) -> dict[str, Any]:
        """Store entries that are due in a day; they stay."""
        meter = CpuMeter(self._cluster.get_pids("scheduler"))
        due_at = time.time() + 86_400
        await self._store(count, (due_at + number / 1000 for number in range(count)))
        us = meter.compute_us_per_item(count)["scheduler"]
        return {"entries": count, "us": us, "per_s": round(count / meter.wall_seconds), "resident_mb": self.read_resident_mb()}

    async def measure_rate(self, rate: int, *, kill: bool) -> dict[str, Any]:
        """Measure entries that become due at this rate, beside the million that is not due."""
        count, first, released_before = rate * SECONDS, self._produced, await self._cluster.count_records("notifications.medium")
        start = time.time() + count / PRODUCE_RATE + START_SECONDS
        await self._store(count, (start + number / rate for number in range(count)))
        if time.time() > start:
            raise RuntimeError(f"the entries are stored {time.time() - start:.1f} s after the first was due: this machine is too busy")
        await asyncio.sleep(max(0.0, start - time.time()))
        meter = CpuMeter(self._cluster.get_pids("scheduler"))
        await asyncio.sleep(max(0.0, start + KILL_AFTER - time.time()))
        released = await self._cluster.count_records("notifications.medium") - released_before
        us = meter.compute_us_per_item(released)["scheduler"]
        downtime = await self._kill_and_restart() if kill else 0.0
        async with asyncio.timeout(300):
            while await self._cluster.count_records("notifications.medium") < released_before + count:
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        return {**await self._check(first, count, start, rate, downtime), "us": us, "resident_mb": self.read_resident_mb()}

    async def _kill_and_restart(self) -> float:
        """Kill the scheduler in the middle; returns the seconds until another one is ready."""
        killed_at = time.monotonic()
        self._cluster.kill_process("scheduler")
        await self._cluster.start_worker("scheduler")
        return time.monotonic() - killed_at

    async def _check(self, first: int, count: int, start: float, rate: int, downtime: float) -> dict[str, Any]:
        released: dict[int, int] = {}
        doubled = 0
        async with topic_reader.open_topic_reader(self._cluster.urls.kafka) as reader:
            async for record in reader.read_records([f"{self._cluster.prefix}notifications.medium"]):
                number = msgspec.json.decode(record.value, type=Numbered).n - first
                if 0 <= number < count:
                    doubled += number in released
                    released.setdefault(number, record.timestamp)
        late = {number: at - math.ceil((start + number / rate) * 1000) for number, at in released.items()}
        # what was due while no scheduler ran is late by that; what was due before is not
        undisturbed = [ms for number, ms in late.items() if not downtime or number / rate < KILL_AFTER - 0.5]
        counts = {"lost": count - len(released), "early": sum(ms < 0 for ms in late.values()), "doubled": doubled}
        figures = {**counts, "late_ms": {**compute_percentiles(sorted(undisturbed), (50, 99)), "max": max(undisturbed)}}
        return {**figures, "restart_s": round(downtime, 1), "late_after_kill_ms": max(late.values())} if downtime else figures

    async def _store(self, count: int, due_times: Iterator[float]) -> None:
        """Produce entries, and wait until they are stored."""
        stored = self._cluster.read_metric("scheduler", STORED)
        await self._produce(due_times)
        await self._cluster.wait_for_metric("scheduler", STORED, stored + count, 600)

    async def _produce(self, due_times: Iterator[float]) -> None:
        topic, target = f"{self._cluster.prefix}scheduled.medium", f"{self._cluster.prefix}notifications.medium"
        producer = AIOKafkaProducer(bootstrap_servers=self._cluster.urls.kafka, compression_type="lz4", max_batch_size=262_144)
        async with producer:
            batches: dict[int, Any] = {}
            for due_at in due_times:
                user = f"u-{self._produced % USERS}"
                scheduled = build_scheduled(self._produced, user, due_at, target)
                self._produced += 1
                partition, value = compute_partition(user, PARTITIONS), msgspec.json.encode(scheduled)
                batch = batches.get(partition)
                if batch is None or batch.append(timestamp=None, key=user.encode(), value=value) is None:
                    if batch is not None:
                        await producer.send_batch(batch, topic, partition=partition)
                    batch = batches[partition] = producer.create_batch()
                    batch.append(timestamp=None, key=user.encode(), value=value)
            for partition, batch in batches.items():
                await producer.send_batch(batch, topic, partition=partition)
            await producer.flush()

    def read_resident_mb(self) -> int:
        return read_resident_mb(self._cluster.processes["scheduler"].pid)


def build_scheduled(number: int, user: str, due_at: float, target: str) -> Scheduled:
    """An entry with a payload like that of the other scenarios."""
    notification_id = make_id(NOTIFICATION_PREFIX, due_at - 3600, number)
    payload = msgspec.json.encode({"n": number, "id": notification_id, "user_id": user, "type": "order.shipped", "data": DATA})
    return Scheduled(notification_id, user, due_at, target, Raw(payload), 1, "schedule", int(due_at * 1000), "transactional")
