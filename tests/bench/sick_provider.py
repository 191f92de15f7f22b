"""The scenarios `sick` and `outage`: what other channels notice of a sick provider, and what a whole outage costs its own.

`sick`: the latency of SMS at a steady rate while e-mail's provider answers as usual, late, in drops, without end or with a gzip bomb;
the ratio of both is what counts. `outage`: a provider that rejects its key for two minutes, one that throttles with a reset of 60 s and
one that fails for two minutes, under full load: dead letters, calls meanwhile, and all sent at the end.
"""

import asyncio
import time
from collections import Counter
from typing import Any

from schemas.channels import ChannelName
from schemas.topics import DEAD_LETTER_TOPIC
from tests.bench import load_generator
from tests.bench.cpu_meter import read_resident_mb
from tests.bench.percentiles import compute_percentiles
from tests.cluster import PARTITIONS, HeroldCluster

RATE = 100.0  # notifications per second and channel
SECONDS = 20.0
FAULTS: dict[str, dict[str, object]] = {
    "latency": {"latency": "30s"},
    "trickle": {"connection": "trickle"},
    "endless": {"connection": "endless"},
    "bomb": {"connection": "bomb"},
}
OUTAGES: dict[str, dict[str, object]] = {
    "401 for 120 s": {"status": 401, "seconds": 120},
    "429 with a reset of 60 s": {"status": 429, "seconds": 60, "retry_after": "60"},
    "503 for 120 s": {"status": 503, "seconds": 120},
}
OUTAGE_EMAILS = 20_000
FINISH_SECONDS = 600.0  # until all is sent after an outage


async def measure_sick_provider(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """Measure the latency of SMS without and with each fault of e-mail's provider; without `count`."""
    roles = ("router", "email", "sms", "scheduler", "recorder")
    cluster.env["HEROLD_DELIVERY_UNANSWERED_GRACE_MEDIUM"] = "5"
    await asyncio.gather(cluster.start_simulators(), *(cluster.start_worker(role) for role in roles))
    await _measure_sms(cluster, 1)
    figures = {}
    for number, (name, fault) in enumerate(FAULTS.items()):
        usual = await _measure_sms(cluster, 2 * number + 2)
        cluster.switch_fault_on("sendgrid", seconds=SECONDS + 60, **fault)
        sick = await _measure_sms(cluster, 2 * number + 3)
        figures[name] = {"usual_ms": usual, "sick_ms": sick, "p99_ratio": round(sick["p99"] / usual["p99"], 2)}
        figures[name]["email_mb"] = read_resident_mb(cluster.processes["email"].pid)
    return {"sick_provider": figures}


async def _measure_sms(cluster: HeroldCluster, seed: int) -> dict[str, float]:
    """Send both channels at the rate; return the latency of SMS when all e-mails are sent too, so that no backlog is left."""
    after, topic = cluster.fetch_request_counts()["seq"], cluster.prefix + "notifications.medium"

    async def send(channel: ChannelName, seed: int) -> list[str]:
        return await load_generator.produce_at_rate(cluster.urls.kafka, topic, PARTITIONS, RATE, SECONDS, seed, channel=channel)

    sms, emails = await asyncio.gather(send("sms", seed), send("email", 1000 + seed))
    cluster.switch_faults_off()
    arrived: dict[str, float] = {}
    async with asyncio.timeout(FINISH_SECONDS):
        while not arrived.keys() >= {*sms, *emails}:
            await asyncio.sleep(0.5)
            for entry in await asyncio.to_thread(lambda: list(cluster.fetch_request_log(after))):
                if entry["status"] < 300:
                    arrived.setdefault(entry["delivery_id"], entry["at"] * 1000)
    return compute_percentiles((arrived[delivery_id] - int(delivery_id[4:16], 16) for delivery_id in sms), (50, 99))


async def measure_outages(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """Measure each outage with a backlog of e-mails; without `count`."""
    roles = ("router", "email", "scheduler", "recorder")
    await asyncio.gather(cluster.start_simulators(), *(cluster.start_worker(role) for role in roles))
    return {"outages": {name: await _measure_outage(cluster, number, fault) for number, (name, fault) in enumerate(OUTAGES.items())}}


async def _measure_outage(cluster: HeroldCluster, number: int, fault: dict[str, object]) -> dict[str, Any]:
    after, dead_before = cluster.fetch_request_counts()["seq"], await cluster.count_records(DEAD_LETTER_TOPIC)
    cluster.switch_fault_on("sendgrid", **fault)
    started_at, topic = time.monotonic(), cluster.prefix + "notifications.low"
    await load_generator.fill_topic(cluster.urls.kafka, topic, PARTITIONS, OUTAGE_EMAILS, seed=10 + number)
    accepted: Counter[str] = Counter()
    failed_at: list[float] = []
    async with asyncio.timeout(FINISH_SECONDS):
        while len(accepted) < OUTAGE_EMAILS:
            await asyncio.sleep(1.0)
            entries = await asyncio.to_thread(lambda: list(cluster.fetch_request_log(after)))
            accepted = Counter(entry["delivery_id"] for entry in entries if entry["status"] == 202)
            failed_at = [entry["at"] for entry in entries if entry["status"] != 202]
    return {
        "sent": len(accepted),
        "sent_again": sum(accepted.values()) - len(accepted),
        "dead_letters": await cluster.count_records(DEAD_LETTER_TOPIC) - dead_before,
        "failed_calls": len(failed_at),
        "failed_calls_after_10_s": sum(at > failed_at[0] + 10 for at in failed_at),
        "seconds": round(time.monotonic() - started_at),
    }
