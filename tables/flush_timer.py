"""Decides when what was gathered is written: at once after a pause, and in busy times once per interval, for all that arrived in it."""

import asyncio
from collections.abc import Callable


class FlushTimer:
    """Calls `flush` after a request, at most once in `interval` seconds. Quiet traffic is not delayed; busy traffic is gathered."""

    __slots__ = ("_flush", "_flushed_at", "_handle", "_interval")

    def __init__(self, flush: Callable[[], None], interval: float) -> None:
        self._flush, self._interval = flush, interval
        self._flushed_at = -interval  # in the time of the event loop
        self._handle: asyncio.Handle | None = None

    def request(self) -> None:
        """Have `flush` called; requests until then are one."""
        if self._handle is None:
            loop = asyncio.get_running_loop()
            due_at = self._flushed_at + self._interval
            self._handle = loop.call_at(due_at, self._run) if due_at > loop.time() else loop.call_soon(self._run)

    def cancel(self) -> None:
        """Forget a request."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _run(self) -> None:
        self._handle = None
        self._flushed_at = asyncio.get_running_loop().time()
        self._flush()
