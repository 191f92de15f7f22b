"""What becomes of an agent's exception: a lost partition drops the batch, anything else ends the process with the batch unacknowledged."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

from app.streaming.consumer.batch_handle import AutoAckBatches, BatchHandleStream, FaustBatchHandle
from schemas.errors import PartitionFencedError
from schemas.ports import Batch, BatchHandle

log = logging.getLogger(__name__)

FORCED_EXIT_CODE = 70

BatchProcessor = Callable[[AsyncIterator[Batch]], Awaitable[None]]
BatchHandleProcessor = Callable[[AsyncIterator[BatchHandle]], Awaitable[None]]
FailureHandler = Callable[[BaseException, FaustBatchHandle | None], None]


def build_auto_ack_agent(processor: BatchProcessor, on_failure: FailureHandler) -> Callable[[Any], Awaitable[None]]:
    """The Faust agent around a function that takes batches one after the other."""

    async def process_stream(stream: Any) -> None:
        source = BatchHandleStream(stream)
        batches = AutoAckBatches(source)
        while not source.is_exhausted:
            try:
                await processor(batches)
                _require_exhausted(source)
            except PartitionFencedError as lost:
                log.info("dropped %s: %s", _describe_batch(batches.current_handle), lost)
                batches.release_current()
            except Exception as error:
                await _halt_agent(batches.current_handle, error, on_failure)

    return process_stream


def build_manual_ack_agent(processor: BatchHandleProcessor, on_failure: FailureHandler) -> Callable[[Any], Awaitable[None]]:
    """The Faust agent around a function that acknowledges batches itself."""

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
        raise RuntimeError("the agent returned, although its batches have no end")


async def _halt_agent(handle: FaustBatchHandle | None, error: BaseException, on_failure: FailureHandler) -> NoReturn:
    """Hold the batch until the process has ended: it must neither be acknowledged nor be followed by the next one."""
    log.critical("an agent failed on %s; nothing of it is acknowledged and the process ends", _describe_batch(handle), exc_info=error)
    on_failure(error, handle)
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def _describe_batch(handle: FaustBatchHandle | None) -> str:
    if handle is None:
        return "no batch at all"
    records = handle.batch.records
    return f"{handle.batch.topic} partition {handle.batch.partition}, offsets {records[0].offset} to {records[-1].offset}"


class ShutdownOnFailure:
    """Ends the worker with an error: in order if it can, by force after `after` seconds."""

    def __init__(self, app: Any, timeout: float) -> None:
        self._app = app
        self._timeout = timeout
        self._is_shutting_down = False

    def __call__(self, error: BaseException, failed: FaustBatchHandle | None = None) -> None:
        """Start the end, in which the batches before the failed one may still end; further calls only say what else has failed."""
        self._app.consumer.limit_drain(failed.message if failed else None, self._timeout / 2)
        if self._is_shutting_down:
            return
        self._is_shutting_down = True
        schedule_forced_exit(self._timeout)
        # Only the worker is told, not every service below it (as Service.crash does): so it stops them in order and then exits with 1.
        worker = self._app.beacon.root.data
        worker.crash_reason = error
        worker._crashed.set()


def schedule_forced_exit(timeout: float) -> None:
    """Give the process so many seconds to stop in order: without Kafka it would wait for ever for what it has sent."""

    def force_exit() -> None:
        log.critical("the process did not stop within %s s; it is ended now, and what it had not acknowledged comes again", timeout)
        logging.shutdown()
        os._exit(FORCED_EXIT_CODE)

    timer = threading.Timer(timeout, force_exit)
    timer.daemon = True
    timer.start()
