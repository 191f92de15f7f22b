"""The bodies of requests about audiences, broadcasts and schedules, and of the responses that list them."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.audiences import Audience, AudienceDefinition, AudienceFilter, MemberChange
from schemas.broadcasts import Broadcast, BroadcastRequest
from schemas.schedules import Schedule, ScheduleDefinition, ScheduleTimes


class BroadcastActionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a broadcast or schedule is paused, resumed, cancelled or run, for the audit log; the body may be empty."""

    reason: Annotated[str, Meta(max_length=1000)] = ""


class AudiencePage(Struct, frozen=True):
    """Audiences in the order of their names; `next_cursor` is null on the last page."""

    items: list[Audience]
    next_cursor: str | None


class MemberPage(Struct, frozen=True):
    """The ids of the users of an audience, in order; `next_cursor` is null on the last page."""

    items: list[str]
    next_cursor: str | None


class BroadcastPage(Struct, frozen=True):
    """Broadcasts, newest first; `next_cursor` is null on the last page."""

    items: list[Broadcast]
    next_cursor: str | None


class ScheduleDetails(Schedule, frozen=True, kw_only=True):
    """A schedule with the times of its next five runs, without regard to a pause."""

    next_runs: list[float]


class NextRuns(Struct, frozen=True):
    """The times of the next five runs, in epoch seconds; fewer if there are not so many."""

    next_runs: list[float]


class SchedulePage(Struct, frozen=True):
    """Schedules in the order of their names; `next_cursor` is null on the last page."""

    items: list[Schedule]
    next_cursor: str | None


BROADCAST_BODIES: tuple[type[Struct], ...] = (
    AudienceDefinition,
    AudienceFilter,
    AudiencePage,
    MemberChange,
    MemberPage,
    BroadcastRequest,
    BroadcastActionRequest,
    BroadcastPage,
    ScheduleDefinition,
    ScheduleDetails,
    ScheduleTimes,
    SchedulePage,
)
"""The structs that OpenAPI describes."""
