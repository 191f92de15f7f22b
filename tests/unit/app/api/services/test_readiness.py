import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from app.api.services.readiness import MAX_RESULT_AGE, PROBE_INTERVAL, RETRY_INTERVAL, ReadinessMonitor


class ReadinessHarness:
    """Two probes with settable results, and a clock."""

    def __init__(self) -> None:
        self.results: dict[str, str | Exception] = {"kafka": "", "postgres": ""}
        self.now = 100.0
        self.readiness = ReadinessMonitor({name: self.build_probe(name) for name in self.results}, frozenset({"kafka"}), lambda: self.now)

    def build_probe(self, name: str) -> Callable[[], Coroutine[Any, Any, str]]:
        async def get_result() -> str:
            result = self.results[name]
            if isinstance(result, Exception):
                raise result
            return result

        return get_result

    async def run_probes(self, **results: str | Exception) -> str:
        self.results.update(results)
        for name in self.results:
            await self.readiness.run_probe(name)
        return self.readiness.get_readiness().status


async def test_a_monitor_is_unready_before_the_first_result() -> None:
    assert ReadinessHarness().readiness.get_readiness().status == "unready"


async def test_required_probes_decide_on_unready() -> None:
    harness = ReadinessHarness()
    assert await harness.run_probes() == "ready"
    assert await harness.run_probes(postgres="is slow") == "degraded"
    assert harness.readiness.get_readiness().probes["postgres"].detail == "is slow"
    assert await harness.run_probes(kafka="does not answer") == "unready"
    assert await harness.run_probes(kafka="", postgres="") == "ready"


async def test_two_runs_of_a_probe_at_a_time_share_its_result() -> None:
    harness = ReadinessHarness()
    harness.results["kafka"] = "does not answer"
    await asyncio.gather(*(harness.readiness.run_probe("kafka") for _ in range(2)))
    assert harness.readiness.get_readiness().probes["kafka"].detail == "does not answer"


async def test_an_exception_of_a_probe_is_its_error() -> None:
    harness = ReadinessHarness()
    assert await harness.run_probes(postgres=OSError("refused")) == "degraded"
    assert harness.readiness.get_readiness().probes["postgres"].detail == "OSError: refused"


async def test_a_probe_that_times_out_is_an_error_and_is_not_run_twice() -> None:
    runs, is_available = [], asyncio.Event()

    async def probe() -> str:
        runs.append(1)
        await is_available.wait()
        return ""

    monitor = ReadinessMonitor({"postgres": probe}, frozenset(), lambda: 0.0, probe_timeout=0.01)
    for _ in range(2):
        await monitor.run_probe("postgres")
        assert monitor.get_readiness().probes["postgres"].detail == "no result within 0.01 s"
    is_available.set()
    await asyncio.sleep(0)
    await monitor.run_probe("postgres")
    assert monitor.get_readiness().status == "ready"
    assert len(runs) == 1


async def test_stop_cancels_running_probes() -> None:
    monitor = ReadinessMonitor({"postgres": asyncio.Event().wait}, frozenset(), lambda: 0.0, probe_timeout=0.01)  # type: ignore[dict-item]
    await monitor.run_probe("postgres")
    await monitor.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_old_result_of_a_required_probe_is_unready() -> None:
    harness = ReadinessHarness()
    await harness.run_probes()
    harness.now += MAX_RESULT_AGE + 1
    assert harness.readiness.get_readiness().status == "unready"


async def test_a_failing_probe_is_retried_sooner() -> None:
    intervals: asyncio.Queue[float] = asyncio.Queue()
    results = iter(["does not answer", "", ""])

    async def probe() -> str:
        return next(results)

    async def sleep(seconds: float) -> None:
        await intervals.put(seconds)
        await asyncio.sleep(0)

    monitor = ReadinessMonitor({"kafka": probe}, frozenset({"kafka"}), lambda: 0.0, sleep)
    monitor.start()
    assert [await intervals.get(), await intervals.get()] == [RETRY_INTERVAL, PROBE_INTERVAL]
    await monitor.stop()
    assert monitor.get_readiness().status == "ready"
