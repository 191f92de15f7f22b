"""Waits that all partitions share, so that Kafka gets one request for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


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
    """Rows of any partition wait here for the next group of any partition, so that one request takes them all."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ended: asyncio.Event | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self) -> None:
        """Wait until `end` is called, but at most as long as the rows may wait that came first."""
        if self._ended is None:
            self._ended = asyncio.Event()
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self.end)
        await self._ended.wait()

    def end(self) -> None:
        """Write the rows that wait."""
        if self._ended is not None and self._timer is not None:
            self._timer.cancel()
            self._ended.set()
            self._ended = self._timer = None
