"""Whether the gateway makes progress: what it depends on is asked again and again, and `/readyz` tells the last answers."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from app.api.bodies import Part, Readiness
from schemas.ports import Clock, Pause

EVERY = 3.0  # seconds between two questions
SOON = 0.25  # the same while something is wrong: a start must not wait for the next round
PATIENCE = 3.0  # seconds that an answer may take
STALE = 15.0  # seconds after which a good answer counts no more

Probe = Callable[[], Coroutine[Any, Any, str]]


class Readings:
    """Asks each probe, which answers with what is wrong (empty: nothing); those in `needed` decide whether we are ready."""

    def __init__(
        self, probes: Mapping[str, Probe], needed: frozenset[str], clock: Clock, pause: Pause = asyncio.sleep, patience: float = PATIENCE
    ) -> None:
        self._probes, self._needed, self._clock, self._pause, self._patience = probes, needed, clock, pause, patience
        self._trouble = dict.fromkeys(probes, "not asked yet")
        self._asked_at = dict.fromkeys(probes, clock())
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[str, asyncio.Future[str]] = {}  # for their answers

    def start(self) -> None:
        """Begin to ask."""
        self._tasks = [asyncio.create_task(self._keep_asking(name)) for name in self._probes]

    async def stop(self) -> None:
        """Stop asking."""
        ending: list[asyncio.Future[Any]] = [*self._tasks, *self._waiting.values()]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def ask(self, name: str) -> None:
        """Ask one probe once; one that does not answer in time is left alone, for its end may take as long again."""
        if name not in self._waiting:
            self._waiting[name] = asyncio.ensure_future(self._probes[name]())
        await asyncio.wait([self._waiting[name]], timeout=self._patience)
        if self._waiting[name].done():
            self._trouble[name] = _answer(self._waiting.pop(name))
        else:
            self._trouble[name] = f"no answer within {self._patience:g} s"
        self._asked_at[name] = self._clock()

    def now(self) -> Readiness:
        """The last answers."""
        parts = {name: self._part(name) for name in self._probes}
        if any(part.status == "down" for part in parts.values()):
            return Readiness("unready", parts)
        return Readiness("degraded" if any(part.status != "ok" for part in parts.values()) else "ready", parts)

    def _part(self, name: str) -> Part:
        age = self._clock() - self._asked_at[name]
        trouble = self._trouble[name] or (f"not asked for {age:.0f} s: the event loop is stuck" if age > STALE else "")
        if not trouble:
            return Part("ok")
        return Part("down" if name in self._needed else "degraded", trouble)

    async def _keep_asking(self, name: str) -> None:
        while True:
            await self.ask(name)
            await self._pause(SOON if self._trouble[name] else EVERY)


def _answer(asked: asyncio.Future[str]) -> str:
    try:
        return asked.result()
    except Exception as error:  # a probe that fails in whatever way is an answer too
        return f"{type(error).__name__}: {error}"
