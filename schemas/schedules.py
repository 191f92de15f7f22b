"""Recurring schedules: a broadcast at each time of a cron expression; times in epoch seconds."""

from typing import Literal

from msgspec import Struct

from schemas.broadcasts import BroadcastNotification
from schemas.enums import Priority

SCHEDULE_PREFIX = "sch_"

MissedRuns = Literal["skip", "once", "all"]
ScheduleState = Literal["active", "paused", "ended"]


class Schedule(Struct, frozen=True):
    """A stored schedule; `version` is the ETag, which runs do not change.

    `audience` is empty if it is for `user_ids`.
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
    rate: int | None
    state: ScheduleState
    next_run_at: float | None
    last_run_at: float | None
    version: int
    created_at: float
    updated_at: float
    created_by: str


class Timing(Struct, frozen=True):
    """The times of a schedule: those of a cron expression in a zone, from `start_at` to `end_at`, both included."""

    cron: str
    time_zone: str
    start_at: float | None = None
    end_at: float | None = None


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
