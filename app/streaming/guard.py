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
Ending = Callable[[BaseException], None]


def plain_agent(run: Run, end: Ending) -> Callable[[Any], Awaitable[None]]:
    """The Faust agent around a function that takes batches one after the other."""

    async def agent(stream: Any) -> None:
        batches = PlainBatches(HeldBatches(stream))
        while True:
            try:
                await run(batches)
                raise RuntimeError("the agent returned, although its stream has no end")
            except PartitionLost as lost:
                log.info("dropped %s: %s", _name(batches.current), lost)
                batches.drop()
            except Exception as error:
                await _hold(batches.current, error, end)

    return agent


def held_agent(run: RunHeld, end: Ending) -> Callable[[Any], Awaitable[None]]:
    """The Faust agent around a function that acknowledges batches itself."""

    async def agent(stream: Any) -> None:
        try:
            await run(HeldBatches(stream))
            raise RuntimeError("the agent returned, although its stream has no end")
        except Exception as error:
            await _hold(None, error, end)

    return agent


async def _hold(held: Held | None, error: BaseException, end: Ending) -> NoReturn:
    """Hold the batch until the process has ended: it must neither be acknowledged nor be followed by the next one."""
    log.critical("an agent failed on %s; nothing of it is acknowledged and the process ends", _name(held), exc_info=error)
    end(error)
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def _name(held: Held | None) -> str:
    if held is None:
        return "its batches"
    records = held.batch.records
    return f"{held.batch.topic} partition {held.batch.partition}, offsets {records[0].offset} to {records[-1].offset}"


class EndProcess:
    """Ends the worker with an error: in order if it can, by force after `after` seconds."""

    def __init__(self, app: Any, after: float) -> None:
        self._app = app
        self._after = after
        self._crash: asyncio.Task[None] | None = None

    def __call__(self, error: BaseException) -> None:
        """Start the end; further calls do nothing."""
        if self._crash is not None:
            return
        timer = threading.Timer(self._after, self._by_force)
        timer.daemon = True
        timer.start()
        self._app.consumer.abandon()
        self._crash = asyncio.get_running_loop().create_task(self._app.crash(error))

    def _by_force(self) -> None:
        log.critical("the worker did not stop within %s s after its error; it is ended now", self._after)
        logging.shutdown()
        os._exit(EXIT_CODE)
