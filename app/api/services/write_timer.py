"""Has the records of one priority written when the linger says that they are due."""

import asyncio
from collections.abc import Callable
from math import inf

from app.api.services.adaptive_linger import AdaptiveLinger

RESOLUTION = 0.001  # seconds, of the event loop's timers: one may end so early, and a shorter one would be none


class WriteTimer:
    """Calls `request_write` when records are due; `linger` decides when, in the time of the event loop."""

    __slots__ = ("_handle", "_linger", "_request_write")

    def __init__(self, linger: AdaptiveLinger, request_write: Callable[[], None]) -> None:
        self._linger, self._request_write = linger, request_write
        self._handle: asyncio.TimerHandle | None = None

    def record_request(self, records: int) -> None:
        """Record an HTTP request whose records are queued."""
        now = asyncio.get_running_loop().time()
        self._linger.record_request(records, now)
        self._check(now)

    def record_write(self) -> None:
        """Record that everything that was queued is written."""
        self._linger.record_write(asyncio.get_running_loop().time())
        self.cancel()

    def cancel(self) -> None:
        """Let nothing become due any more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _check(self, now: float) -> None:
        """Request the write if it is due; else come back when it may be: later requests move that time."""
        if self._linger.due_at - now < RESOLUTION:
            self._request_write()
        elif self._handle is None and self._linger.due_at < inf:
            self._handle = asyncio.get_running_loop().call_at(self._linger.due_at, self._on_time)

    def _on_time(self) -> None:
        self._handle = None
        self._check(asyncio.get_running_loop().time())
