"""The scenarios of the benchmark; each runs on a cluster of its own and returns its figures."""

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.channels import ChannelName
from schemas.notification import Notification
from schemas.topics import LOG_APPEND_TIME
from tests import topic_reader
from tests.bench import load_generator
from tests.bench.cpu_meter import CpuMeter, read_cpu_seconds, read_resident_mb
from tests.bench.percentiles import compute_percentiles
from tests.cluster import PARTITIONS, HeroldCluster, get_faust_path

ROOT = Path(__file__).parents[2]
WARM_UP = 3000  # notifications
JIT_WARM_UP = 200_000  # notifications before the pipeline is measured: until then the broker's JIT compiler uses as much CPU as the broker
SERVERS = ("kafka", "postgres", "valkey")
RATE = 200.0  # notifications per second of the scenarios latency and load
SECONDS = 10.0
WARM_UP_SECONDS = 3.0  # at that rate before the measurement: the first second after a start is slower
INSERT_USERS = """
    insert into users (id, addresses, locale, time_zone, quiet_hours)
    select 'user-' || number, jsonb_build_object('email', jsonb_build_array('user-' || number || '@example.org')), 'en', 'Europe/Vienna',
        jsonb_build_object('start', to_char((now() at time zone 'Europe/Vienna') + interval '8 hours', 'HH24:MI'),
            'end', to_char((now() at time zone 'Europe/Vienna') + interval '16 hours', 'HH24:MI'))
    from generate_series(0, $1 - 1) number
"""  # nobody has quiet hours now
RECORDED_ATTEMPTS = 'herold_recorder_rows_total{table="delivery_logs"}'


async def measure_router_and_recovery(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """(a) Measure the CPU of the router on a backlog; (d) measure how fast a worker without local tables recovers them."""
    topic = cluster.prefix + "notifications.low"
    await cluster.start_worker("router")
    await _warm_up_router(cluster, topic)
    with cluster.freeze("router"):
        await load_generator.fill_topic(cluster.urls.kafka, topic, PARTITIONS, count, seed=1)
        meter = CpuMeter(cluster.get_pids("router", "kafka"))
    await cluster.wait_for_metric("router", "herold_router_records_total", WARM_UP + count)
    us, wall_seconds = meter.compute_us_per_item(count), meter.wall_seconds
    events = await cluster.count_records("notifications.status")
    assert events == WARM_UP + count, f"{events} events of {WARM_UP + count} notifications"
    figures = {"router_us": us["router"], "router_kafka_us": us["kafka"], "router_per_s": round(count / wall_seconds)}
    return {**figures, **await _measure_recovery(cluster)}


async def _warm_up_router(cluster: HeroldCluster, topic: str) -> None:
    await load_generator.fill_topic(cluster.urls.kafka, topic, PARTITIONS, WARM_UP, seed=99)
    await cluster.wait_for_metric("router", "herold_router_records_total", WARM_UP)


async def measure_router_with_look_ups(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """(f) Measure the CPU of the router on a backlog whose addresses, consent and quiet hours come from profiles."""
    topic = cluster.prefix + "notifications.low"
    await cluster.execute(INSERT_USERS, load_generator.USERS)
    await cluster.start_worker("router")
    await _warm_up_router(cluster, topic)
    with cluster.freeze("router"):
        build = load_generator.build_look_up_notification
        await load_generator.fill_topic(cluster.urls.kafka, topic, PARTITIONS, count, seed=1, build=build)
        meter = CpuMeter(cluster.get_pids("router", *SERVERS))
    await cluster.wait_for_metric("router", "herold_router_records_total", WARM_UP + count)
    us, wall_seconds = meter.compute_us_per_item(count), meter.wall_seconds
    deliveries = await cluster.count_records("deliveries.email.low")
    assert deliveries == WARM_UP + count, f"{deliveries} deliveries of {WARM_UP + count} notifications"
    return {"look_up_us": us, "look_up_per_s": round(count / wall_seconds)}


async def _measure_recovery(cluster: HeroldCluster) -> dict[str, Any]:
    """Measure the CPU of a start with an empty data directory minus that of a start with a full one, per changelog record."""
    await cluster.stop_process("router")
    records = await cluster.count_records("router-idempotency-changelog") + await cluster.count_records("router-rate_windows-changelog")
    full = await _measure_start_cpu(cluster)
    shutil.rmtree(cluster.data_dir / "router-router")
    empty = await _measure_start_cpu(cluster)
    return {"recovery_records": records, "recovery_cpu_s": round(empty - full, 2), "recovery_per_s": round(records / (empty - full))}


async def _measure_start_cpu(cluster: HeroldCluster) -> float:
    await cluster.start_worker("router")
    seconds = read_cpu_seconds(cluster.processes["router"].pid)
    await cluster.stop_process("router")
    return seconds


async def measure_stock_router(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """(a) Measure the same decisions on stock Faust agents and tables, with a tenth of the notifications."""
    stock_count, topic = count // 10, cluster.prefix + "notifications.low"
    _start_stock_router(cluster)
    await load_generator.fill_topic(cluster.urls.kafka, topic, PARTITIONS, 1000, seed=99)
    await _wait_for_events(cluster, 1000)
    with cluster.freeze("stock"):
        await load_generator.fill_topic(cluster.urls.kafka, topic, PARTITIONS, stock_count, seed=1)
        meter = CpuMeter(cluster.get_pids("stock"))
    await _wait_for_events(cluster, 1000 + stock_count)
    return {"stock_us": meter.compute_us_per_item(stock_count)["stock"], "stock_per_s": round(stock_count / meter.wall_seconds)}


def _start_stock_router(cluster: HeroldCluster) -> None:
    argv = (get_faust_path(), "--quiet", "-A", "tests.bench.stock_router", "worker", "-l", "warn", "--without-web")
    cluster.start_process("stock", argv, PYTHONPATH=str(ROOT))


async def _wait_for_events(cluster: HeroldCluster, events: int) -> None:
    async with asyncio.timeout(300):
        while await cluster.count_records("notifications.status") < events:
            await asyncio.sleep(0.2)


async def start_pipeline(cluster: HeroldCluster) -> None:
    """Start the simulators, the recorder, one e-mail worker and the router, and warm them up."""
    await cluster.start_simulators()
    await asyncio.gather(*(cluster.start_worker(role) for role in ("recorder", "email", "router")))
    for priority in ("low", "high"):
        await load_generator.fill_topic(cluster.urls.kafka, f"{cluster.prefix}notifications.{priority}", PARTITIONS, WARM_UP, seed=98)
    await cluster.wait_for_metric("recorder", RECORDED_ATTEMPTS, 2 * WARM_UP)


async def measure_pipeline(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """(b) Measure the pipeline from the notification to the history, with a backlog of e-mails on the low priority."""
    await start_pipeline(cluster)
    topic, total = cluster.prefix + "notifications.low", 2 * WARM_UP + JIT_WARM_UP + count
    await load_generator.fill_topic(cluster.urls.kafka, topic, PARTITIONS, JIT_WARM_UP, seed=97)
    await cluster.wait_for_metric("recorder", RECORDED_ATTEMPTS, total - count)
    with cluster.freeze("router"):
        await load_generator.fill_topic(cluster.urls.kafka, topic, PARTITIONS, count, seed=2)
        meter = CpuMeter(cluster.get_pids("router", "email", "recorder", "simulators", *SERVERS))
    await cluster.wait_for_metric("recorder", RECORDED_ATTEMPTS, total)
    us, wall_seconds = meter.compute_us_per_item(count), meter.wall_seconds
    request_counts = cluster.fetch_request_counts()
    sent = await cluster.fetch_value("select count(*) from deliveries where status = 'SENT'")
    counts = {"lost": total - sent, "duplicates": request_counts["duplicates"], "requests": request_counts["requests"]}
    memory = {role: read_resident_mb(cluster.processes[role].pid) for role in ("router", "email", "recorder", "simulators")}
    return {"pipeline_us": us, "pipeline_per_s": round(count / wall_seconds), "pipeline_counts": counts, "resident_mb": memory}


async def measure_latency(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """(c) Measure the latency from submission to the simulator on the high priority at 200/s: idle, and during a low backlog."""
    await set_log_append_time(cluster)
    await start_pipeline(cluster)
    await load_generator.produce_at_rate(
        cluster.urls.kafka, cluster.prefix + "notifications.high", PARTITIONS, RATE, WARM_UP_SECONDS, seed=96
    )
    idle = await measure_latencies(cluster)
    routed_before = cluster.read_metric("router", "herold_router_records_total")
    with cluster.freeze("router"):
        await load_generator.fill_topic(cluster.urls.kafka, cluster.prefix + "notifications.low", PARTITIONS, count, seed=3)
    busy = await measure_latencies(cluster)
    remaining = routed_before + count + RATE * SECONDS - cluster.read_metric("router", "herold_router_records_total")
    figures = {"high_idle_ms": idle.pop("whole"), "high_backlog_ms": busy.pop("whole")}
    return {**figures, "stages_idle_ms": idle, "stages_backlog_ms": busy, "backlog_left": max(0, round(remaining))}


async def set_log_append_time(cluster: HeroldCluster) -> None:
    """Set LogAppendTime on a topic of deliveries: CreateTime is the time of the decision, before the router's round trips to the broker."""
    topic = ConfigResource(ConfigResourceType.TOPIC, cluster.prefix + "deliveries.email.high", configs=LOG_APPEND_TIME)
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.urls.kafka)
    await admin.start()
    try:
        await admin.alter_configs([topic])
    finally:
        await admin.close()


async def measure_latencies(cluster: HeroldCluster) -> dict[str, dict[str, float]]:
    """Measure the latency of the pipeline and of its stages: submission to Kafka, routing, delivery to the simulator."""
    topic, after = cluster.prefix + "notifications.high", cluster.fetch_request_counts()["seq"]
    delivery_ids = set(await load_generator.produce_at_rate(cluster.urls.kafka, topic, PARTITIONS, RATE, SECONDS, seed=after))
    arrived: dict[str, float] = {}
    async with asyncio.timeout(60):
        while len(arrived) < len(delivery_ids):
            await asyncio.sleep(0.5)
            arrived.update(await asyncio.to_thread(_find_arrivals, cluster, after, delivery_ids))
    stored, routed = await _read_record_timestamps(cluster)
    created = {delivery_id: _parse_created_ms(delivery_id) for delivery_id in delivery_ids}
    return {
        "whole": _compute_percentiles(arrived[delivery_id] - created[delivery_id] for delivery_id in delivery_ids),
        "submit": _compute_percentiles(stored[delivery_id] - created[delivery_id] for delivery_id in delivery_ids),
        "route": _compute_percentiles(routed[delivery_id] - stored[delivery_id] for delivery_id in delivery_ids),
        "deliver": _compute_percentiles(arrived[delivery_id] - routed[delivery_id] for delivery_id in delivery_ids),
    }


def _compute_percentiles(milliseconds: Iterable[float]) -> dict[str, float]:
    values = sorted(milliseconds)
    return {**compute_percentiles(values, (50, 99)), "max": round(values[-1])}


def _parse_created_ms(delivery_id: str) -> int:
    """Parse the milliseconds in a delivery id: the creation time of its notification."""
    return int(delivery_id[4:16], 16)


async def _read_record_timestamps(cluster: HeroldCluster) -> tuple[dict[str, int], dict[str, int]]:
    """Read the broker's timestamps in milliseconds, by delivery id: of the notification's record and of the delivery's record."""
    notifications, deliveries = cluster.prefix + "notifications.high", cluster.prefix + "deliveries.email.high"
    stored, routed = {}, {}
    async with topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        async for record in reader.read_records([notifications]):
            delivery_id = load_generator.derive_only_delivery_id(msgspec.json.decode(record.value, type=Notification))
            stored[delivery_id] = record.timestamp
        async for record in reader.read_records([deliveries]):
            routed[msgspec.json.decode(record.value, type=DeliveryId).id] = record.timestamp
    return stored, routed


class DeliveryId(msgspec.Struct):
    """The id of a delivery, decoded without its other fields."""

    id: str


def _find_arrivals(cluster: HeroldCluster, after: int, delivery_ids: set[str]) -> dict[str, float]:
    """Find the arrival of the first request of each delivery at the simulator, in milliseconds."""
    arrivals: dict[str, float] = {}
    for entry in cluster.fetch_request_log(after):
        if entry["delivery_id"] in delivery_ids:
            arrivals.setdefault(entry["delivery_id"], entry["at"] * 1000)
    return arrivals


async def measure_cores(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """(e) Measure the cores of each role: idle, and at 200/s: e-mails over Kafka, then the other channels, then the gateway."""
    await start_pipeline(cluster)
    others: tuple[ChannelName, ...] = ("sms", "push", "webhook")
    await asyncio.gather(cluster.start_gateway(), *(cluster.start_worker(role) for role in others))
    high, hooks, kafka = f"{cluster.prefix}notifications.high", cluster.build_url("simulators", "/hooks"), cluster.urls.kafka
    await asyncio.sleep(2)
    idle_meter = CpuMeter(cluster.get_pids("router", "email", *others, "recorder", "gateway", "simulators", *SERVERS))
    await asyncio.sleep(SECONDS)
    idle_cores = idle_meter.compute_cores()
    meter = CpuMeter(cluster.get_pids("router", "email", "recorder", "simulators", *SERVERS))
    await load_generator.produce_at_rate(kafka, high, PARTITIONS, RATE, SECONDS, seed=5)
    busy_cores = meter.compute_cores()
    for channel in others:
        await load_generator.produce_at_rate(kafka, high, PARTITIONS, RATE, WARM_UP_SECONDS, seed=6, channel=channel, webhook_url=hooks)
        meter = CpuMeter(cluster.get_pids(channel))
        await load_generator.produce_at_rate(kafka, high, PARTITIONS, RATE, SECONDS / 2, seed=7, channel=channel, webhook_url=hooks)
        busy_cores |= meter.compute_cores()
    meter = CpuMeter(cluster.get_pids("gateway"))
    await load_generator.post_at_rate(cluster.build_url("gateway", ""), cluster.state.get_secret("api_key"), RATE, SECONDS / 2, seed=8)
    return {"cores_at_rest": idle_cores, "cores_at_200_per_s": busy_cores | meter.compute_cores()}
