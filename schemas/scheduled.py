"""Scheduled notifications and deliveries: the values of `scheduled.<priority>`."""

from typing import Literal

from msgspec import Raw, Struct


class Scheduled(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="scheduled"):
    """A notification or delivery to release at `due_at` (epoch seconds); `payload` is the JSON of the record, byte for byte."""

    id: str
    user_id: str
    due_at: float
    target_topic: str
    payload: Raw
    resume_count: int = 0
    resume_gate: str = ""
    schema_version: int = 1


class Cancel(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="cancel"):
    """Cancels the scheduled entry with this id."""

    id: str
    user_id: str
    target: Literal["notification", "delivery"] = "notification"
    schema_version: int = 1
