"""Scheduled notifications and deliveries: the values of `scheduled.<priority>`, and the headers of what the scheduler releases."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Raw, Struct

from schemas.channels import CHANNEL_NAMES, ChannelName

RESUME_COUNT_HEADER = "herold-resume-count"
RESUME_GATE_HEADER = "herold-resume-gate"
ROUTED_CHANNELS_HEADER = "herold-routed-channels"  # those of an escalation on which it has gone out, as `email,push`
DIGEST_HEADER = "herold-digest"  # of a digest: DUE or CANCELLED
DUE, CANCELLED = b"due", b"cancelled"
ORIGINAL_TIME_HEADER = "herold-original-timestamp"  # the broker's time of the first record, in milliseconds


# a resume count has 32 bits; the lowest are for reschedules, which add one each
_REDRIVE_SHIFT, _ATTEMPT_SHIFT, _MAY_BE_SENT = 20, 4, 1 << 3
_MAX_REDRIVES, _MAX_ATTEMPT = (1 << 12) - 1, (1 << 16) - 1


def compute_delivery_resume_count(redrive_count: int, attempt: int, *, may_be_sent: bool) -> int:
    """The resume_count of a delivery that waits for an attempt: of two entries the scheduler takes the greater one.

    After a kill an attempt may be made again. If one of the two got no answer, its entry counts, whichever was written first.
    """
    redrives: int = min(redrive_count, _MAX_REDRIVES)
    return redrives << _REDRIVE_SHIFT | min(attempt, _MAX_ATTEMPT) << _ATTEMPT_SHIFT | _MAY_BE_SENT * may_be_sent


class Scheduled(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="scheduled"):
    """A notification or delivery to release at `due_at` (epoch seconds); `payload` is the JSON of the record, byte for byte.

    `record_time`: the broker's time of the first record in milliseconds, 0 if the payload does not depend on it. `category` and
    `expires_at` (epoch seconds): what the event of a cancelled or moved notification says. `routed_channels`: those on which it has gone
    out; if there are some, the entry is the next step of an escalation, and whatever becomes of it, the notification stays routed.

    `is_digest`: the notification is a digest; one that `is_cancelled` is given back all the same, because the router must close it.
    """

    id: str
    user_id: str
    due_at: float
    target_topic: str
    payload: Raw
    resume_count: int = 0
    resume_gate: str = ""
    record_time: int = 0
    category: str = ""
    expires_at: float = 0.0
    routed_channels: tuple[ChannelName, ...] = ()
    is_digest: bool = False
    is_cancelled: bool = False
    schema_version: int = 1


class Cancel(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="cancel"):
    """Cancels the scheduled entry with this id."""

    id: str
    user_id: str
    target: Literal["notification", "delivery"] = "notification"
    schema_version: int = 1


class Reschedule(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="reschedule"):
    """Moves the scheduled entry with this id to `due_at` (epoch seconds).

    `resume_count`: that of the entry as the sender knows it. A change since then makes the request void: it comes over each priority, and a
    copy must not undo what was changed after the first one. 0: of any entry.
    `after_failure`: the entry is the next step of an escalation, which follows at once because the one before has failed; no other entry is
    moved, and none to a later time.
    """

    id: str
    user_id: str
    due_at: float
    resume_count: int = 0
    after_failure: bool = False
    schema_version: int = 1


ScheduledRecord = Scheduled | Cancel | Reschedule


def encode_channels(channels: Iterable[ChannelName]) -> bytes:
    """The value of the header with channels."""
    return ",".join(channels).encode()


def decode_channels(value: bytes | None) -> tuple[ChannelName, ...]:
    """The channels in the value of a header, those of the catalogue, each once."""
    names = (value or b"").decode(errors="replace").split(",")
    return tuple(name for name in CHANNEL_NAMES if name in names)
