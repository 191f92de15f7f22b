"""The scenario `workers`: what one, two and three workers of a role change, in a backlog, at rest and after a kill."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from tests.bench import load_generator
from tests.bench.cpu_meter import CpuMeter
from tests.cluster import PARTITIONS, HeroldCluster, wait_until

ROLES = ("router", "email", "recorder")
WORKER_COUNTS = (1, 2, 3)
SERVERS = ("kafka", "postgres", "valkey")
WARM_UP = 5000  # notifications
JIT_WARM_UP = 100_000  # notifications before the first run: until then the broker's JIT compiler counts as the broker
REST_SECONDS = 5.0
AFTER_KILL = 100  # notifications produced at once after the kill; all partitions get some


async def measure_worker_counts(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """Measure a quarter of `count` with each number of workers of each role, while the other roles have one."""
    del cluster.env["HEROLD_KAFKA_SESSION_TIMEOUT"]  # the default decides how soon a killed worker is replaced
    await cluster.start_simulators()
    runs = WorkerRuns(cluster)
    await runs.start(dict.fromkeys(ROLES, 1))
    await runs.process_backlog(JIT_WARM_UP)
    await runs.stop()
    figures: dict[str, Any] = {}
    for role in ROLES:
        for number in WORKER_COUNTS:
            figures[f"{role} {number}"] = await runs.measure({**dict.fromkeys(ROLES, 1), role: number}, role, count // 4)
    return {"workers": figures}


class WorkerRuns:
    """Starts workers, gives them a backlog, and kills one of them."""

    def __init__(self, cluster: HeroldCluster) -> None:
        self._cluster = cluster
        self._names: dict[str, list[str]] = {}
        self._produced = 0
        self._seeds: Iterator[int] = iter(range(200, 1000))

    async def start(self, counts: Mapping[str, int]) -> None:
        """Start so many workers of each role."""
        self._names = {role: [f"{role}-{number}" for number in range(count)] for role, count in counts.items()}
        await asyncio.gather(*(self._cluster.start_worker(role, name) for role, names in self._names.items() for name in names))

    async def stop(self) -> None:
        """Stop all workers in order."""
        await asyncio.gather(*(self._cluster.stop_process(name) for names in self._names.values() for name in names))

    async def process_backlog(self, count: int) -> CpuMeter:
        """Produce a backlog while the routers are frozen, and wait until all of it is recorded; returns the meter of the workers."""
        with ExitStack() as frozen:
            for name in self._names["router"]:
                frozen.enter_context(self._cluster.freeze(name))
            await self._produce(count)
            meter = self._build_meter()
        await self._wait_until_recorded()
        return meter

    async def measure(self, counts: Mapping[str, int], role: str, count: int) -> dict[str, Any]:
        """Measure a backlog, rest, and the time until all is recorded again after one worker of the role was killed."""
        await self.start(counts)
        await self.process_backlog(WARM_UP)
        meter = await self.process_backlog(count)
        us, wall_seconds = meter.compute_us_per_item(count), meter.wall_seconds
        us_by_role = {name: round(sum(us[worker] for worker in workers), 1) for name, workers in self._list_processes()}
        await asyncio.sleep(1)
        rest = self._build_meter()
        await asyncio.sleep(REST_SECONDS)
        cores = rest.compute_cores()
        after_kill = await self._measure_kill(role)
        await self.stop()
        return {
            "us": {**us_by_role, "total": us["total"]},
            "per_s": round(count / wall_seconds),
            "cores_at_rest": round(sum(cores[name] for name in self._names[role]), 3),
            "after_kill_s": round(after_kill, 1),
        }

    async def _measure_kill(self, role: str) -> float:
        """Kill a worker, start it again as a supervisor does, and return the seconds until new notifications are recorded."""
        name, started_at = self._names[role][0], time.monotonic()
        self._cluster.kill_process(name)
        restart = asyncio.create_task(self._cluster.start_worker(role, name))
        await self._produce(AFTER_KILL)
        await self._wait_until_recorded()
        seconds = time.monotonic() - started_at
        await restart
        return seconds

    async def _produce(self, count: int) -> None:
        topic = self._cluster.prefix + "notifications.low"
        await load_generator.fill_topic(self._cluster.urls.kafka, topic, PARTITIONS, count, seed=next(self._seeds))
        self._produced += count

    async def _wait_until_recorded(self) -> None:
        async def is_recorded() -> bool:
            return int(await self._cluster.fetch_value("select count(*) from deliveries where status = 'SENT'")) >= self._produced

        await wait_until(is_recorded, 300, f"{self._produced} deliveries are SENT", interval=0.25)

    def _list_processes(self) -> Iterator[tuple[str, list[str]]]:
        yield from self._names.items()
        yield from ((name, [name]) for name in ("simulators", *SERVERS))

    def _build_meter(self) -> CpuMeter:
        return CpuMeter(self._cluster.get_pids(*(worker for _, workers in self._list_processes() for worker in workers)))
