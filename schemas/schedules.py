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
