"""Makes entries of the audit log of readings of personal data; one process at a time does it."""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from agents.polling import poll_forever
from schemas.ports import Sleep

MAX_READINGS: Final = 5000  # in one transaction
INTERVAL: Final = 5.0  # seconds


class GatherDelay(NamedTuple):
    """PostgreSQL does not answer, so readings wait: the cause, and the seconds until the next try."""

    cause: str
    seconds: float


class Readings(Protocol):
    """The readings that are noted."""

    async def gather(self, limit: int) -> int:
        """Make entries of at most `limit` readings whose minute is over; returns of how many. Raises UnavailableError."""
        ...


class ReadingGatherer:
    """Gathers what is over, every INTERVAL, and at once while there is more than one transaction takes."""

    def __init__(self, readings: Readings, sleep: Sleep, observe: Callable[[GatherDelay], None]) -> None:
        self._readings, self._sleep, self._observe = readings, sleep, observe

    async def run_forever(self) -> None:
        """Gather until cancelled."""
        await poll_forever(self.gather_once, self._sleep, lambda cause, seconds: self._observe(GatherDelay(cause, seconds)))

    async def gather_once(self) -> float:
        """Gather what one transaction takes; returns the seconds until the next one. Raises UnavailableError."""
        return 0.0 if await self._readings.gather(MAX_READINGS) >= MAX_READINGS else INTERVAL
