"""Trials on recorded notifications: simulations of rules and checks of templates, one at a time for all who ask this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from schemas.errors import SimulationRunningError

MAX_SEARCH_SECONDS: Final = 8.0  # after which no further chunk of recorded notifications is read


class Trials:
    """Who is admitted to a trial, which takes seconds of a processor and the memory of many notifications."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def admit(self, *, waits: bool = False) -> AsyncIterator[None]:
        """Let the block run; while another one runs, raise SimulationRunningError, or wait for its end."""
        if self._lock.locked() and not waits:
            raise SimulationRunningError
        async with self._lock:
            yield
