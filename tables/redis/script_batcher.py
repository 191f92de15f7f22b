"""Runs a script once for the calls of many concurrent requests: a command to Redis costs the client as much as twenty more keys in one."""

import asyncio
from collections.abc import Sequence
from copy import copy
from typing import Any, NamedTuple

from tables.flush_timer import FlushTimer
from tables.redis.client import RedisClient

MAX_CALLS_PER_SCRIPT = 500
GATHER_INTERVAL = 0.002  # seconds


class _Call(NamedTuple):
    keys: Sequence[str]
    values: Sequence[str | bytes | int]
    result: asyncio.Future[Any]


class ScriptBatcher:
    """Runs a script in scripts/ that takes `shared_values`, and then the values of each call; one run is in flight at a time.

    The script returns a flat list of positions and results; the result of a call that is not in it is None.
    """

    def __init__(self, client: RedisClient, script: str, shared_values: Sequence[str | bytes | int]) -> None:
        self._client, self._script, self._shared_values = client, script, shared_values
        self._calls: list[_Call] = []
        self._task: asyncio.Task[None] | None = None
        self._timer = FlushTimer(self._start)

    async def run(self, key: str, *values: str | bytes) -> Any:
        """The result of the script for this key. Raises UnavailableError as RedisClient.execute does."""
        return await self.run_keys((key,), values)

    async def run_keys(self, keys: Sequence[str], values: Sequence[str | bytes | int]) -> Any:
        """The result of a script that takes several keys for each call. Raises as `run` does."""
        call = _Call(keys, values, asyncio.get_running_loop().create_future())
        self._calls.append(call)
        if self._task is None:
            self._timer.request(GATHER_INTERVAL)
        return await call.result

    def _start(self) -> None:
        calls, self._calls = self._calls[:MAX_CALLS_PER_SCRIPT], self._calls[MAX_CALLS_PER_SCRIPT:]
        if any(not call.result.done() for call in calls):  # after the last caller has gone the loop may end before a task begins
            self._task = asyncio.get_running_loop().create_task(self._run(calls))

    async def _run(self, calls: Sequence[_Call]) -> None:
        try:
            results = await self._run_script(calls)
            for position, call in enumerate(calls, 1):
                if not call.result.done():
                    call.result.set_result(results.get(position))
        except Exception as error:  # whatever it is, each caller has to learn of it
            for call in calls:
                if not call.result.done():
                    call.result.set_exception(copy(error))  # a traceback for each
        finally:
            self._task = None
            if self._calls:
                self._timer.request(GATHER_INTERVAL)

    async def _run_script(self, calls: Sequence[_Call]) -> dict[int, Any]:
        values = [*self._shared_values, *(value for call in calls for value in call.values)]
        reply = await self._client.run_script(self._script, [key for call in calls for key in call.keys], values)
        return dict(zip(reply[::2], reply[1::2], strict=True))
