"""Builds valid deliveries of each channel for tests."""

from typing import Any

import msgspec

from schemas.channels import ChannelName
from schemas.content import Content, EmailContent, PushContent, SmsContent, WebhookContent
from schemas.delivery import Delivery
from schemas.ids import derive_delivery_id, make_id

NOW = 1_760_000_000.0

ADDRESSES: dict[ChannelName, str] = {
    "email": "ada@example.org",
    "sms": "+491701234567",
    "push": "dXNlcg:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx",
    "webhook": "https://shop.example.org/hooks/1?of=42",
}
NO_EMAIL_ADDRESSES = (
    "ada@localhost",
    "ada@example",
    "a..b@example.org",
    ".ada@example.org",
    "ada.@example.org",
    "ada@example..org",
    "ada@.example.org",
    "ada@example.org.",
    "ada@-example.org",
    "ada@exam_ple.org",
    "ada@example.1",
    "ada@127.0.0.1",
    "ada@[127.0.0.1]",
    "mailto:ada@example.org",
    '"ada lovelace"@example.org',
    "(ada)ada@example.org",
    "ada@@example.org",
    "ada@example.org,bob@example.org",
    f"{'a' * 65}@example.org",
    f"ada@{'a' * 64}.org",
    f"ada@{'a.' * 126}org",
)
"""Addresses that `format: email` of JSON Schema refuses, or that no mailbox on the internet has."""

CONTENTS: dict[ChannelName, Content] = {
    "email": EmailContent("Your order", "It is on its way.", "<p>It is on its way.</p>"),
    "sms": SmsContent("Your order is on its way: 3 € & more"),
    "push": PushContent("Your order", "It is on its way.", {"order": "17"}),
    "webhook": WebhookContent("order.shipped", {"order": 17, "to": "Zoë"}),
}


def build_delivery(channel: ChannelName = "email", number: int = 1, **changes: Any) -> Delivery:
    """Build a delivery that was created at NOW and expires after an hour; `number` determines its ids, `changes` are fields of Delivery."""
    notification_id = make_id("ntf_", NOW, number)
    user_id, address = f"u-{number}", changes.get("address", ADDRESSES[channel])
    delivery_id = derive_delivery_id(notification_id, user_id, channel, address)
    delivery = Delivery(delivery_id, notification_id, user_id, channel, address, CONTENTS[channel], NOW, NOW + 3600)
    return msgspec.structs.replace(delivery, **changes)
