"""Builds what follows when a delivery is cancelled while it waits for its next attempt or its turn."""

from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from schemas.channels import ChannelName
from schemas.enums import Reason, Status
from schemas.events import StatusEvent
from schemas.scheduled import Scheduled
from schemas.topics import parse_priority


class WaitingDelivery(Struct):
    """What the event needs of a delivery."""

    id: str
    notification_id: str
    user_id: str
    channel: ChannelName
    created_at: float
    redrive_count: int = 0
    attempt: int = 0
    possible_duplicate: bool = False
    variant: str = ""
    is_test: bool = False
    type: str = ""
    category: str = ""
    template: str = ""
    due_at: float = 0.0
    is_ordered: bool = False


class CancelledDelivery(NamedTuple):
    """The record that a delivery of an ordered endpoint is given back with: its worker ends it, and lets the next one follow."""

    topic: str
    value: bytes


_decode = msgspec.json.Decoder(WaitingDelivery).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


def build_cancelled(scheduled: Scheduled, now: float) -> StatusEvent | CancelledDelivery:
    """What follows when the delivery in an entry is cancelled. Raises msgspec.DecodeError if the entry has none."""
    delivery = _decode(scheduled.payload)
    if delivery.is_ordered:
        fields = {**_decode_fields(scheduled.payload), "is_cancelled": True}
        return CancelledDelivery(scheduled.target_topic, _encode(fields))
    return build_cancelled_event(scheduled, delivery, now)


def build_cancelled_event(scheduled: Scheduled, delivery: WaitingDelivery, now: float) -> StatusEvent:
    """The end of a delivery that waited in an entry."""
    return StatusEvent(
        delivery.id,
        delivery.notification_id,
        delivery.user_id,
        delivery.channel,
        Status.FAILED,
        now,
        delivery.created_at,
        delivery.redrive_count,
        delivery.attempt,
        reason=Reason.CANCELLED,
        possible_duplicate=delivery.possible_duplicate,
        variant=delivery.variant,
        is_test=delivery.is_test,
        priority=parse_priority(scheduled.target_topic),
        type=delivery.type,
        category=delivery.category,
        template=delivery.template,
        due_at=delivery.due_at,
    )
