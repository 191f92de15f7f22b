"""Dead letters as they are stored and shown: the table dead_letters. Times in epoch seconds."""

import re
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.dead_letter import DeadLetter, DeadLetterStage
from schemas.dead_letter_causes import CAUSE_CHARACTERS, compute_cause
from schemas.errors import DECODE_ERRORS
from schemas.history import RecordedDeadLetter
from schemas.ids import derive_id
from schemas.json_errors import BYTE_ORDER_MARK

DEAD_LETTER_PREFIX = "dlt_"
MAX_TYPE_CHARACTERS = 256
MAX_ID_TIME = 2.0**47 / 1000  # epoch seconds; the time in an id has 48 bits of milliseconds

DeadLetterState = Literal["open", "redriven", "discarded"]
STAGES: tuple[DeadLetterStage, ...] = get_args(DeadLetterStage)
STATES: tuple[DeadLetterState, ...] = get_args(DeadLetterState)

Cause = Annotated[str, Meta(pattern=f"^[0-9a-f]{{{CAUSE_CHARACTERS}}}$")]
Text = Annotated[str, Meta(max_length=256)]

_CHANNEL = re.compile(rf"(?:^|[.\w-])deliveries\.({'|'.join(CHANNEL_NAMES)})\.[a-z]+$").search


class DeadLetterFilter(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which dead letters are meant: those that have all of what is given. `since` and `until` are epoch seconds of their records.

    `max_redrive_count`: those that were redriven so often at most before they died again.
    """

    reason: Text | None = None
    stage: DeadLetterStage | None = None
    channel: ChannelName | None = None
    type: Text | None = None
    user_id: Text | None = None
    notification_id: Text | None = None
    account: Annotated[str, Meta(max_length=2048)] | None = None
    state: DeadLetterState | None = None
    cause: Cause | None = None
    since: float | None = None
    until: float | None = None
    max_redrive_count: Annotated[int, Meta(ge=0, le=32_767)] | None = None


class StoredDeadLetter(Struct, frozen=True):
    """A row of dead_letters without key, value and headers; what is not known is empty, 0 or null.

    `redrive_id`: the redrive that has sent it; of one that is open, the redrive that has taken it in hand to send it.
    """

    id: str
    created_at: float
    state: DeadLetterState
    cause: str
    stage: DeadLetterStage
    reason: str
    error: str
    channel: str
    type: str
    account: str
    outcome: str
    provider_code: int
    attempts: int
    redrive_count: int
    user_id: str
    notification_id: str
    delivery_id: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_time: float
    topic: str
    partition: int
    offset: int
    is_truncated: bool
    value_bytes: int
    redrive_id: str
    ended_at: float | None
    ended_by: str
    discard_reason: str


class DeadLetterContent(Struct, frozen=True):
    """A dead letter with the bytes of its record, and the headers of the record that could not be processed."""

    stored: StoredDeadLetter
    key: bytes | None
    value: bytes | None
    source_headers: list[tuple[str, bytes]]


class CauseGroup(Struct, frozen=True):
    """The dead letters of one cause: how many, how many of them open, the times of the first and the last, and the last as an example."""

    cause: str
    count: int
    open_count: int
    first_seen_at: float
    last_seen_at: float
    example: StoredDeadLetter


class _TypedValue(Struct):
    type: str = ""


class _TypedPayload(Struct):
    type: str = ""
    payload: _TypedValue | None = None


_decode_type = msgspec.json.Decoder(_TypedPayload).decode


def derive_dead_letter_id(recorded: RecordedDeadLetter) -> str:
    """The id of a dead letter: the time of its record and a hash of its position, so that a replay has the same id."""
    at = min(max(recorded.created_at, 0.0), MAX_ID_TIME)
    return derive_id(DEAD_LETTER_PREFIX, at, recorded.topic, str(recorded.partition), str(recorded.offset))


def find_channel(source_topic: str) -> str:
    """The channel of a topic of deliveries; empty for every other topic."""
    match = _CHANNEL(source_topic)
    return match[1] if match else ""


def find_type(value: bytes | None) -> str:
    """The type of the notification in a record, also in a scheduled one; empty if it cannot be read."""
    try:
        found = _decode_type((value or b"{}").removeprefix(BYTE_ORDER_MARK))
    except DECODE_ERRORS:
        return ""
    text = found.type or (found.payload.type if found.payload else "")
    return text[:MAX_TYPE_CHARACTERS]


def describe_cause(dead_letter: DeadLetter) -> tuple[str, str, str]:
    """Cause, channel and type of a dead letter, by which it is found."""
    return compute_cause(dead_letter), find_channel(dead_letter.source_topic), find_type(dead_letter.value)


class DeadLetterCounts(Struct, frozen=True):
    """Dead letters that are open, and those of the last hour and of the hour before it; each counted up to MAX_COUNTED."""

    open: int
    last_hour: int
    hour_before: int


MAX_COUNTED = 10_000
