"""Builds the status event of a delivery that was cancelled while it waited for its next attempt."""

import msgspec
from msgspec import Struct

from schemas.channels import ChannelName
from schemas.enums import Reason, Status
from schemas.events import StatusEvent
from schemas.scheduled import Scheduled


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


_decode = msgspec.json.Decoder(WaitingDelivery).decode


def build_cancelled_event(scheduled: Scheduled, now: float) -> StatusEvent:
    """The end of the delivery in an entry. Raises msgspec.DecodeError if the entry has none."""
    delivery = _decode(scheduled.payload)
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
    )
