"""Deliveries to test with: one of each channel, valid unless told otherwise."""

from typing import Any

import msgspec

from schemas.content import Content, EmailContent, PushContent, SmsContent, WebhookContent
from schemas.delivery import Delivery
from schemas.enums import Channel
from schemas.ids import derive_delivery_id, make_id

NOW = 1_760_000_000.0

ADDRESSES: dict[Channel, str] = {
    "email": "ada@example.org",
    "sms": "+491701234567",
    "push": "dXNlcg:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx",
    "webhook": "https://shop.example.org/hooks/1?of=42",
}
CONTENTS: dict[Channel, Content] = {
    "email": EmailContent("Your order", "It is on its way.", "<p>It is on its way.</p>"),
    "sms": SmsContent("Your order is on its way: 3 € & more"),
    "push": PushContent("Your order", "It is on its way.", {"order": "17"}),
    "webhook": WebhookContent("order.shipped", {"order": 17, "to": "Zoë"}),
}


def build_delivery(channel: Channel = "email", number: int = 1, **changes: Any) -> Delivery:
    """The delivery number so-and-so of a channel, made at NOW, for an hour."""
    notification = make_id("ntf_", NOW, number)
    user, address = f"u-{number}", changes.get("address", ADDRESSES[channel])
    an_id = derive_delivery_id(notification, user, channel, address)
    delivery = Delivery(an_id, notification, user, channel, address, CONTENTS[channel], NOW, NOW + 3600)
    return msgspec.structs.replace(delivery, **changes)
