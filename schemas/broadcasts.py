"""Broadcasts: one notification for each user of an audience or a list; times in epoch seconds."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from schemas.audiences import AudienceName, Recipients
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.enums import Priority
from schemas.ids import NOTIFICATION_PREFIX, derive_id, try_parse_time
from schemas.notification import Name, UserId
from schemas.timestamps import Timestamp

BROADCAST_PREFIX = "brd_"

BroadcastState = Literal["pending", "running", "paused", "cancelled", "done", "failed"]
BroadcastAction = Literal["pause", "resume", "cancel"]

MAX_USER_IDS = 10_000  # of a list that is part of the request
MAX_RATE = 100_000
HALF_A_MILLISECOND = 0.0005

UserIds = Annotated[list[UserId], Meta(min_length=1, max_length=MAX_USER_IDS)]
Rate = Annotated[int, Meta(ge=1, le=MAX_RATE, description="users per second; left out: as fast as it goes")]


class BroadcastNotification(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What each user gets: a notification without user, addresses, id and idempotency key."""

    type: Name
    category: Name | None = None
    channels: Annotated[list[ChannelName], Meta(min_length=1, max_length=len(CHANNEL_NAMES))] | None = None
    template: Name | None = None
    data: dict[str, Any] = {}
    locale: Annotated[str, Meta(max_length=35)] | None = None
    send_at: Timestamp | None = None
    expires_at: Timestamp | None = None
    digest: str | None = None
    mandatory: bool = False


class BroadcastRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A broadcast to an audience or to these users; with `preview` it is checked and counted, and not created."""

    notification: BroadcastNotification
    id: (
        Annotated[
            str, Meta(description="brd_ and the 32 hex digits of a UUIDv7 of now: who repeats the request with it starts nothing twice")
        ]
        | None
    ) = None
    audience: AudienceName | None = None
    user_ids: UserIds | None = None
    priority: Annotated[Priority, Meta(description="left out: as the rule says, else low")] | None = None
    rate: Rate | None = None
    preview: bool = False


class BroadcastCounts(Struct, frozen=True):
    """What became of the notifications of a broadcast and of their deliveries, as of `counted_at`.

    `decided_count`: notifications that were decided, each once. `waiting_count`: what the scheduler holds of them: what is held, and
    retries; if the broadcast was cancelled also digests and next channels. `notifications`: by state; `deliveries`: by status, PENDING if
    there is no result yet. The reasons are those that there are, by state and by status.
    """

    counted_at: float
    decided_count: int
    waiting_count: int
    notifications: dict[str, int]
    notification_reasons: dict[str, dict[str, int]]
    deliveries: dict[str, int]
    delivery_reasons: dict[str, dict[str, int]]


class BroadcastCancellation(Struct, frozen=True):
    """How far the cancel of a broadcast is, which also cancels what waits in the scheduler.

    `checked_count`: notifications that the pass in hand has looked at. `waiting_count`: what waited when the last pass looked; null before
    the first one. `cancelled_count`: notifications and deliveries that the scheduler has cancelled. `is_done`: nothing waits any more.
    """

    is_done: bool
    checked_count: int
    waiting_count: int | None
    cancelled_count: int


class Broadcast(Struct, frozen=True):
    """A stored broadcast; `total_count` is null until it starts, `expanded_count` is of users whose notification is in Kafka.

    `audience` is empty if it is to `user_count` users that the request named. `counts` is null before the first count, and `cancellation`
    unless it is cancelled.
    """

    id: str
    audience: str
    user_count: int
    schedule_id: str | None
    run_at: float | None
    notification: BroadcastNotification
    priority: Priority | None
    rate: int | None
    state: BroadcastState
    total_count: int | None
    expanded_count: int
    created_at: float
    started_at: float | None
    ended_at: float | None
    created_by: str
    error: str
    version: int
    counts: BroadcastCounts | None
    cancellation: BroadcastCancellation | None


class RecipientPreview(Struct, frozen=True):
    """How many users there are, and the first of them. `unknown_users`: of named ones, how many do not exist; they get nothing."""

    count: int
    first_users: list[str]
    unknown_users: int = 0


STARTS: dict[BroadcastAction, tuple[BroadcastState, ...]] = {
    "pause": ("pending", "running"),
    "resume": ("paused", "failed"),
    "cancel": ("pending", "running", "paused", "done", "failed"),
}
"""The states in which each action is possible."""

ENDS: dict[BroadcastAction, BroadcastState] = {"pause": "paused", "resume": "running", "cancel": "cancelled"}
"""The state after each action."""


class ClaimedBroadcast(Struct, frozen=True):
    """A broadcast whose next page a worker has in hand; `notification` is JSON, `rate` in users per second.

    `identified_at` (epoch seconds) is the time in the ids. `recipients` is None if its audience was deleted.
    """

    id: str
    recipients: Recipients | None
    notification: bytes
    priority: Priority | None
    rate: int | None
    cursor: str
    total_count: int | None
    identified_at: float


def derive_notification_id(broadcast_id: str, user_id: str, at: float) -> str:
    """The id of a user's notification, with the time `at` (epoch seconds) that is stored with the cursor of its page."""
    return derive_id(NOTIFICATION_PREFIX, at, broadcast_id, user_id)


def find_source(broadcast_ids: Iterable[str], notification_id: str, user_id: str) -> str:
    """The broadcast that a notification comes from, by its id; empty if it comes from none of these."""
    at = try_parse_time(notification_id) or 0.0
    middle = at + HALF_A_MILLISECOND  # an id has whole milliseconds: no rounding of the float may lead to the one before
    return next((one for one in broadcast_ids if derive_notification_id(one, user_id, middle) == notification_id), "")
