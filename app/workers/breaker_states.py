"""Writes to Redis which breakers of this worker are open, beside the work: nothing waits for it, and without Redis nothing changes."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol

from schemas.errors import UnavailableError
from schemas.ports import Clock
from tables.redis.breaker_states import BreakerState, RedisBreakerStates


class BreakerStates(Protocol):
    """Where the observer of a worker shows its open breakers; the methods do not raise."""

    def set_open(self, account: str, cause: str, seconds: float) -> None: ...
    def set_closed(self, account: str) -> None: ...


class NullBreakerStates:
    """Shows nothing."""

    def set_open(self, account: str, cause: str, seconds: float) -> None:
        """Do nothing."""

    def set_closed(self, account: str) -> None:
        """Do nothing."""


NO_BREAKER_STATES = NullBreakerStates()


class SharedBreakerStates:
    """Shows them in Redis, one write after the other."""

    def __init__(self, states: RedisBreakerStates, clock: Clock, worker: str) -> None:
        """`worker`: what an open breaker is signed with."""
        self._states, self._clock, self._worker = states, clock, worker
        self._opened_at: dict[str, float] = {}  # of the breakers that are open
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def set_open(self, account: str, cause: str, seconds: float) -> None:
        """Show an open breaker, which permits a probe after `seconds`."""
        now = self._clock()
        state = BreakerState(cause, now + seconds, self._worker, self._opened_at.setdefault(account, now))
        self._start(self._states.write(account, state, seconds))

    def set_closed(self, account: str) -> None:
        """Show it no more."""
        self._opened_at.pop(account, None)
        self._start(self._states.remove(account))

    def _start(self, write: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._run(write))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, write: Coroutine[Any, Any, None]) -> None:
        async with self._turn:
            with suppress(UnavailableError):
                await write
