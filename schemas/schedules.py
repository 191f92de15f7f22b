"""Recurring schedules: a broadcast at each time of a cron expression; times in epoch seconds."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.audiences import AudienceName
from schemas.broadcasts import BroadcastNotification, Rate, UserIds
from schemas.cron import MAX_CHARACTERS
from schemas.enums import Priority
from schemas.timestamps import Timestamp, to_epoch_seconds

SCHEDULE_PREFIX = "sch_"

MissedRuns = Literal["skip", "once", "all"]
ScheduleState = Literal["active", "paused", "ended"]
ScheduleAction = Literal["pause", "resume"]
ScheduleName = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", description="letters, digits, dots, dashes and underscores")
]


class Timing(Struct, frozen=True):
    """The times of a schedule: those of a cron expression in a zone, from `start_at` to `end_at`, both included."""

    cron: str
    time_zone: str
    start_at: float | None = None
    end_at: float | None = None


class ScheduleTimes(Struct, frozen=True, forbid_unknown_fields=True):
    """When a schedule would run."""

    cron: Annotated[str, Meta(max_length=MAX_CHARACTERS, description="minute, hour, day of the month, month, day of the week")]
    time_zone: Annotated[str, Meta(max_length=64, description="whose clock the expression means")] = "UTC"
    start_at: Annotated[Timestamp, Meta(description="no run is earlier")] | None = None
    end_at: Annotated[Timestamp, Meta(description="no run is later")] | None = None


class ScheduleDefinition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What runs when, and for whom: an audience or these users."""

    cron: Annotated[str, Meta(max_length=MAX_CHARACTERS, description="minute, hour, day of the month, month, day of the week")]
    notification: BroadcastNotification
    time_zone: Annotated[str, Meta(max_length=64, description="whose clock the expression means")] = "UTC"
    start_at: Annotated[Timestamp, Meta(description="no run is earlier")] | None = None
    end_at: Annotated[Timestamp, Meta(description="no run is later")] | None = None
    missed: Annotated[MissedRuns, Meta(description="of runs more than a minute late: none, one for all, or each")] = "once"
    audience: AudienceName | None = None
    user_ids: UserIds | None = None
    priority: Annotated[Priority, Meta(description="left out: as the rule says, else low")] | None = None
    rate: Rate | None = None


class Schedule(Struct, frozen=True):
    """A stored schedule; `version` is the ETag, which runs do not change.

    `audience` is empty if it is for `user_count` named users; lists leave out which. `next_run_at` is null if it is paused or has ended.
    """

    id: str
    name: str
    cron: str
    time_zone: str
    start_at: float | None
    end_at: float | None
    missed: MissedRuns
    notification: BroadcastNotification
    priority: Priority | None
    audience: str
    user_ids: list[str] | None
    user_count: int
    rate: int | None
    state: ScheduleState
    next_run_at: float | None
    last_run_at: float | None
    version: int
    created_at: float
    updated_at: float
    created_by: str


class DueSchedule(Struct, frozen=True):
    """A schedule whose `next_run_at` has come."""

    id: str
    name: str
    timing: Timing
    missed: MissedRuns
    next_run_at: float


class RunPlan(Struct, frozen=True):
    """Which runs of a due schedule start now, and when the next one is due; None: never.

    `skipped_count`: runs that were missed and do not start; of very many at least so many.
    """

    run_times: list[float]
    next_run_at: float | None
    skipped_count: int = 0


class StartedRuns(Struct, frozen=True):
    """What became of a due schedule: the times of the runs that have started, each as a broadcast."""

    schedule_id: str
    name: str
    plan: RunPlan
    broadcast_ids: list[str]


def build_timing(definition: ScheduleDefinition | ScheduleTimes) -> Timing:
    """When a schedule with this definition runs."""
    start_at, end_at = (None if time is None else to_epoch_seconds(time) for time in (definition.start_at, definition.end_at))
    return Timing(definition.cron, definition.time_zone, start_at, end_at)
