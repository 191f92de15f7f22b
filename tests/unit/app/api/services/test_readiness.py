import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from app.api.services.readiness import MAX_RESULT_AGE, PROBE_INTERVAL, RETRY_INTERVAL, ReadinessMonitor


class ReadinessHarness:
    """Probes whose answers can be set, and a clock."""

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

    async def run_probes(self, **answers: str | Exception) -> str:
        self.results.update(answers)
        for name in self.results:
            await self.readiness.run_probe(name)
        return self.readiness.get_readiness().status


async def test_nothing_is_ready_before_it_was_asked() -> None:
    assert ReadinessHarness().readiness.get_readiness().status == "unready"


async def test_what_is_needed_decides() -> None:
    asked = ReadinessHarness()
    assert await asked.run_probes() == "ready"
    assert await asked.run_probes(postgres="slow") == "degraded"
    assert asked.readiness.get_readiness().probes["postgres"].detail == "slow"
    assert await asked.run_probes(kafka="away") == "unready"
    assert await asked.run_probes(kafka="", postgres="") == "ready"


async def test_a_probe_that_fails_is_an_answer() -> None:
    asked = ReadinessHarness()
    assert await asked.run_probes(postgres=OSError("refused")) == "degraded"
    assert asked.readiness.get_readiness().probes["postgres"].detail == "OSError: refused"


async def test_a_probe_that_hangs_even_when_given_up_is_no_answer_and_asked_once() -> None:
    begun, back = [], asyncio.Event()

    async def hang() -> str:
        begun.append(1)
        await back.wait()
        return ""

    readings = ReadinessMonitor({"postgres": hang}, frozenset(), lambda: 0.0, probe_timeout=0.01)
    for _ in range(2):
        await readings.run_probe("postgres")
        assert readings.get_readiness().probes["postgres"].detail == "no answer within 0.01 s"
    back.set()
    await asyncio.sleep(0)
    await readings.run_probe("postgres")
    assert readings.get_readiness().status == "ready"
    assert len(begun) == 1


async def test_what_still_waits_for_an_answer_ends_with_the_readings() -> None:
    readings = ReadinessMonitor({"postgres": asyncio.Event().wait}, frozenset(), lambda: 0.0, probe_timeout=0.01)  # type: ignore[dict-item]
    await readings.run_probe("postgres")
    await readings.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_old_answer_counts_no_more() -> None:
    asked = ReadinessHarness()
    await asked.run_probes()
    asked.now += MAX_RESULT_AGE + 1
    assert asked.readiness.get_readiness().status == "unready"


async def test_probes_are_asked_again_and_again_and_soon_while_something_is_wrong() -> None:
    rounds: asyncio.Queue[float] = asyncio.Queue()
    answers = iter(["away", "", ""])

    async def probe() -> str:
        return next(answers)

    async def pause(seconds: float) -> None:
        await rounds.put(seconds)
        await asyncio.sleep(0)

    readings = ReadinessMonitor({"kafka": probe}, frozenset({"kafka"}), lambda: 0.0, pause)
    readings.start()
    assert [await rounds.get(), await rounds.get()] == [RETRY_INTERVAL, PROBE_INTERVAL]
    await readings.stop()
    assert readings.get_readiness().status == "ready"
