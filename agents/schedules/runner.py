"""Recurring schedules that are due -> a broadcast for each run."""

from collections.abc import Callable

from msgspec import Struct

from agents.schedules.run_times import plan_runs
from schemas.errors import UnavailableError
from schemas.ports import Sleep
from schemas.schedules import DueSchedule, RunPlan, StartedRuns
from schemas.store_ports import DueSchedules

MAX_SCHEDULES_AT_ONCE = 50
MIN_WAIT = 0.02  # seconds between two looks
FIRST_RETRY = 1.0  # seconds until the next attempt while PostgreSQL is away
LONGEST_RETRY = 10.0


class InvalidSchedule(Struct, frozen=True):
    """A stored schedule whose times cannot be computed; it ends."""

    schedule_id: str
    error: str


class ScheduleDelay(Struct, frozen=True):
    """PostgreSQL does not answer; the next attempt is in `seconds`."""

    cause: str
    seconds: float


ScheduleEvent = StartedRuns | InvalidSchedule | ScheduleDelay


class ScheduleRunner:
    """Starts what is due; several workers share all schedules."""

    def __init__(self, schedules: DueSchedules, sleep: Sleep, interval: float, observe: Callable[[ScheduleEvent], None]) -> None:
        """`interval`: the most seconds between two looks for a new schedule."""
        self._schedules, self._sleep, self._interval, self._observe = schedules, sleep, interval, observe

    async def run_forever(self) -> None:
        """Start runs until cancelled; while PostgreSQL is away, try again."""
        retry = FIRST_RETRY
        while True:
            try:
                wait, retry = await self.start_due(), FIRST_RETRY
            except UnavailableError as error:
                self._observe(ScheduleDelay(str(error), retry))
                wait, retry = retry, min(2 * retry, LONGEST_RETRY)
            await self._sleep(wait)

    async def start_due(self) -> float:
        """Start the runs that are due. Returns the seconds until the next look. Raises UnavailableError."""
        started = await self._schedules.start_runs(self._plan, MAX_SCHEDULES_AT_ONCE)
        for runs in started:
            self._observe(runs)
        if started:
            return 0.0
        wait = await self._schedules.get_wait()
        return self._interval if wait is None else min(self._interval, max(MIN_WAIT, wait))

    def _plan(self, schedule: DueSchedule, now: float) -> RunPlan:
        """The plan of a schedule. One that has none ends, so that it neither holds up the others nor stops the worker again and again."""
        try:
            return plan_runs(schedule, now)
        except Exception as error:
            self._observe(InvalidSchedule(schedule.id, f"{type(error).__name__}: {error}"))
            return RunPlan([], None)
