"""Calls that go on if their caller is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from app.streaming.time_limit import ignore_error


class ShieldedCalls:
    """Runs calls that go on if their caller is cancelled, because they may have sent a request, until `cancel_all`."""

    def __init__(self) -> None:
        self._calls: set[asyncio.Task[Any]] = set()

    async def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a call and return its result. Nobody learns of its error if the caller was cancelled."""
        call = asyncio.ensure_future(coroutine)
        self._calls.add(call)
        call.add_done_callback(self._end_call)
        return await asyncio.shield(call)

    async def cancel_all(self) -> None:
        """Cancel the calls that have not ended, and wait for them."""
        for call in self._calls:
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls)

    def _end_call(self, call: asyncio.Task[Any]) -> None:
        self._calls.discard(call)
        ignore_error(call)
