"""The scenario `live`: single notifications as they come, each to one webhook or e-mail that a sink accepts at once.

CPU counts of all processes of Herold and of its servers; load generator and sink are processes of their own and do not count.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from statistics import median
from typing import Any

from dev.stack.stack_state import LOOPBACK
from schemas.channels import CHANNEL_NAMES
from schemas.enums import PRIORITIES
from schemas.topics import get_notifications_topic
from tests.bench.cpu_meter import CpuMeter, StealMeter, measure_calibration
from tests.bench.live.figures import add_total, compute_latencies, count_between, count_notifications, select_arrivals
from tests.bench.live.messages import Load
from tests.bench.live.processes import Sink, run_generator, run_sink
from tests.bench.live.runs import Run
from tests.bench.live.send_log import LoadError
from tests.bench.scenarios import RECORDED_ATTEMPTS, SERVERS
from tests.cluster import PARTITIONS, HeroldCluster

WARM_UP_SECONDS = 2.0  # of each run
PATIENCE = 20.0  # seconds without an arrival, after which the rest counts as lost
REST_AFTER = 3.0  # seconds, until what the start of the workers has left is done
CALIBRATION_INTERVAL = 1.0  # seconds


async def measure_live(cluster: HeroldCluster, runs: Sequence[Run], seconds: float) -> dict[str, Any]:
    """Measure the runs one after the other, each for `seconds`."""
    async with run_sink() as sink:
        cluster.env.update(HEROLD_PROVIDERS_SENDGRID_URL=sink.origin)
        session = LiveSession(cluster, sink)
        await asyncio.gather(cluster.start_gateway(), *(cluster.start_worker(role) for role in ("router", "recorder")))
        figures = {}
        for run in runs:
            figures[run.name] = await session.measure_run(run, seconds)
            print(f"live {run.name}: {json.dumps(figures[run.name])}", file=sys.stderr, flush=True)
    return {"live_seconds": seconds, "live": figures}


class LiveSession:
    """The runs on one cluster; the numbers of the notifications go on from run to run."""

    def __init__(self, cluster: HeroldCluster, sink: Sink) -> None:
        self._cluster, self._sink = cluster, sink
        self._next_number = 0
        self._recorded = 0

    async def measure_run(self, run: Run, seconds: float) -> dict[str, Any]:
        """Measure a run with only the roles that take part; at rest with all."""
        await self._start_channels(run)
        steal = StealMeter()
        async with _sample_calibration() as calibrations:
            figures = await (self._measure_rest(seconds) if run.is_at_rest else self._measure_load(run, seconds))
        return {**figures, "calibration_ms": round(median(calibrations) * 1000, 2), "stolen": steal.share}

    async def _start_channels(self, run: Run) -> None:
        """Start the worker of the channel and stop those of the others; at rest start all. Warm up what is new: at rest the broker, too."""
        cluster, needed = self._cluster, CHANNEL_NAMES if run.is_at_rest else (run.channel,)
        await asyncio.gather(*(cluster.stop_process(name) for name in CHANNEL_NAMES if name in cluster.processes and name not in needed))
        started = [name for name in needed if name not in cluster.processes]
        if run.is_at_rest:  # the push worker gets its access token from them; without one it asks again and again, which is no rest
            await cluster.start_simulators()
        await asyncio.gather(*(cluster.start_worker(name) for name in started))
        if run.is_at_rest:
            await cluster.stop_process("simulators")
        if started:
            for priority in PRIORITIES:
                await self._send(Run("warm-up", clients=32, priority=priority, channel=run.channel), WARM_UP_SECONDS / 2)

    async def _measure_rest(self, seconds: float) -> dict[str, Any]:
        await asyncio.sleep(REST_AFTER)
        meter = self._start_meter()
        await asyncio.sleep(seconds)
        return Usage(meter).summarize()

    async def _measure_load(self, run: Run, seconds: float) -> dict[str, Any]:
        """Measure the CPU while a schedule sends; in a closed loop until all is recorded, as it may leave a backlog."""
        if run.clients:
            await self._send(run, WARM_UP_SECONDS)
        return await self._send(run, seconds)

    async def _send(self, run: Run, seconds: float) -> dict[str, Any]:
        """Send the load of a run and wait until all has arrived and is recorded."""
        load, meters, usages = self._build_load(run, seconds), [], []
        result = await run_generator(load, lambda: meters.append(self._start_meter()), lambda: usages.append(Usage(meters[0])))
        recorded = await self._wait_until_recorded(len(result.due))
        usage = Usage(meters[0]) if run.clients else usages[0]
        arrivals = select_arrivals(await self._sink.take_arrivals(), load.first_number, len(result.due))
        counts = count_notifications(result, arrivals, recorded)
        arrived = count_between(arrivals, usage.started_at, usage.ended_at)
        if not arrived:
            raise LoadError(f"run {run.name}: none of {counts['posted']} notifications came to the sink in the time that is measured")
        rate = round(arrived / (usage.seconds if run.rate else max(at for _, at in arrivals) - result.due[0]))
        us = add_total({name: seconds / arrived * 1e6 for name, seconds in usage.cpu_seconds.items()})
        return {"us": us, "per_s": rate, **compute_latencies(result, arrivals), **usage.summarize(), "counts": counts}

    async def _wait_until_recorded(self, count: int) -> int:
        """Wait until notifications have come to the sink and to PostgreSQL; return how many came to PostgreSQL."""
        before, self._next_number = self._recorded, self._next_number + count
        await self._sink.wait_for(count, PATIENCE)
        with suppress(TimeoutError):  # what is missing is a figure
            await self._cluster.wait_for_metric("recorder", RECORDED_ATTEMPTS, before + count, seconds=PATIENCE)
        self._recorded = round(self._cluster.read_metric("recorder", RECORDED_ATTEMPTS))
        return self._recorded - before

    def _build_load(self, run: Run, seconds: float) -> Load:
        cluster = self._cluster
        return Load(
            channel=run.channel,
            priority=run.priority,
            sink=self._sink.origin,
            first_number=self._next_number,
            seconds=seconds,
            warm_up_seconds=0.0 if run.clients else WARM_UP_SECONDS,
            clients=run.clients,
            rate=run.rate,
            gateway="" if run.over_kafka else f"{LOOPBACK}:{cluster.get_port('gateway')}",
            has_idempotency_keys=run.has_idempotency_keys,
            api_key=cluster.state.get_secret("api_key"),
            kafka=cluster.urls.kafka,
            topic=cluster.prefix + get_notifications_topic(run.priority),
            partitions=PARTITIONS,
        )

    def _start_meter(self) -> CpuMeter:
        return CpuMeter(self._cluster.get_pids(*self._cluster.processes, *SERVERS))


class Usage:
    """What the processes of a meter have used until now."""

    def __init__(self, meter: CpuMeter) -> None:
        self.cpu_seconds, self._wakeups_per_s = meter.compute_seconds(), meter.compute_wakeups_per_s()
        self._other_seconds = meter.compute_other_seconds()
        self.ended_at, self.seconds = time.monotonic(), meter.wall_seconds
        self.started_at = self.ended_at - self.seconds

    def summarize(self) -> dict[str, Any]:
        """The cores and the wake-ups per second by process, and the cores of what else runs on the machine."""
        cores = {name: seconds / self.seconds for name, seconds in self.cpu_seconds.items()}
        others = round(self._other_seconds / self.seconds, 2)
        return {"cores": add_total(cores, 3), "other_cores": others, "wakeups_per_s": add_total(self._wakeups_per_s)}


@asynccontextmanager
async def _sample_calibration() -> AsyncIterator[list[float]]:
    """Sample the calibration in this process, which only waits during a run."""
    samples = [measure_calibration()]

    async def sample() -> None:
        while True:
            await asyncio.sleep(CALIBRATION_INTERVAL)
            samples.append(measure_calibration())

    task = asyncio.create_task(sample())
    try:
        yield samples
    finally:
        task.cancel()
