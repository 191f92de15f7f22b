"""The task that starts runs: how long it waits, and that an outage or an invalid schedule ends nothing."""

import asyncio
from collections.abc import Callable

import pytest

from agents.polling import FIRST_RETRY, MIN_WAIT
from agents.schedules.runner import InvalidSchedule, ScheduleDelay, ScheduleEvent, ScheduleRunner
from schemas.errors import UnavailableError
from schemas.schedules import DueSchedule, RunPlan, StartedRuns, Timing

NOW = 1_795_849_200.0
DUE = DueSchedule("sch_1", "news", Timing("* * * * *", "UTC"), "once", NOW)
INVALID = DueSchedule("sch_2", "broken", Timing("61 * * * *", "UTC"), "once", NOW)
UNEXPECTED = DueSchedule("sch_3", "odd", Timing(17, "UTC"), "once", NOW)  # type: ignore[arg-type]


class Schedules:
    """The store: schedules that are due, and a number of times that it does not answer."""

    def __init__(self, due: list[DueSchedule], wait: float | None = None, outages: int = 0) -> None:
        self.due, self.wait, self.outages = due, wait, outages

    async def start_runs(self, plan: Callable[[DueSchedule, float], RunPlan], limit: int) -> list[StartedRuns]:
        if self.outages:
            self.outages -= 1
            raise UnavailableError("PostgreSQL does not answer")
        started = [StartedRuns(schedule.id, schedule.name, plan(schedule, NOW), ["brd_1"]) for schedule in self.due[:limit]]
        self.due = self.due[limit:]
        return started

    async def get_wait(self) -> float | None:
        return self.wait


async def run(schedules: Schedules, sleeps: int) -> tuple[list[float], list[ScheduleEvent]]:
    """Let the task sleep so often; how long, and what it has observed."""
    waits: list[float] = []
    events: list[ScheduleEvent] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == sleeps:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await ScheduleRunner(schedules, sleep, 5.0, events.append).run_forever()
    return waits, events


@pytest.mark.parametrize(("wait", "expected"), [(None, 5.0), (60.0, 5.0), (1.5, 1.5), (0.0, MIN_WAIT), (-3.0, MIN_WAIT)])
async def test_it_looks_again_when_the_next_run_is_due(wait: float | None, expected: float) -> None:
    waits, events = await run(Schedules([DUE], wait), 2)
    assert waits == [0.0, expected]
    assert events == [StartedRuns("sch_1", "news", RunPlan([NOW], NOW + 60), ["brd_1"])]


@pytest.mark.parametrize("schedule", [INVALID, UNEXPECTED])
async def test_a_schedule_without_a_plan_ends_and_the_others_run(schedule: DueSchedule) -> None:
    _, events = await run(Schedules([schedule, DUE]), 1)
    assert isinstance(events[0], InvalidSchedule)
    assert [event.plan.run_times for event in events if isinstance(event, StartedRuns)] == [[], [NOW]]
    assert isinstance(events[1], StartedRuns)
    assert events[1].plan.next_run_at is None


async def test_an_outage_is_waited_for() -> None:
    waits, events = await run(Schedules([DUE], outages=2), 3)
    assert waits == [FIRST_RETRY, 2 * FIRST_RETRY, 0.0]
    assert [type(event) for event in events] == [ScheduleDelay, ScheduleDelay, StartedRuns]
