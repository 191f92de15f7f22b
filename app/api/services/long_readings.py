"""Readings of PostgreSQL that may take seconds: one at a time for all who ask this process, on a connection of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from schemas.errors import DescribedUnavailableError, ReadingRunningError

LONG_READING_SECONDS: Final = 8.0  # shorter than a command of the pool may take: it ends here, where the reason is known
TOO_LONG: Final = "counting this took more than {seconds:g} s: choose a shorter time"


class LongReadings:
    """Who is admitted to the connection for long readings, so that the pool of the gateway stays free for what is short."""

    def __init__(self, seconds: float = LONG_READING_SECONDS) -> None:
        """`seconds`: after which a reading is cancelled, in PostgreSQL too."""
        self._seconds = seconds
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """Let the block read. Raises ReadingRunningError while another one reads, and DescribedUnavailableError if it takes too long."""
        if self._lock.locked():
            raise ReadingRunningError
        async with self._lock:
            try:
                async with asyncio.timeout(self._seconds):
                    yield
            except TimeoutError:
                raise DescribedUnavailableError(TOO_LONG.format(seconds=self._seconds)) from None
