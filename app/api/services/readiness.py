"""Whether the gateway makes progress: what it depends on is asked again and again, and `/readyz` tells the last answers."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from app.api.responses import ProbeResult, ReadinessResponse
from schemas.ports import Clock, Sleep

PROBE_INTERVAL = 3.0  # seconds between two questions
RETRY_INTERVAL = 0.25  # the same while something is wrong: a start must not wait for the next round
PROBE_TIMEOUT = 3.0  # seconds that an answer may take
MAX_RESULT_AGE = 15.0  # seconds after which a good answer counts no more

Probe = Callable[[], Coroutine[Any, Any, str]]


class ReadinessMonitor:
    """Asks each probe, which answers with what is wrong (empty: nothing); those in `required` decide whether we are ready."""

    def __init__(
        self,
        probes: Mapping[str, Probe],
        required: frozenset[str],
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        probe_timeout: float = PROBE_TIMEOUT,
    ) -> None:
        self._probes, self._required, self._clock, self._sleep, self._probe_timeout = probes, required, clock, sleep, probe_timeout
        self._errors = dict.fromkeys(probes, "not asked yet")
        self._probed_at = dict.fromkeys(probes, clock())
        self._tasks: list[asyncio.Task[None]] = []
        self._pending: dict[str, asyncio.Future[str]] = {}  # for their answers

    def start(self) -> None:
        """Begin to ask."""
        self._tasks = [asyncio.create_task(self._run_probe_loop(name)) for name in self._probes]

    async def stop(self) -> None:
        """Stop asking."""
        ending: list[asyncio.Future[Any]] = [*self._tasks, *self._pending.values()]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def run_probe(self, name: str) -> None:
        """Ask one probe once; one that does not answer in time is left alone, for its end may take as long again."""
        if name not in self._pending:
            self._pending[name] = asyncio.ensure_future(self._probes[name]())
        await asyncio.wait([self._pending[name]], timeout=self._probe_timeout)
        if self._pending[name].done():
            self._errors[name] = _get_probe_error(self._pending.pop(name))
        else:
            self._errors[name] = f"no answer within {self._probe_timeout:g} s"
        self._probed_at[name] = self._clock()

    def get_readiness(self) -> ReadinessResponse:
        """The last answers."""
        parts = {name: self._build_probe_result(name) for name in self._probes}
        if any(part.status == "down" for part in parts.values()):
            return ReadinessResponse("unready", parts)
        return ReadinessResponse("degraded" if any(part.status != "ok" for part in parts.values()) else "ready", parts)

    def _build_probe_result(self, name: str) -> ProbeResult:
        age = self._clock() - self._probed_at[name]
        trouble = self._errors[name] or (f"not asked for {age:.0f} s: the event loop is stuck" if age > MAX_RESULT_AGE else "")
        if not trouble:
            return ProbeResult("ok")
        return ProbeResult("down" if name in self._required else "degraded", trouble)

    async def _run_probe_loop(self, name: str) -> None:
        while True:
            await self.run_probe(name)
            await self._sleep(RETRY_INTERVAL if self._errors[name] else PROBE_INTERVAL)


def _get_probe_error(probe: asyncio.Future[str]) -> str:
    try:
        return probe.result()
    except Exception as error:  # a probe that fails in whatever way is an answer too
        return f"{type(error).__name__}: {error}"
