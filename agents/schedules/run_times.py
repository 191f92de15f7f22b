"""When a schedule runs, and what becomes of the runs that it has missed. Pure decisions."""

from collections.abc import Iterator
from itertools import takewhile

from schemas import cron
from schemas.schedules import DueSchedule, RunPlan, Timing

MISSED_AFTER = 60.0  # seconds; a run that is later has been missed
MAX_RUNS_AT_ONCE = 100  # the last ones, of a schedule that runs each that was missed

# A schedule with more than MAX_RUNS_AT_ONCE times in one of these is not asked for all times since it ran.
_WINDOWS = (2 * 3600.0, 5 * 86_400.0, 120 * 86_400.0)  # seconds


def iterate_runs(timing: Timing, after: float) -> Iterator[float]:
    """The times of a schedule after this one (epoch seconds), in order."""
    at = cron.find_next(timing.cron, timing.time_zone, after if timing.start_at is None else max(after, timing.start_at - 1))
    while at is not None and (timing.end_at is None or at <= timing.end_at):
        if at > after and (timing.start_at is None or at >= timing.start_at):
            yield at
        at = cron.find_next(timing.cron, timing.time_zone, at)


def find_next_run(timing: Timing, after: float) -> float | None:
    """The first time of a schedule after this one; None if there is none."""
    return next(iterate_runs(timing, after), None)


def plan_runs(schedule: DueSchedule, now: float) -> RunPlan:
    """Which runs of a due schedule start now. One that is more than MISSED_AFTER late is missed, and then `missed` decides."""
    due = _list_due(schedule, now)
    missed, on_time = [at for at in due if at < now - MISSED_AFTER], [at for at in due if at >= now - MISSED_AFTER]
    started = on_time
    if schedule.missed == "all":
        started = due[-MAX_RUNS_AT_ONCE:]
    elif schedule.missed == "once" and not on_time:
        started = missed[-1:]
    return RunPlan(started, find_next_run(schedule.timing, now), len(due) - len(started))


def _list_due(schedule: DueSchedule, now: float) -> list[float]:
    """The times that are due, in order; of very many the last ones, more than may run at once."""
    first = schedule.next_run_at
    for window in _WINDOWS:
        if now - window <= first:
            break
        times = _list_times(schedule.timing, now - window, now)
        if len(times) > MAX_RUNS_AT_ONCE:
            return times
    return [first, *_list_times(schedule.timing, first, now)]


def _list_times(timing: Timing, after: float, until: float) -> list[float]:
    return list(takewhile(lambda at: at <= until, iterate_runs(timing, after)))
