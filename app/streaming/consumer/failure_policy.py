"""Handles an agent's exception: it stops the worker, with the batch unacknowledged, after a drain that does not wait for that batch."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

from faust.types import TP

from app.forced_exit import schedule_forced_exit
from app.streaming.consumer.faust_batch import BatchHandleStream, FaustBatchHandle
from schemas.ports import BatchHandle

DRAIN_SHARE = 0.25  # of the time of a stop with an error; commit, callbacks, consumer and producer take the rest if Kafka is unreachable

log = logging.getLogger(__name__)

BatchProcessor = Callable[[AsyncIterator[BatchHandle]], Awaitable[None]]
FailureHandler = Callable[[BaseException, FaustBatchHandle | None], None]


def build_agent(processor: BatchProcessor, on_failure: FailureHandler) -> Callable[[Any], Awaitable[None]]:
    """A Faust agent around a function that acknowledges batches itself."""

    async def process_stream(stream: Any) -> None:
        source = BatchHandleStream(stream)
        try:
            await processor(source)
            _require_exhausted(source)
        except Exception as error:
            await _halt_agent(source.last_handle, error, on_failure)

    return process_stream


def _require_exhausted(source: BatchHandleStream) -> None:
    if not source.is_exhausted:
        raise RuntimeError("the agent returned before its stream ended")


async def _halt_agent(handle: FaustBatchHandle | None, error: BaseException, on_failure: FailureHandler) -> NoReturn:
    """Keep the batch until the process exits: it must not be acknowledged, nor followed by the next one."""
    log.critical("an agent failed on %s; the batch is not acknowledged, the worker stops", _describe_batch(handle), exc_info=error)
    on_failure(error, handle)
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def _describe_batch(handle: FaustBatchHandle | None) -> str:
    if handle is None:
        return "no batch"
    batch = handle.batch
    return f"{batch.topic} partition {batch.partition}, offsets {batch.first_offset} to {batch.last_offset}"


class DrainLimit:
    """How long a rebalance or stop waits for batches in flight, and for which.

    After an error the time is shorter, and the failed batch and later ones of its partition are not waited for.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout  # seconds
        self._failed_offsets: dict[TP, int] = {}

    def limit(self, failed: Any, timeout: float) -> None:
        """Wait at most `timeout` seconds, and no longer for the failed batch, if any."""
        self.timeout = min(timeout, self.timeout)
        if failed is not None:
            self._failed_offsets[failed.tp] = min(failed.offset, self._failed_offsets.get(failed.tp, failed.offset))

    def is_awaited(self, message: Any) -> bool:
        """Whether the drain waits for this batch."""
        failed_offset = self._failed_offsets.get(message.tp)
        return failed_offset is None or bool(message.offset < failed_offset)


class ShutdownOnFailure:
    """Stops the worker with an error: in order, or by force after `timeout` seconds."""

    def __init__(self, app: Any, timeout: float) -> None:
        self._app = app
        self._timeout = timeout
        self._is_shutting_down = False

    def __call__(self, error: BaseException, failed: FaustBatchHandle | None = None) -> None:
        """Start the stop; batches before the failed one may still be acknowledged. Further calls only add failed batches."""
        self._app.consumer.limit_drain(failed.message if failed else None, self._timeout * DRAIN_SHARE)
        if self._is_shutting_down:
            return
        self._is_shutting_down = True
        schedule_forced_exit(self._timeout)
        # Not Service.crash: it also crashes every child service. This way the worker stops them in order and exits with 1.
        worker = self._app.beacon.root.data
        worker.crash_reason = error
        worker._crashed.set()
