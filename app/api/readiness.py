"""Whether the gateway makes progress: what it depends on is asked again and again, and `/readyz` tells the last answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from app.api.bodies import Part, Readiness
from schemas.ports import Clock, Pause

EVERY = 3.0  # seconds between two questions
SOON = 0.25  # the same while something is wrong: a start must not wait for the next round
PATIENCE = 3.0  # seconds that an answer may take
STALE = 15.0  # seconds after which a good answer counts no more

Probe = Callable[[], Awaitable[str]]


class Readings:
    """Asks each probe, which answers with what is wrong (empty: nothing); those in `needed` decide whether we are ready."""

    def __init__(self, probes: Mapping[str, Probe], needed: frozenset[str], clock: Clock, pause: Pause = asyncio.sleep) -> None:
        self._probes, self._needed, self._clock, self._pause = probes, needed, clock, pause
        self._trouble = dict.fromkeys(probes, "not asked yet")
        self._asked_at = dict.fromkeys(probes, clock())
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to ask."""
        self._tasks = [asyncio.create_task(self._keep_asking(name)) for name in self._probes]

    async def stop(self) -> None:
        """Stop asking."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def ask(self, name: str) -> None:
        """Ask one probe once."""
        try:
            async with asyncio.timeout(PATIENCE):
                self._trouble[name] = await self._probes[name]()
        except TimeoutError:
            self._trouble[name] = f"no answer within {PATIENCE} s"
        except Exception as error:  # a probe that fails in whatever way is an answer too
            self._trouble[name] = f"{type(error).__name__}: {error}"
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
