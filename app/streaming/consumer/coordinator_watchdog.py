"""The coordinator watchdog: Faust never asks aiokafka for errors of the group, so a worker could live on and consume nothing."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import mode

log = logging.getLogger(__name__)


class CoordinatorSilentError(RuntimeError):
    """Kafka answers, but the group has heard nothing from this worker for longer than any rebalance takes."""


class CoordinatorWatchdog(mode.Service):
    """Asks every few seconds; an error ends the worker, and its supervisor starts it again.

    It also ends a worker that can no longer hear of its group although Kafka answers: no commit of it can tell whether its partitions are
    still its own. Since lost connections are mended (connections.py) no such case is known; this is for those that are not.
    """

    def __init__(
        self,
        thread: Any,
        interval: float,
        *,
        get_silence: Callable[[], float],
        is_kafka_reachable: Callable[[], Awaitable[bool]],
        timeout: float,
        on_failure: Callable[[BaseException], None],
        **options: Any,
    ) -> None:
        """`thread`: the consumer's; `interval` in seconds, of which `silence` tells how many the group was silent.

        `answers`: whether Kafka does, by another way than the group's; `patience`: seconds for which it does in vain before `end` ends the
        worker.
        """
        super().__init__(**options)
        self._silent_for = 0.0
        self._thread, self._interval = thread, interval
        self._get_silence, self._is_kafka_reachable, self._timeout, self._on_failure = get_silence, is_kafka_reachable, timeout, on_failure

    @mode.Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(self._interval)
            await self._thread.call_thread(self._check_errors)
            await self.check_heartbeat()

    async def check_heartbeat(self) -> None:
        """End the worker if Kafka answers for long, but not its group."""
        if self._get_silence() <= self._interval or not await self._is_kafka_reachable():
            self._silent_for = 0.0
            return
        self._silent_for += self._interval
        if min(self._silent_for, self._get_silence()) > self._timeout:
            error = CoordinatorSilentError(f"Kafka answers, but the group has not heard of this worker for {self._get_silence():.0f} s")
            log.critical("the worker ends, and what it had not acknowledged comes again: %s", error)
            self._on_failure(error)

    async def _check_errors(self) -> None:
        consumer = self._thread._consumer
        if consumer is not None and not consumer._closed:
            consumer._coordinator.check_errors()
