"""Redrives: dead letters whose records are produced again; times in epoch seconds."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from schemas.dead_letters import DeadLetterContent, DeadLetterFilter
from schemas.enums import Priority, Status
from schemas.profile import Profile

REDRIVE_PREFIX = "rdr_"

RedriveState = Literal["pending", "running", "paused", "cancelled", "done", "failed"]
RedriveAction = Literal["pause", "resume", "cancel"]
RedriveResult = Literal[
    "redriven",
    "expired",
    "opted_out",
    "not_opted_in",
    "suppressed",
    "delivered",
    "delivered_elsewhere",
    "already_redriven",
    "discarded",
    "maybe_sent",
    "unreadable",
    "digest",
    "unknown_source",
    "too_large",
    "missing",
]
"""What became of one dead letter of a redrive: its record is produced again, or why it is not."""

REDRIVEN: RedriveResult = "redriven"

MAX_IDS = 1000  # of one request
MAX_ITEMS = 1_000_000  # dead letters of one redrive
MAX_RATE = 100_000
MAX_EXTENSION = 24 * 3600  # seconds; as long as a notification lives at most

Rate = Annotated[int, Meta(ge=1, le=MAX_RATE, description="dead letters per second; left out: as fast as it goes")]
Extension = Annotated[
    int, Meta(ge=1, le=MAX_EXTENSION, description="seconds: what has expired may be sent for so long from now; left out: it is skipped")
]


class RedriveRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A redrive of the open dead letters that a filter selects, or of these; with `preview` it is counted, and nothing is sent."""

    filter: DeadLetterFilter | None = None
    ids: Annotated[list[str], Meta(min_length=1, max_length=MAX_IDS)] | None = None
    rate: Rate | None = None
    include_delivered: Annotated[
        bool, Meta(description="also what has arrived since, or whose notification was delivered on another channel since")
    ] = False
    extend_expiry: Extension | None = None
    reason: Annotated[str, Meta(max_length=1000, description="why, for the audit log")] = ""
    preview: bool = False


class RedrivePreview(Struct, frozen=True):
    """How many dead letters there are, and by result what would become of those that were examined, the oldest ones."""

    count: int
    examined_count: int
    results: dict[str, int]


class Redrive(Struct, frozen=True):
    """A stored redrive; `redriven_count` is of records that are in Kafka, `skipped_counts` by the reason why nothing was produced.

    `selection` has the filter or the ids of the request. `is_edited`: the only dead letter goes with another value.
    """

    id: str
    selection: dict[str, Any]
    is_edited: bool
    rate: int | None
    include_delivered: bool
    extend_expiry: int | None
    reason: str
    state: RedriveState
    total_count: int
    redriven_count: int
    skipped_counts: dict[str, int]
    created_at: float
    started_at: float | None
    ended_at: float | None
    created_by: str
    error: str


class RedriveFacts(Struct, frozen=True):
    """What is known about a dead letter since: the status of its delivery, with how often it had been redriven, and the profiles.

    `redrive_count` is the delivery's or the notification's; -1 if none is recorded. `profiles` has those of the user and of the address.
    """

    status: Status | None = None
    redrive_count: int = -1
    is_delivered_elsewhere: bool = False
    profiles: Mapping[str, Profile] = {}


class RedriveRecord(Struct, frozen=True):
    """A record that is produced again; `user_key` determines its partition."""

    topic: str
    user_key: bytes
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


class ClaimedRedrive(Struct, frozen=True):
    """A redrive whose next page a worker has in hand; `rate` in dead letters per second."""

    id: str
    rate: int | None
    options: "RedriveOptions"


class RedriveItem(Struct, frozen=True):
    """A dead letter of a redrive, with what is known of it; None if it was deleted meanwhile."""

    id: str
    content: DeadLetterContent | None
    facts: RedriveFacts


class Replacement(Struct, frozen=True):
    """Another value for the record of a dead letter, and the priority that its sender has chosen, if any."""

    value: bytes
    priority: Priority | None


class RedriveOptions(Struct, frozen=True):
    """How a redrive judges and changes what it produces again; `extend_expiry` in seconds."""

    include_delivered: bool = False
    extend_expiry: int | None = None
    replacement: Replacement | None = None


STARTS: dict[RedriveAction, tuple[RedriveState, ...]] = {
    "pause": ("pending", "running"),
    "resume": ("paused", "failed"),
    "cancel": ("pending", "running", "paused"),
}
"""The states in which each action is possible."""

ENDS: dict[RedriveAction, RedriveState] = {"pause": "paused", "resume": "running", "cancel": "cancelled"}
"""The state after each action."""
