import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from app.api.services.readiness import FRESH_AGE, MAX_RESULT_AGE, PROBE_INTERVAL, RETRY_INTERVAL, SLOW_PROBE, ReadinessMonitor
from tests.fakes import run_pending_tasks


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


async def test_who_asks_hears_of_a_server_that_has_failed_since_the_last_probe() -> None:
    harness = ReadinessHarness()
    await harness.run_probes()
    harness.results["postgres"] = "does not answer"
    harness.now += FRESH_AGE
    assert (await harness.readiness.check()).status == "ready", "the result is fresh"
    harness.now += 0.01
    assert (await harness.readiness.check()).probes["postgres"].detail == "does not answer"
    harness.results["postgres"] = ""
    harness.now += FRESH_AGE + 0.01
    assert (await harness.readiness.check()).status == "degraded", "a failing probe is repeated in the background"


class SilentServer:
    """A probe that gets an answer when it is told to, but the first time at once."""

    def __init__(self) -> None:
        self.runs, self.answers = 0, asyncio.Event()

    async def probe(self) -> str:
        self.runs += 1
        if self.runs > 1:
            await self.answers.wait()
        return ""


@pytest.mark.parametrize(("required", "status"), [(frozenset[str](), "degraded"), (frozenset({"redis"}), "ready")])
async def test_a_server_that_is_silent_is_degraded_before_its_probe_times_out(
    required: frozenset[str], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.services.readiness.CHECK_TIMEOUT", 0.0)
    now, server = [0.0], SilentServer()
    monitor = ReadinessMonitor({"redis": server.probe}, required, lambda: now[0])
    await monitor.run_probe("redis")
    now[0] = FRESH_AGE + 1
    assert (await monitor.check()).status == "ready"
    await run_pending_tasks()
    now[0] += SLOW_PROBE + 0.1
    first, second = await asyncio.gather(monitor.check(), monitor.check())
    assert (first.status, second.status, server.runs) == (status, status, 2)
    if status == "degraded":
        assert first.probes["redis"].detail == "no result for 1.1 s"
    server.answers.set()
    await run_pending_tasks()
    assert (await monitor.check()).status == "ready"
    await monitor.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
