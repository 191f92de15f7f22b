"""The acknowledgement of a push message by the app that got it, mapped to our events.

FCM reports no delivery to a server, so the app does: it sends the token from the message's data back. The token is signed by us
(schemas/push_receipts.py), names the delivery and the attempt, and gives no access to anything else.
"""

from collections import Counter
from typing import Literal

import msgspec
from msgspec import Struct

from agents.callbacks.mapped_callback import MappedCallback, find_numbers
from schemas.enums import Status
from schemas.events import EngagementEvent, ProviderEvent, ReceiptEvent
from schemas.ids import DELIVERY_PREFIX, is_id
from schemas.link_tokens import LinkTokens

PROVIDER = "fcm"


class PushAck(Struct, frozen=True, forbid_unknown_fields=True):
    """What an app reports of a push message: the token from its data, and whether it arrived, was opened or clicked."""

    token: str
    event: Literal["delivered", "open", "click"] = "delivered"


_decode = msgspec.json.Decoder(PushAck).decode


def decode_push_ack(body: bytes) -> PushAck:
    """The acknowledgement in a request. Raises the errors of DECODE_ERRORS."""
    return _decode(body)


def map_push_ack(tokens: LinkTokens, ack: PushAck, now: float) -> MappedCallback | None:
    """The event of an acknowledgement; None if the token is not one of ours. `now` in epoch seconds.

    A device has one delivery of a notification, so a delivery and what happened to it name the report.
    """
    fields = tokens.verify("receipt", ack.token)
    if fields is None or len(fields) != 3 or not is_id(fields[0], DELIVERY_PREFIX):
        return None
    numbers = find_numbers({"attempt": fields[1], "redrive_count": fields[2]})
    if numbers is None:
        return None
    attempt, redrive_count = numbers
    delivery_id, key = fields[0], f"{fields[0]}|{ack.event}"
    event: ProviderEvent
    if ack.event == "delivered":
        event = ReceiptEvent(
            delivery_id, "push", PROVIDER, key, ack.event, Status.DELIVERED, now, redrive_count, attempt, detail="delivered, by the app"
        )
    else:
        event = EngagementEvent(delivery_id, "push", PROVIDER, key, ack.event, now, redrive_count, attempt)
    return MappedCallback([event], Counter({(ack.event, "taken"): 1}))
