"""The bodies of requests about audiences and broadcasts, and of the responses that list them."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.audiences import Audience, AudienceDefinition, AudienceFilter, MemberChange
from schemas.broadcasts import Broadcast, BroadcastRequest


class BroadcastActionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a broadcast is paused, resumed or cancelled, for the audit log; the body may be empty."""

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


BROADCAST_BODIES: tuple[type[Struct], ...] = (
    AudienceDefinition,
    AudienceFilter,
    AudiencePage,
    MemberChange,
    MemberPage,
    BroadcastRequest,
    BroadcastActionRequest,
    BroadcastPage,
)
"""The structs that OpenAPI describes."""
