"""The bodies of responses with the live state of a user; times in epoch seconds."""

from msgspec import Struct

from schemas.enums import Priority


class ScheduledEntryResponse(Struct, frozen=True):
    """A notification or delivery that the scheduler holds until `due_at`."""

    id: str
    due_at: float
    priority: Priority
    resume_count: int


class RateWindowResponse(Struct, frozen=True):
    """A rate limit and how much of it a user has used; `room_again_at` is 0 while it has room, or if it never has.

    An empty `channel` stands for all channels together, an empty `category` for all. One with a `tier` counts for users of that tier.
    """

    channel: str
    max_count: int
    window_seconds: int
    used_count: int
    has_room: bool
    room_again_at: float
    category: str = ""
    tier: str = ""


class IdempotencyKeyResponse(Struct, frozen=True):
    """An idempotency key that is in force: the first notification with it, and until when a second one is a duplicate.

    A notification without a key has its id as the key.
    """

    key: str
    notification_id: str
    received_at: float
    expires_at: float


class OpenDigestResponse(Struct, frozen=True):
    """A digest that gathers notifications until `ends_at`, or until it is sent, if something still holds it then.

    `key` tells digests of one type apart. `cause` is what ends it: its `window`, something in it that would expire (`expiry`), or, if it is
    full, its `count` or `size`.
    """

    id: str
    type: str
    key: str
    count: int
    started_at: float
    ends_at: float
    priority: Priority
    cause: str


class UserStateResponse(Struct, frozen=True):
    """What the workers' tables hold of a user at `read_at`.

    `workers`: by role, who holds the user's partition. `truncated`: tables of which only the first 500 rows are shown. `unavailable`: why
    the part of a role is missing.
    """

    user_id: str
    read_at: float
    time_zone: str
    rate_windows: list[RateWindowResponse]
    idempotency_keys: list[IdempotencyKeyResponse]
    scheduled: list[ScheduledEntryResponse]
    digests: list[OpenDigestResponse]
    workers: dict[str, str]
    truncated: list[str]
    unavailable: dict[str, str]


class WindowResetResponse(Struct, frozen=True):
    """The rate windows of a user that were emptied, by name, and the entry of the audit log."""

    user_id: str
    windows: list[str]
    audit_id: str
