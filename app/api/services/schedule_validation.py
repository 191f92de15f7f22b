"""What is wrong with a schedule that somebody writes; pure."""

from collections.abc import Iterator

from agents.schedules.run_times import find_next_run
from schemas.cron import find_problem
from schemas.schedules import ScheduleDefinition, ScheduleTimes, build_timing
from schemas.time_zones import find_time_zone_problem
from schemas.timestamps import explain_implausible, is_plausible
from schemas.user_validation import FieldProblem

OWN_TIME = "must be left out: each run has its own time"


def find_schedule_problems(definition: ScheduleDefinition, now: float) -> Iterator[FieldProblem]:
    """Why a schedule cannot be written like this; `now` in epoch seconds."""
    problems = [*find_time_problems(definition), *_find_content_problems(definition)]
    yield from problems
    if not problems and find_next_run(build_timing(definition), now) is None:
        text = f"the schedule never runs: {definition.cron!r} has no time from now and start_at to end_at"
        yield FieldProblem("$.end_at", text)


def find_time_problems(definition: ScheduleDefinition | ScheduleTimes) -> Iterator[FieldProblem]:
    """Why a schedule cannot have these times."""
    if problem := find_problem(definition.cron):
        yield FieldProblem("$.cron", problem, "invalid_cron")
    if problem := find_time_zone_problem(definition.time_zone):
        yield FieldProblem("$.time_zone", problem, "unknown_time_zone")
    times = {"start_at": definition.start_at, "end_at": definition.end_at}
    implausible = {name: time for name, time in times.items() if time is not None and not is_plausible(time)}
    for name, time in implausible.items():
        yield FieldProblem(f"$.{name}", explain_implausible(time))
    timing = build_timing(definition)
    if not implausible and timing.start_at is not None and timing.end_at is not None and timing.end_at <= timing.start_at:
        yield FieldProblem("$.end_at", "must be after start_at")


def _find_content_problems(definition: ScheduleDefinition) -> Iterator[FieldProblem]:
    for name in ("send_at", "expires_at"):
        if getattr(definition.notification, name) is not None:
            yield FieldProblem(f"$.notification.{name}", OWN_TIME)
    if (definition.audience is None) == (definition.user_ids is None):
        yield FieldProblem("$.audience", "give either an audience or user_ids")
