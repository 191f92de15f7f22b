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

from schemas.enums import Channel
from schemas.notification import Notification
from schemas.topics import LOG_APPEND_TIME
from tests import topic_reader
from tests.bench import load_generator as feed
from tests.bench.cpu_meter import CpuMeter, read_cpu_seconds
from tests.cluster import PARTITIONS, HeroldCluster, get_faust_path

ROOT = Path(__file__).parents[2]
WARM_UP = 3000
JIT_WARM_UP = 200_000  # before the pipeline is measured: so long the broker's compiler takes as much of the processor as the broker itself
SERVERS = ("kafka", "postgres", "valkey")
RATE = 200.0  # notifications a second of the latency and light load parts
SECONDS = 10.0
WARM_UP_SECONDS = 3.0  # seconds at that rate before it is measured: the first second after a start is slower


async def measure_router_and_recovery(stand: HeroldCluster, many: int) -> dict[str, Any]:
    """(a) CPU of the router alone, one batch of notifications waiting; (d) how fast a worker without rows rebuilds its tables."""
    topic = stand.prefix + "notifications.low"
    await stand.start_worker("router")
    await _warm_up_router(stand, topic)
    with stand.freeze("router"):
        await feed.fill_topic(stand.urls.kafka, topic, PARTITIONS, many, seed=1)
        spent = CpuMeter(stand.get_pids("router", "kafka"))
    await stand.wait_for_metric("router", "herold_router_records_total", WARM_UP + many)
    each, wall = spent.compute_us_per_item(many), spent.wall_seconds
    events = await stand.count_records("notifications.status")
    assert events == WARM_UP + many, f"{events} events of {WARM_UP + many} notifications"
    found = {"router_us": each["router"], "router_kafka_us": each["kafka"], "router_per_s": round(many / wall)}
    return {**found, **await _measure_recovery(stand)}


async def _warm_up_router(stand: HeroldCluster, topic: str) -> None:
    await feed.fill_topic(stand.urls.kafka, topic, PARTITIONS, WARM_UP, seed=99)
    await stand.wait_for_metric("router", "herold_router_records_total", WARM_UP)


async def _measure_recovery(stand: HeroldCluster) -> dict[str, Any]:
    """CPU of a start with an empty data directory, less that of a start with a full one, per changelog record."""
    await stand.stop_process("router")
    records = await stand.count_records("router-idempotency-changelog") + await stand.count_records("router-rate_windows-changelog")
    full = await _measure_start_cpu(stand)
    shutil.rmtree(stand.data_dir / "router-router")
    empty = await _measure_start_cpu(stand)
    return {"recovery_records": records, "recovery_cpu_s": round(empty - full, 2), "recovery_per_s": round(records / (empty - full))}


async def _measure_start_cpu(stand: HeroldCluster) -> float:
    await stand.start_worker("router")
    seconds = read_cpu_seconds(stand.processes["router"].pid)
    await stand.stop_process("router")
    return seconds


async def measure_stock_router(stand: HeroldCluster, many: int) -> dict[str, Any]:
    """(a) The same decisions on stock Faust agents and tables, on a tenth of the notifications."""
    fewer, topic = many // 10, stand.prefix + "notifications.low"
    _start_stock_router(stand)
    await feed.fill_topic(stand.urls.kafka, topic, PARTITIONS, 1000, seed=99)
    await _wait_for_events(stand, 1000)
    with stand.freeze("stock"):
        await feed.fill_topic(stand.urls.kafka, topic, PARTITIONS, fewer, seed=1)
        spent = CpuMeter(stand.get_pids("stock"))
    await _wait_for_events(stand, 1000 + fewer)
    return {"stock_us": spent.compute_us_per_item(fewer)["stock"], "stock_per_s": round(fewer / spent.wall_seconds)}


def _start_stock_router(stand: HeroldCluster) -> None:
    argv = (get_faust_path(), "--quiet", "-A", "tests.bench.stock_router", "worker", "-l", "warn", "--without-web")
    stand.start_process("stock", argv, PYTHONPATH=str(ROOT))


async def _wait_for_events(stand: HeroldCluster, events: int) -> None:
    async with asyncio.timeout(300):
        while await stand.count_records("notifications.status") < events:
            await asyncio.sleep(0.2)


async def start_pipeline(stand: HeroldCluster) -> None:
    """The simulators, the recorder, one e-mail worker, the router; warm."""
    await stand.start_simulators()
    await asyncio.gather(*(stand.start_worker(role) for role in ("recorder", "email", "router")))
    for priority in ("low", "high"):
        await feed.fill_topic(stand.urls.kafka, f"{stand.prefix}notifications.{priority}", PARTITIONS, WARM_UP, seed=98)
    await stand.wait_for_metric("recorder", 'herold_recorder_rows_total{table="delivery_logs"}', 2 * WARM_UP)


async def measure_pipeline(stand: HeroldCluster, many: int) -> dict[str, Any]:
    """(b) The whole way of one e-mail each, all notifications waiting on the low priority."""
    await start_pipeline(stand)
    topic, all_of_them = stand.prefix + "notifications.low", 2 * WARM_UP + JIT_WARM_UP + many
    await feed.fill_topic(stand.urls.kafka, topic, PARTITIONS, JIT_WARM_UP, seed=97)
    await stand.wait_for_metric("recorder", 'herold_recorder_rows_total{table="delivery_logs"}', all_of_them - many)
    with stand.freeze("router"):
        await feed.fill_topic(stand.urls.kafka, topic, PARTITIONS, many, seed=2)
        spent = CpuMeter(stand.get_pids("router", "email", "recorder", "simulators", *SERVERS))
    await stand.wait_for_metric("recorder", 'herold_recorder_rows_total{table="delivery_logs"}', all_of_them)
    each, wall = spent.compute_us_per_item(many), spent.wall_seconds
    ledger = stand.fetch_request_counts()
    sent = await stand.fetch_value("select count(*) from deliveries where status = 'SENT'")
    counts = {"lost": all_of_them - sent, "doubled": ledger["duplicates"], "asked": ledger["requests"]}
    memory = {role: _read_resident_mb(stand.processes[role].pid) for role in ("router", "email", "recorder", "simulators")}
    return {"pipeline_us": each, "pipeline_per_s": round(many / wall), "pipeline_counts": counts, "resident_mb": memory}


def _read_resident_mb(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4 // 1024


async def measure_latency(stand: HeroldCluster, many: int) -> dict[str, Any]:
    """(c) From submission to the simulator on the high priority, 200 a second: idle, and while a backlog on low is worked off."""
    await _set_log_append_time(stand)
    await start_pipeline(stand)
    await feed.produce_at_rate(stand.urls.kafka, stand.prefix + "notifications.high", PARTITIONS, RATE, WARM_UP_SECONDS, seed=96)
    idle = await _measure_latencies(stand)
    before = stand.read_metric("router", "herold_router_records_total")
    with stand.freeze("router"):
        await feed.fill_topic(stand.urls.kafka, stand.prefix + "notifications.low", PARTITIONS, many, seed=3)
    busy = await _measure_latencies(stand)
    left = before + many + RATE * SECONDS - stand.read_metric("router", "herold_router_records_total")
    found = {"high_idle_ms": idle.pop("whole"), "high_backlog_ms": busy.pop("whole")}
    return {**found, "stages_idle_ms": idle, "stages_backlog_ms": busy, "backlog_left": max(0, round(left))}


async def _set_log_append_time(stand: HeroldCluster) -> None:
    """Let the broker note when it has a delivery: else its time is when the router decided it, before the router's own round trips."""
    topic = ConfigResource(ConfigResourceType.TOPIC, stand.prefix + "deliveries.email.high", configs=LOG_APPEND_TIME)
    admin = AIOKafkaAdminClient(bootstrap_servers=stand.urls.kafka)
    await admin.start()
    try:
        await admin.alter_configs([topic])
    finally:
        await admin.close()


async def _measure_latencies(stand: HeroldCluster) -> dict[str, dict[str, int]]:
    """Of the whole way, and of its stages: into Kafka, through the router, to the simulator."""
    topic, after = stand.prefix + "notifications.high", stand.fetch_request_counts()["seq"]
    wanted = set(await feed.produce_at_rate(stand.urls.kafka, topic, PARTITIONS, RATE, SECONDS, seed=after))
    arrived: dict[str, float] = {}
    async with asyncio.timeout(60):
        while len(arrived) < len(wanted):
            await asyncio.sleep(0.5)
            arrived.update(await asyncio.to_thread(_find_arrivals, stand, after, wanted))
    stored, routed = await _read_record_timestamps(stand, wanted)
    return {
        "whole": _compute_percentiles(arrived[one] - _parse_created_ms(one) for one in wanted),
        "submit": _compute_percentiles(stored[one] - _parse_created_ms(one) for one in wanted),
        "route": _compute_percentiles(routed[one] - stored[one] for one in wanted),
        "deliver": _compute_percentiles(arrived[one] - routed[one] for one in wanted),
    }


def _compute_percentiles(milliseconds: Iterable[float]) -> dict[str, int]:
    values = sorted(milliseconds)
    cuts = quantiles(values, n=100)
    return {"p50": round(cuts[49]), "p99": round(cuts[98]), "max": round(values[-1])}


def _parse_created_ms(delivery: str) -> int:
    """Milliseconds of the time in the id, that of its notification."""
    return int(delivery[4:16], 16)


async def _read_record_timestamps(stand: HeroldCluster, wanted: set[str]) -> tuple[dict[str, int], dict[str, int]]:
    """When the broker had the notification of each delivery, and the delivery: its own times in milliseconds."""
    notifications, deliveries = stand.prefix + "notifications.high", stand.prefix + "deliveries.email.high"
    stored, routed = {}, {}
    async with topic_reader.open_topic_reader(stand.urls.kafka) as log:
        async for record in log.read_records([notifications]):
            one = feed.get_delivery_id(msgspec.json.decode(record.value, type=Notification))
            stored[one] = record.timestamp
        async for record in log.read_records([deliveries]):
            routed[msgspec.json.decode(record.value, type=DeliveryId).id] = record.timestamp
    return stored, routed


class DeliveryId(msgspec.Struct):
    """Of a delivery, what we ask for."""

    id: str


def _find_arrivals(stand: HeroldCluster, after: int, wanted: set[str]) -> dict[str, float]:
    """When the first request of each wanted delivery reached the simulator, in milliseconds."""
    found: dict[str, float] = {}
    for entry in stand.fetch_request_log(after):
        if entry["delivery_id"] in wanted and entry["delivery_id"] not in found:
            found[entry["delivery_id"]] = entry["at"] * 1000
    return found


async def measure_cores(stand: HeroldCluster, many: int) -> dict[str, Any]:
    """(e) CPU of each role as a share of a core: at rest, and with 200 a second to do: e-mails over Kafka, then each role that has none."""
    await start_pipeline(stand)
    others: tuple[Channel, ...] = ("sms", "push", "webhook")
    await asyncio.gather(stand.start_gateway(), *(stand.start_worker(role) for role in others))
    high, hooks, kafka = f"{stand.prefix}notifications.high", stand.build_url("simulators", "/hooks"), stand.urls.kafka
    await asyncio.sleep(2)
    at_rest = CpuMeter(stand.get_pids("router", "email", *others, "recorder", "gateway", "simulators", *SERVERS))
    await asyncio.sleep(SECONDS)
    resting = at_rest.compute_cores()
    light = CpuMeter(stand.get_pids("router", "email", "recorder", "simulators", *SERVERS))
    await feed.produce_at_rate(kafka, high, PARTITIONS, RATE, SECONDS, seed=5)
    working = light.compute_cores()
    for channel in others:
        await feed.produce_at_rate(kafka, high, PARTITIONS, RATE, WARM_UP_SECONDS, seed=6, channel=channel, webhook_url=hooks)
        light = CpuMeter(stand.get_pids(channel))
        await feed.produce_at_rate(kafka, high, PARTITIONS, RATE, SECONDS / 2, seed=7, channel=channel, webhook_url=hooks)
        working |= light.compute_cores()
    light = CpuMeter(stand.get_pids("gateway"))
    await feed.post_at_rate(stand.build_url("gateway", ""), stand.state.get_secret("api_key"), RATE, SECONDS / 2, seed=8)
    return {"cores_at_rest": resting, "cores_at_200_per_s": working | light.compute_cores()}
