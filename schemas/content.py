"""What a template renders to for each channel; at most 64 KiB encoded."""

from typing import Any

from msgspec import Struct

MAX_CONTENT_BYTES = 64 * 1024


class EmailContent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="email"):
    """An e-mail: subject without line breaks, a plain text part, and an HTML part if the template has one."""

    subject: str
    text: str
    html: str = ""


class SmsContent(Struct, frozen=True, gc=False, tag_field="kind", tag="sms"):
    """A text message."""

    text: str


class PushContent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="push"):
    """A push message; `data` are strings, as FCM wants them (HTTP v1, Message.data)."""

    title: str
    body: str
    data: dict[str, str] = {}


class WebhookContent(Struct, frozen=True, gc=False, tag_field="kind", tag="webhook"):
    """What a webhook's consumer is told: the notification's type and data."""

    type: str
    data: dict[str, Any]


Content = EmailContent | SmsContent | PushContent | WebhookContent
