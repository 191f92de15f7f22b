"""The content of a delivery as JSON that people read; pure."""

from typing import Any

import msgspec

from schemas.delivery import Delivery
from schemas.sms_segments import SmsSegments, measure_sms


def show_content(delivery: Delivery) -> dict[str, Any]:
    """The content as JSON, without the bytes of files."""
    content: dict[str, Any] = msgspec.to_builtins(delivery.content)
    if "attachments" in content:
        content["attachments"] = [{"filename": one["filename"], "type": one["type"]} for one in content["attachments"]]
    return content


def measure_content(delivery: Delivery) -> SmsSegments | None:
    """The segments of a text message; None for other contents."""
    # Herold asks Twilio for smart encoding (agents/providers/twilio.py)
    return measure_sms(show_content(delivery)["text"], smart_encoding=True) if delivery.channel == "sms" else None
