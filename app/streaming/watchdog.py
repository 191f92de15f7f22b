"""The coordinator watchdog: Faust never asks aiokafka for errors of the group, so a worker could live on and consume nothing."""

from __future__ import annotations

from typing import Any

import mode


class CoordinatorWatchdog(mode.Service):
    """Asks every few seconds; an error ends the worker, and its supervisor starts it again."""

    def __init__(self, thread: Any, interval: float, **options: Any) -> None:
        """`thread`: the consumer's; `interval` in seconds."""
        super().__init__(**options)
        self._thread = thread
        self._interval = interval

    @mode.Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(self._interval)
            await self._thread.call_thread(self._check)

    async def _check(self) -> None:
        consumer = self._thread._consumer
        if consumer is not None and not consumer._closed:
            consumer._coordinator.check_errors()
