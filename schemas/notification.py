"""A notification as a producer submits it: the value of `notifications.<priority>` and, with a priority, a body of the HTTP API."""

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.attachments import MAX_ATTACHMENTS, Attachment
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.enums import Priority
from schemas.push_options import NotificationPushOptions
from schemas.timestamps import Timestamp

MAX_USER_ID: Final = 256  # characters, with the project
MAX_NAME: Final = 128

UserId = Annotated[str, Meta(min_length=1, max_length=MAX_USER_ID)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
IdempotencyKey = Annotated[str, Meta(min_length=1, max_length=256)]
DigestKey = Annotated[
    str, Meta(min_length=1, max_length=256, description="what tells digests of one user and type apart, if the rule gathers notifications")
]
Address = Annotated[str, Meta(min_length=1, max_length=2048)]

Addresses = Annotated[
    dict[ChannelName, Address | Annotated[list[Address], Meta(min_length=1, max_length=20)]],
    Meta(description="instead of the stored addresses; telephone numbers with + and country code; spellings of one address count as one"),
]

Attachments = Annotated[
    list[Attachment], Meta(max_length=MAX_ATTACHMENTS, description="files for the e-mail; other channels leave them out; at most 120 KiB")
]


class Notification(Struct, frozen=True, gc=False, omit_defaults=True):
    """A message for one user; times in epoch seconds or RFC 3339. Only `user_id` and `type` are required."""

    user_id: UserId
    type: Name
    id: str | None = None
    category: Name | None = None
    channels: Annotated[list[ChannelName], Meta(min_length=1, max_length=len(CHANNEL_NAMES))] | None = None
    template: Name | None = None
    data: dict[str, Any] = {}
    locale: Annotated[str, Meta(max_length=35)] | None = None
    to: Addresses = {}
    send_at: Timestamp | None = None
    expires_at: Timestamp | None = None
    digest: DigestKey | None = None
    idempotency_key: IdempotencyKey | None = None
    mandatory: bool = False
    created_at: Timestamp | None = None
    schema_version: Annotated[int, Meta(ge=1)] = 1
    attachments: Attachments = []
    is_test: Annotated[bool, Meta(description="whether it goes to the simulators only; always so with a test key")] = False
    push: Annotated[NotificationPushOptions, Meta(description="options of the push messages; other channels leave them out")] | None = None


class SealedNotification(Notification, frozen=True, gc=False, omit_defaults=True):
    """A notification as it is in Kafka; `sealed` stands for `to`, `data`, `attachments` and `push`, and is written by Herold only."""

    sealed: Annotated[bytes, Meta(description="written by Herold: to, data, attachments and push, sealed with a key of the user")] = b""


class Submission(Notification, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """A notification submitted over HTTP; without `priority`, the rule for the type sets it.

    Unknown fields are ignored on Kafka but rejected here, so that the client learns of a misspelt name.
    """

    priority: Priority | UnsetType = UNSET


class NotificationChange(Struct, frozen=True, forbid_unknown_fields=True):
    """A request to move a held notification."""

    send_at: Annotated[Timestamp, Meta(description="when the notification is released; a time in the past releases it at once")]
