"""The readiness of the gateway: probes run in the background, and `/readyz` shows their last results, none of them old.

Who asks when a good result is older than FRESH_AGE waits for a new one, for CHECK_TIMEOUT at most; all who ask share one run of each probe.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from app.api.responses import ProbeResult, ReadinessResponse
from schemas.ports import Clock, Sleep

PROBE_INTERVAL = 3.0  # seconds between two runs of a probe
RETRY_INTERVAL = 0.25  # seconds between two runs of a failing probe, so that a start is noticed soon
PROBE_TIMEOUT = 3.0  # seconds
FRESH_AGE = 0.25  # seconds; a good result that is older is not shown before the server was asked once more
CHECK_TIMEOUT = 0.5  # seconds; longer than a call of Redis takes to fail (twice redis.socket_timeout)
SLOW_PROBE = 1.0  # seconds; a server that is not required and takes longer is degraded, whatever it said before
MAX_RESULT_AGE = 15.0  # seconds after which a result is out of date

Probe = Callable[[], Coroutine[Any, Any, str]]


class ReadinessMonitor:
    """Runs the probes; each returns an error text, empty for success. The gateway is unready while one of `required` fails."""

    def __init__(
        self,
        probes: Mapping[str, Probe],
        required: frozenset[str],
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        probe_timeout: float = PROBE_TIMEOUT,
    ) -> None:
        self._probes, self._required, self._clock, self._sleep, self._probe_timeout = probes, required, clock, sleep, probe_timeout
        self._errors = dict.fromkeys(probes, "not probed yet")
        self._probed_at = dict.fromkeys(probes, clock())
        self._tasks: list[asyncio.Task[None]] = []
        self._pending: dict[str, asyncio.Future[str]] = {}  # probes that run, by name
        self._started_at: dict[str, float] = {}  # of these
        self._checks: dict[str, asyncio.Task[None]] = {}  # runs that somebody has asked for

    def start(self) -> None:
        """Run the probes in the background."""
        self._tasks = [asyncio.create_task(self._run_probe_loop(name)) for name in self._probes]

    async def stop(self) -> None:
        """Cancel all probes."""
        tasks: list[asyncio.Future[Any]] = [*self._tasks, *self._checks.values(), *self._pending.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def run_probe(self, name: str) -> None:
        """Run one probe. One that times out is not cancelled, because that may take as long again: the next run waits for it."""
        if name not in self._pending:
            self._pending[name], self._started_at[name] = asyncio.ensure_future(self._probes[name]()), self._clock()
        probe = self._pending[name]
        await asyncio.wait([probe], timeout=self._probe_timeout)
        if probe.done():
            self._errors[name] = _get_probe_error(probe)
            if self._pending.get(name) is probe:  # not if another run, which waited for it too, was first
                del self._pending[name]
        else:
            self._errors[name] = f"no result within {self._probe_timeout:g} s"
        self._probed_at[name] = self._clock()

    async def check(self) -> ReadinessResponse:
        """The last results, after new ones of those that are good and not fresh."""
        now = self._clock()
        old = [name for name in self._probes if not self._errors[name] and now - self._probed_at[name] > FRESH_AGE]
        for name in old:
            if name not in self._checks or self._checks[name].done():
                self._checks[name] = asyncio.create_task(self.run_probe(name))
        if old:
            await asyncio.wait([self._checks[name] for name in old], timeout=CHECK_TIMEOUT)
        return self.get_readiness()

    def get_readiness(self) -> ReadinessResponse:
        """The last results."""
        results = {name: self._build_probe_result(name) for name in self._probes}
        if any(result.status == "down" for result in results.values()):
            return ReadinessResponse("unready", results)
        return ReadinessResponse("degraded" if any(result.status != "ok" for result in results.values()) else "ready", results)

    def _build_probe_result(self, name: str) -> ProbeResult:
        age = self._clock() - self._probed_at[name]
        error = self._errors[name] or (f"not probed for {age:.0f} s: the event loop is blocked" if age > MAX_RESULT_AGE else "")
        if not error and name in self._pending and name not in self._required:
            waited = self._clock() - self._started_at[name]
            error = f"no result for {waited:.1f} s" if waited > SLOW_PROBE else ""
        if not error:
            return ProbeResult("ok")
        return ProbeResult("down" if name in self._required else "degraded", error)

    async def _run_probe_loop(self, name: str) -> None:
        while True:
            await self.run_probe(name)
            await self._sleep(RETRY_INTERVAL if self._errors[name] else PROBE_INTERVAL)


def _get_probe_error(probe: asyncio.Future[str]) -> str:
    try:
        return probe.result()
    except Exception as error:  # any exception of a probe means that it failed
        return f"{type(error).__name__}: {error}"
