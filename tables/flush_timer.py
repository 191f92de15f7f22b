"""Decides when what was gathered is written: at once after a pause, and in busy times once per interval, for all that arrived in it."""

import asyncio
from collections.abc import Callable
from math import inf


class FlushTimer:
    """Calls `flush` after a request, at most once in an interval. Quiet traffic is not delayed; busy traffic is gathered."""

    __slots__ = ("_due_at", "_flush", "_flushed_at", "_handle")

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        self._flushed_at = self._due_at = -inf  # in the time of the event loop
        self._handle: asyncio.Handle | None = None

    def request(self, interval: float) -> None:
        """Have `flush` called, `interval` seconds after its last call or soon; requests until then are one, with the shortest interval."""
        due_at = self._flushed_at + interval
        if self._handle is not None:
            if due_at >= self._due_at:
                return
            self._handle.cancel()
        loop = asyncio.get_running_loop()
        self._due_at = due_at
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
