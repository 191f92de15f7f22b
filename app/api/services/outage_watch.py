"""Notices within two seconds that no broker answers, so that nobody waits for Kafka until the time limit of a request."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from schemas.patience import run_within

Probe = Callable[[], Coroutine[Any, Any, str]]

CHECK_INTERVAL: Final = 0.25  # seconds
DOUBT_AFTER: Final = 0.5  # seconds that a request waits before the brokers are asked whether they are there
ANSWER_TIMEOUT: Final = 1.0  # seconds without those of this process's own work; a broker that is slower does not confirm records either


class OutageWatch:
    """Asks the brokers when a request waits for long, and again until they answer. A partition without a leader is no outage.

    `get_longest_wait`: seconds that the oldest request has waited. `probe`: why no broker answers, empty if one does. `on_outage` is called
    when none does any more.
    """

    def __init__(self, get_longest_wait: Callable[[], float], probe: Probe, on_outage: Callable[[], None]) -> None:
        self._get_longest_wait, self._probe, self._on_outage = get_longest_wait, probe, on_outage
        self._task: asyncio.Task[None] | None = None
        self.is_out = False

    def start(self) -> None:
        """Watch in the background."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def check(self) -> None:
        """Find out whether brokers answer, if there is a doubt."""
        if not self.is_out and self._get_longest_wait() < DOUBT_AFTER:
            return
        was_out, self.is_out = self.is_out, not await self._is_answered()
        if self.is_out and not was_out:
            self._on_outage()

    async def _is_answered(self) -> bool:
        try:
            return not await run_within(self._probe(), ANSWER_TIMEOUT)
        except TimeoutError:
            return False

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            await self.check()
