"""What becomes of an agent's exception: a lost partition drops the batch, anything else ends the process with the batch unacknowledged."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

from app.streaming.held import Held, HeldBatches, PlainBatches
from schemas.errors import PartitionLost
from schemas.ports import Batch, HeldBatch

log = logging.getLogger(__name__)

EXIT_CODE = 70

Run = Callable[[AsyncIterator[Batch]], Awaitable[None]]
RunHeld = Callable[[AsyncIterator[HeldBatch]], Awaitable[None]]
Ending = Callable[[BaseException, Held | None], None]


def plain_agent(run: Run, end: Ending) -> Callable[[Any], Awaitable[None]]:
    """The Faust agent around a function that takes batches one after the other."""

    async def agent(stream: Any) -> None:
        source = HeldBatches(stream)
        batches = PlainBatches(source)
        while not source.ended:
            try:
                await run(batches)
                _must_be_over(source)
            except PartitionLost as lost:
                log.info("dropped %s: %s", _name(batches.current), lost)
                batches.drop()
            except Exception as error:
                await _hold(batches.current, error, end)

    return agent


def held_agent(run: RunHeld, end: Ending) -> Callable[[Any], Awaitable[None]]:
    """The Faust agent around a function that acknowledges batches itself."""

    async def agent(stream: Any) -> None:
        source = HeldBatches(stream)
        try:
            await run(source)
            _must_be_over(source)
        except Exception as error:
            await _hold(source.last, error, end)

    return agent


def _must_be_over(source: HeldBatches) -> None:
    if not source.ended:
        raise RuntimeError("the agent returned, although its batches have no end")


async def _hold(held: Held | None, error: BaseException, end: Ending) -> NoReturn:
    """Hold the batch until the process has ended: it must neither be acknowledged nor be followed by the next one."""
    log.critical("an agent failed on %s; nothing of it is acknowledged and the process ends", _name(held), exc_info=error)
    end(error, held)
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def _name(held: Held | None) -> str:
    if held is None:
        return "no batch at all"
    records = held.batch.records
    return f"{held.batch.topic} partition {held.batch.partition}, offsets {records[0].offset} to {records[-1].offset}"


class EndProcess:
    """Ends the worker with an error: in order if it can, by force after `after` seconds."""

    def __init__(self, app: Any, after: float) -> None:
        self._app = app
        self._after = after
        self._ending = False

    def __call__(self, error: BaseException, failed: Held | None = None) -> None:
        """Start the end, in which the batches before the failed one may still end; further calls only say what else has failed."""
        self._app.consumer.abandon(failed.message if failed else None, self._after / 2)
        if self._ending:
            return
        self._ending = True
        end_by_force(self._after)
        # Only the worker is told, not every service below it (as Service.crash does): so it stops them in order and then exits with 1.
        worker = self._app.beacon.root.data
        worker.crash_reason = error
        worker._crashed.set()


def end_by_force(after: float) -> None:
    """Give the process so many seconds to stop in order: without Kafka it would wait for ever for what it has sent."""

    def end() -> None:
        log.critical("the process did not stop within %s s; it is ended now, and what it had not acknowledged comes again", after)
        logging.shutdown()
        os._exit(EXIT_CODE)

    timer = threading.Timer(after, end)
    timer.daemon = True
    timer.start()
