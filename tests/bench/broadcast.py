"""The scenario `broadcast`: a million users in one broadcast at the pipeline's full speed; releases and the high priority meanwhile.

First a part of the users is expanded while nothing reads the notifications, for the CPU of each; then all others with the whole pipeline.
"""

import asyncio
from typing import Any

import msgspec

from tests.bench import scenarios
from tests.bench.cpu_meter import CpuMeter
from tests.bench.scheduler import PRODUCE_RATE, SECONDS, START_SECONDS, SchedulerRuns
from tests.cluster import HeroldCluster, wait_until

USERS_PER_COUNT = 5  # users of the broadcast with the pipeline; 1,000,000 with the usual count
RELEASE_RATE = 200  # entries due per second meanwhile
TIMEOUT = 1800.0  # seconds
NOTIFICATION = {"type": "order.shipped", "channels": ["email"], "data": {"name": "Ada", "order": 17, "eta": "Friday", "items": ["lamp"]}}
INSERT_USERS = """
    insert into users (id, addresses, locale, tier)
    select 'b-' || number, jsonb_build_object('email', jsonb_build_array('b-' || number || '@example.org')), 'en',
        case when number < $1 then 'first' else 'second' end
    from generate_series(0, $2 - 1) number
"""
INSERT_AUDIENCE = """
    insert into audiences (id, name, kind, filter)
    values (gen_random_uuid(), $1, 'filter', jsonb_build_object('tier', jsonb_build_array($1::text)))
"""
INSERT_BROADCAST = """
    insert into broadcasts (id, audience_id, notification, created_by)
    select gen_random_uuid(), id, $2, 'bench' from audiences where name = $1
"""
SECONDS_OF = "select extract(epoch from ended_at - started_at)::float8 from broadcasts where audience_name = '{}'"
COUNT_OTHERS = """
    select (select count(*) from users where tier <> '') - (select count(*) from (
        select user_id from deliveries where user_id like 'b-%' and status = 'SENT' group by user_id having count(*) = 1
    ) as reached)
"""


async def measure_broadcast(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """Measure the expansion alone with `count` users, then the pipeline with five times as many."""
    await cluster.execute(INSERT_USERS, count, (1 + USERS_PER_COUNT) * count)
    await cluster.execute("analyze users")
    await cluster.start_worker("scheduler")
    alone = await _expand_alone(cluster, count)
    await scenarios.set_log_append_time(cluster)
    await scenarios.start_pipeline(cluster)
    await _wait_until_recorded(cluster, count)
    return {"broadcast_expansion": alone, "broadcast_pipeline": await _measure_pipeline(cluster, count)}


async def _expand_alone(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    meter = CpuMeter(cluster.get_pids("scheduler", "kafka", "postgres"))
    await _start(cluster, "first")
    seconds = await _wait_until_done(cluster, "first")
    return {"users": count, "us": meter.compute_us_per_item(count), "per_s": round(count / seconds)}


async def _measure_pipeline(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    users = USERS_PER_COUNT * count
    releases = asyncio.create_task(SchedulerRuns(cluster).measure_rate(RELEASE_RATE, kill=False))
    await asyncio.sleep(START_SECONDS + RELEASE_RATE * SECONDS / PRODUCE_RATE)  # until the first entry is due
    roles = ("router", "email", "recorder", "scheduler", "simulators", *scenarios.SERVERS)
    meter = CpuMeter(cluster.get_pids(*roles))
    await _start(cluster, "second")
    latencies = await scenarios.measure_latencies(cluster)
    lateness = await releases
    seconds = await _wait_until_done(cluster, "second")
    await _wait_until_recorded(cluster, users + count + round(scenarios.RATE * scenarios.SECONDS))  # those of the high priority, too
    us, wall_seconds = meter.compute_us_per_item(users), meter.wall_seconds
    not_once = await cluster.fetch_value(COUNT_OTHERS)
    return {
        "users": users,
        "us": us,
        "per_s": round(users / wall_seconds),
        "expanded_per_s": round(users / seconds),
        "not_exactly_once": not_once,
        "high_ms": latencies["whole"],
        "releases": {name: lateness[name] for name in ("lost", "early", "late_ms")},
    }


async def _start(cluster: HeroldCluster, tier: str) -> None:
    """Start a broadcast to the users of a tier."""
    await cluster.execute(INSERT_AUDIENCE, tier)
    await cluster.execute(INSERT_BROADCAST, tier, msgspec.json.encode(NOTIFICATION).decode())


async def _wait_until_done(cluster: HeroldCluster, tier: str) -> float:
    """Wait until a broadcast is done; returns how many seconds it took."""

    async def is_done() -> bool:
        return bool(await cluster.fetch_value(f"select state from broadcasts where audience_name = '{tier}'") == "done")

    await wait_until(is_done, TIMEOUT, f"the broadcast to {tier} is done", interval=0.2)
    return float(await cluster.fetch_value(SECONDS_OF.format(tier)))


async def _wait_until_recorded(cluster: HeroldCluster, users: int) -> None:
    """Wait until the deliveries of so many users of broadcasts are recorded, beside those of the warm-up."""
    await cluster.wait_for_metric("recorder", scenarios.RECORDED_ATTEMPTS, 2 * scenarios.WARM_UP + users, TIMEOUT)
