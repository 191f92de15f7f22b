import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from app.api.readiness import EVERY, SOON, STALE, Readings


class Asked:
    """Probes whose answers can be set, and a clock."""

    def __init__(self) -> None:
        self.answers: dict[str, str | Exception] = {"kafka": "", "postgres": ""}
        self.now = 100.0
        self.readings = Readings({name: self.probe(name) for name in self.answers}, frozenset({"kafka"}), lambda: self.now)

    def probe(self, name: str) -> Callable[[], Coroutine[Any, Any, str]]:
        async def answer() -> str:
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return answer

    async def ask(self, **answers: str | Exception) -> str:
        self.answers.update(answers)
        for name in self.answers:
            await self.readings.ask(name)
        return self.readings.now().status


async def test_nothing_is_ready_before_it_was_asked() -> None:
    assert Asked().readings.now().status == "unready"


async def test_what_is_needed_decides() -> None:
    asked = Asked()
    assert await asked.ask() == "ready"
    assert await asked.ask(postgres="slow") == "degraded"
    assert asked.readings.now().parts["postgres"].detail == "slow"
    assert await asked.ask(kafka="away") == "unready"
    assert await asked.ask(kafka="", postgres="") == "ready"


async def test_a_probe_that_fails_is_an_answer() -> None:
    asked = Asked()
    assert await asked.ask(postgres=OSError("refused")) == "degraded"
    assert asked.readings.now().parts["postgres"].detail == "OSError: refused"


async def test_a_probe_that_hangs_even_when_given_up_is_no_answer_and_asked_once() -> None:
    begun, back = [], asyncio.Event()

    async def hanging() -> str:
        begun.append(1)
        await back.wait()
        return ""

    readings = Readings({"postgres": hanging}, frozenset(), lambda: 0.0, patience=0.01)
    for _ in range(2):
        await readings.ask("postgres")
        assert readings.now().parts["postgres"].detail == "no answer within 0.01 s"
    back.set()
    await asyncio.sleep(0)
    await readings.ask("postgres")
    assert readings.now().status == "ready"
    assert len(begun) == 1


async def test_what_still_waits_for_an_answer_ends_with_the_readings() -> None:
    readings = Readings({"postgres": asyncio.Event().wait}, frozenset(), lambda: 0.0, patience=0.01)  # type: ignore[dict-item]
    await readings.ask("postgres")
    await readings.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_old_answer_counts_no_more() -> None:
    asked = Asked()
    await asked.ask()
    asked.now += STALE + 1
    assert asked.readings.now().status == "unready"


async def test_probes_are_asked_again_and_again_and_soon_while_something_is_wrong() -> None:
    rounds: asyncio.Queue[float] = asyncio.Queue()
    answers = iter(["away", "", ""])

    async def probe() -> str:
        return next(answers)

    async def pause(seconds: float) -> None:
        await rounds.put(seconds)
        await asyncio.sleep(0)

    readings = Readings({"kafka": probe}, frozenset({"kafka"}), lambda: 0.0, pause)
    readings.start()
    assert [await rounds.get(), await rounds.get()] == [SOON, EVERY]
    await readings.stop()
    assert readings.now().status == "ready"
