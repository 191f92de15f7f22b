"""Waits that all partitions share, so that Kafka gets one request for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

JOIN_AGE = 0.02  # seconds


class LingerTimer:
    """One timer for the open groups of all partitions: they are closed together, and Kafka gets them in one request."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._callbacks: list[Callable[[], None]] = []

    def add(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the timer ends; the first callback starts it."""
        if not self._callbacks:
            asyncio.get_running_loop().call_later(self._seconds, self._end)
        self._callbacks.append(callback)

    def _end(self) -> None:
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()


class RowLinger:
    """Rows wait here for the next group of their partition, so that one request takes both.

    Those that have waited for JOIN_AGE go with the next request of any partition: at low rates their own is long in coming, and under load
    it is near.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waits: dict[asyncio.Event, float] = {}  # since when, in seconds of the loop's clock; oldest first

    async def wait(self, ended: asyncio.Event) -> None:
        """Wait until `ended` is set, and set it when the rows must wait no longer."""
        loop = asyncio.get_running_loop()
        self._waits[ended] = loop.time()
        timer = loop.call_later(self._seconds, self._end, ended)
        await ended.wait()
        timer.cancel()
        self._waits.pop(ended, None)

    def join_request(self) -> None:
        """A request is about to be sent: end the waits that may go with it."""
        latest = asyncio.get_running_loop().time() - JOIN_AGE
        while self._waits:
            ended, since = next(iter(self._waits.items()))
            if since > latest:
                break
            del self._waits[ended]
            ended.set()

    def _end(self, ended: asyncio.Event) -> None:
        ended.set()
        self.join_request()
