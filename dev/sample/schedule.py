"""The steady rate at which the sample is submitted."""

from schemas.ports import Clock, Sleep

# Lines per second. It is below the capacity of a stack with two cores: a burst would queue up, and the latency would be that of the queue.
SUBMISSION_RATE = 300.0


class SubmissionSchedule:
    """Spaces lines evenly at `rate` lines per second; line 1 is due when the schedule is first asked.

    A late line is not skipped: it is due at once. `clock` is monotonic, in seconds.
    """

    def __init__(self, rate: float, clock: Clock, sleep: Sleep) -> None:
        self._interval, self._clock, self._sleep = 1 / rate, clock, sleep
        self._started_at: float | None = None

    async def wait_until_due(self, number: int) -> None:
        """Wait until the line with this number, from 1, is due."""
        now = self._clock()
        if self._started_at is None:
            self._started_at = now
        delay = self._started_at + (number - 1) * self._interval - now
        if delay > 0:
            await self._sleep(delay)
