"""The parts of the bench, each on a stand of its own: what is done, and the figures it gives."""

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path
from statistics import quantiles
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.notification import Notification
from schemas.topics import BROKER_TIME
from schemas.words import Channel
from tests import kafka_log
from tests.bench import load as feed
from tests.bench.meter import Spent, cpu
from tests.stand import PARTITIONS, Stand, faust

ROOT = Path(__file__).parents[2]
WARM_UP = 3000
HOT = 200_000  # before the pipeline is measured: so long the broker's compiler takes as much of the processor as the broker itself
EVERY = ("kafka", "postgres", "valkey")
RATE = 200.0  # notifications a second of the latency and light load parts
SECONDS = 10.0
SETTLE = 3.0  # seconds at that rate before it is measured: the first second after a start is slower


async def router_and_recovery(stand: Stand, many: int) -> dict[str, Any]:
    """(a) CPU of the router alone, one batch of notifications waiting; (d) how fast a worker without rows rebuilds its tables."""
    topic = stand.prefix + "notifications.low"
    await stand.worker("router")
    await _warm(stand, topic)
    with stand.frozen("router"):
        await feed.fill(stand.urls.kafka, topic, PARTITIONS, many, seed=1)
        spent = Spent(stand.pids("router", "kafka"))
    await stand.until_metric("router", "herold_router_records_total", WARM_UP + many)
    each, wall = spent.per(many), spent.wall
    events = await stand.written("notifications.status")
    assert events == WARM_UP + many, f"{events} events of {WARM_UP + many} notifications"
    found = {"router_us": each["router"], "router_kafka_us": each["kafka"], "router_per_s": round(many / wall)}
    return {**found, **await _recovery(stand)}


async def _warm(stand: Stand, topic: str) -> None:
    await feed.fill(stand.urls.kafka, topic, PARTITIONS, WARM_UP, seed=99)
    await stand.until_metric("router", "herold_router_records_total", WARM_UP)


async def _recovery(stand: Stand) -> dict[str, Any]:
    """CPU of a start with an empty data directory, less that of a start with a full one, per changelog record."""
    await stand.stop("router")
    records = await stand.written("router-idempotency-changelog") + await stand.written("router-rate_windows-changelog")
    full = await _start_cpu(stand)
    shutil.rmtree(stand.data / "router-router")
    empty = await _start_cpu(stand)
    return {"recovery_records": records, "recovery_cpu_s": round(empty - full, 2), "recovery_per_s": round(records / (empty - full))}


async def _start_cpu(stand: Stand) -> float:
    await stand.worker("router")
    seconds = cpu(stand.running["router"].pid)
    await stand.stop("router")
    return seconds


async def stock(stand: Stand, many: int) -> dict[str, Any]:
    """(a) The same decisions on stock Faust agents and tables, on a tenth of the notifications."""
    fewer, topic = many // 10, stand.prefix + "notifications.low"
    _start_stock(stand)
    await feed.fill(stand.urls.kafka, topic, PARTITIONS, 1000, seed=99)
    await _until_written(stand, 1000)
    with stand.frozen("stock"):
        await feed.fill(stand.urls.kafka, topic, PARTITIONS, fewer, seed=1)
        spent = Spent(stand.pids("stock"))
    await _until_written(stand, 1000 + fewer)
    return {"stock_us": spent.per(fewer)["stock"], "stock_per_s": round(fewer / spent.wall)}


def _start_stock(stand: Stand) -> None:
    argv = (faust(), "--quiet", "-A", "tests.bench.stock_router", "worker", "-l", "warn", "--without-web")
    stand.start("stock", argv, PYTHONPATH=str(ROOT))


async def _until_written(stand: Stand, events: int) -> None:
    async with asyncio.timeout(300):
        while await stand.written("notifications.status") < events:
            await asyncio.sleep(0.2)


async def start_all(stand: Stand) -> None:
    """The twins, the recorder, one e-mail worker, the router; warm."""
    await stand.twins()
    await asyncio.gather(*(stand.worker(role) for role in ("recorder", "email", "router")))
    for lane in ("low", "high"):
        await feed.fill(stand.urls.kafka, f"{stand.prefix}notifications.{lane}", PARTITIONS, WARM_UP, seed=98)
    await stand.until_metric("recorder", 'herold_recorded_total{kind="attempts"}', 2 * WARM_UP)


async def pipeline(stand: Stand, many: int) -> dict[str, Any]:
    """(b) The whole way of one e-mail each, all notifications waiting on the low lane."""
    await start_all(stand)
    topic, all_of_them = stand.prefix + "notifications.low", 2 * WARM_UP + HOT + many
    await feed.fill(stand.urls.kafka, topic, PARTITIONS, HOT, seed=97)
    await stand.until_metric("recorder", 'herold_recorded_total{kind="attempts"}', all_of_them - many)
    with stand.frozen("router"):
        await feed.fill(stand.urls.kafka, topic, PARTITIONS, many, seed=2)
        spent = Spent(stand.pids("router", "email", "recorder", "twins", *EVERY))
    await stand.until_metric("recorder", 'herold_recorded_total{kind="attempts"}', all_of_them)
    each, wall = spent.per(many), spent.wall
    ledger = stand.ledger()
    sent = await stand.fetch("select count(*) from deliveries where status = 'SENT'")
    counts = {"lost": all_of_them - sent, "doubled": ledger["duplicates"], "asked": ledger["requests"]}
    memory = {role: _resident(stand.running[role].pid) for role in ("router", "email", "recorder", "twins")}
    return {"pipeline_us": each, "pipeline_per_s": round(many / wall), "pipeline_counts": counts, "resident_mb": memory}


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4 // 1024


async def latency(stand: Stand, many: int) -> dict[str, Any]:
    """(c) From submission to the twin on the high lane, 200 a second: idle, and while a backlog on low is worked off."""
    await _append_time(stand)
    await start_all(stand)
    await feed.pace(stand.urls.kafka, stand.prefix + "notifications.high", PARTITIONS, RATE, SETTLE, seed=96)
    idle = await _latencies(stand)
    before = stand.metric("router", "herold_router_records_total")
    with stand.frozen("router"):
        await feed.fill(stand.urls.kafka, stand.prefix + "notifications.low", PARTITIONS, many, seed=3)
    busy = await _latencies(stand)
    left = before + many + RATE * SECONDS - stand.metric("router", "herold_router_records_total")
    found = {"high_idle_ms": idle.pop("whole"), "high_backlog_ms": busy.pop("whole")}
    return {**found, "stages_idle_ms": idle, "stages_backlog_ms": busy, "backlog_left": max(0, round(left))}


async def _append_time(stand: Stand) -> None:
    """Let the broker note when it has a delivery: else its time is when the router decided it, before the router's own round trips."""
    topic = ConfigResource(ConfigResourceType.TOPIC, stand.prefix + "deliveries.email.high", configs=BROKER_TIME)
    admin = AIOKafkaAdminClient(bootstrap_servers=stand.urls.kafka)
    await admin.start()
    try:
        await admin.alter_configs([topic])
    finally:
        await admin.close()


async def _latencies(stand: Stand) -> dict[str, dict[str, int]]:
    """Of the whole way, and of its stages: into Kafka, through the router, to the twin."""
    topic, after = stand.prefix + "notifications.high", stand.ledger()["seq"]
    wanted = set(await feed.pace(stand.urls.kafka, topic, PARTITIONS, RATE, SECONDS, seed=after))
    arrived: dict[str, float] = {}
    async with asyncio.timeout(60):
        while len(arrived) < len(wanted):
            await asyncio.sleep(0.5)
            arrived.update(await asyncio.to_thread(_arrivals, stand, after, wanted))
    stored, routed = await _stored(stand, wanted)
    return {
        "whole": _spread(arrived[one] - _made(one) for one in wanted),
        "submit": _spread(stored[one] - _made(one) for one in wanted),
        "route": _spread(routed[one] - stored[one] for one in wanted),
        "deliver": _spread(arrived[one] - routed[one] for one in wanted),
    }


def _spread(milliseconds: Iterable[float]) -> dict[str, int]:
    values = sorted(milliseconds)
    cuts = quantiles(values, n=100)
    return {"p50": round(cuts[49]), "p99": round(cuts[98]), "max": round(values[-1])}


def _made(delivery: str) -> int:
    """Milliseconds of the time in the id, that of its notification."""
    return int(delivery[4:16], 16)


async def _stored(stand: Stand, wanted: set[str]) -> tuple[dict[str, int], dict[str, int]]:
    """When the broker had the notification of each delivery, and the delivery: its own times in milliseconds."""
    notifications, deliveries = stand.prefix + "notifications.high", stand.prefix + "deliveries.email.high"
    stored, routed = {}, {}
    async with kafka_log.reader(stand.urls.kafka) as log:
        async for record in log.records([notifications]):
            one = feed.delivery_of(msgspec.json.decode(record.value, type=Notification))
            stored[one] = record.timestamp
        async for record in log.records([deliveries]):
            routed[msgspec.json.decode(record.value, type=Delivered).id] = record.timestamp
    return stored, routed


class Delivered(msgspec.Struct):
    """Of a delivery, what we ask for."""

    id: str


def _arrivals(stand: Stand, after: int, wanted: set[str]) -> dict[str, float]:
    """When the first request of each wanted delivery reached the twin, in milliseconds."""
    found: dict[str, float] = {}
    for entry in stand.entries(after):
        if entry["delivery"] in wanted and entry["delivery"] not in found:
            found[entry["delivery"]] = entry["at"] * 1000
    return found


async def load(stand: Stand, many: int) -> dict[str, Any]:
    """(e) CPU of each role as a share of a core: at rest, and with 200 a second to do: e-mails over Kafka, then each role that has none."""
    await start_all(stand)
    others: tuple[Channel, ...] = ("sms", "push", "webhook")
    await asyncio.gather(stand.gateway(), *(stand.worker(role) for role in others))
    high, hooks, kafka = f"{stand.prefix}notifications.high", stand.url("twins", "/hooks"), stand.urls.kafka
    await asyncio.sleep(2)
    at_rest = Spent(stand.pids("router", "email", *others, "recorder", "gateway", "twins", *EVERY))
    await asyncio.sleep(SECONDS)
    resting = at_rest.cores()
    light = Spent(stand.pids("router", "email", "recorder", "twins", *EVERY))
    await feed.pace(kafka, high, PARTITIONS, RATE, SECONDS, seed=5)
    working = light.cores()
    for channel in others:
        await feed.pace(kafka, high, PARTITIONS, RATE, SETTLE, seed=6, channel=channel, hooks=hooks)
        light = Spent(stand.pids(channel))
        await feed.pace(kafka, high, PARTITIONS, RATE, SECONDS / 2, seed=7, channel=channel, hooks=hooks)
        working |= light.cores()
    light = Spent(stand.pids("gateway"))
    await feed.post(stand.url("gateway", ""), stand.state.secret("api_key"), RATE, SECONDS / 2, seed=8)
    return {"cores_at_rest": resting, "cores_at_200_per_s": working | light.cores()}
