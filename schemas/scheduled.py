"""What is not due yet: the value of `scheduled.<priority>`."""

from typing import Literal

from msgspec import Raw, Struct


class Scheduled(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="scheduled"):
    """A notification or delivery to be released at `due` (epoch seconds); `payload` is the record's JSON, untouched."""

    id: str
    user_id: str
    due_at: float
    target_topic: str
    payload: Raw
    resume_count: int = 0
    resume_gate: str = ""
    schema_version: int = 1


class Cancel(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="cancel"):
    """Forget what is scheduled under this id."""

    id: str
    user_id: str
    target: Literal["notification", "delivery"] = "notification"
    schema_version: int = 1
