"""Recurring schedules that are due -> a broadcast for each run."""

from collections.abc import Callable

from msgspec import Struct

from agents.polling import limit_wait, poll_forever
from agents.schedules.run_times import plan_runs
from schemas.ports import Sleep
from schemas.schedules import DueSchedule, RunPlan, StartedRuns
from schemas.store_ports import DueSchedules

MAX_SCHEDULES_AT_ONCE = 50


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
        await poll_forever(self.start_due, self._sleep, lambda cause, seconds: self._observe(ScheduleDelay(cause, seconds)))

    async def start_due(self) -> float:
        """Start the runs that are due. Returns the seconds until the next look. Raises UnavailableError."""
        started = await self._schedules.start_runs(self._plan, MAX_SCHEDULES_AT_ONCE)
        for runs in started:
            self._observe(runs)
        if started:
            return 0.0
        wait = await self._schedules.get_wait()
        return limit_wait(wait, self._interval)

    def _plan(self, schedule: DueSchedule, now: float) -> RunPlan:
        """The plan of a schedule. One that has none ends, so that it neither holds up the others nor stops the worker again and again."""
        try:
            return plan_runs(schedule, now)
        except Exception as error:
            self._observe(InvalidSchedule(schedule.id, f"{type(error).__name__}: {error}"))
            return RunPlan([], None)
