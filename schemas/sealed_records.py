"""What is sealed in notifications, deliveries and whole records, and how it is put together again; pure."""

from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from schemas.content import Content, SmsContent
from schemas.delivery import Delivery
from schemas.errors import DECODE_ERRORS, SealError
from schemas.notification import Addresses, Attachments, Notification, SealedNotification
from schemas.push_options import NotificationPushOptions
from schemas.sealing import SEALED_FORMAT, Sealer

NO_CONTENT = SmsContent("")
"""Stands for the content of a delivery that is sealed, or that waits with its record compressed."""

PRIVATE_FIELDS = ("to", "data", "attachments", "push")
"""The fields of a notification that are sealed."""

NO_CONTENT_JSON = Raw(msgspec.json.encode(NO_CONTENT))
"""The same, encoded."""


class PrivateNotification(Struct, frozen=True, gc=False, omit_defaults=True):
    """What is sealed of a notification."""

    to: Addresses = {}
    data: dict[str, Any] = {}
    attachments: Attachments = []
    push: NotificationPushOptions | None = None


class PrivateDelivery(Struct, frozen=True, gc=False):
    """What is sealed of a delivery."""

    address: str
    content: Content


_encode = msgspec.json.Encoder().encode
_decode_notification = msgspec.json.Decoder(PrivateNotification).decode
_decode_delivery = msgspec.json.Decoder(PrivateDelivery).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def seal_notification(notification: Notification, sealer: Sealer, notification_id: str) -> SealedNotification:
    """The notification with its id and its private fields sealed; what a subclass adds is left out."""
    private = _encode(PrivateNotification(notification.to, notification.data, notification.attachments, notification.push))
    one, sealed = notification, sealer.seal("notification", notification_id, private)
    # by position: keywords for so many fields cost more than sealing
    # fmt: off
    return SealedNotification(
        one.user_id, one.type, notification_id, one.category, one.channels, one.template, {}, one.locale, {}, one.send_at, one.expires_at,
        one.digest, one.idempotency_key, one.mandatory, one.created_at, one.schema_version, [], one.is_test, None, sealed,
    )
    # fmt: on


def open_notification(notification: SealedNotification, notification_id: str, sealer: Sealer) -> Notification:
    """The notification with its private fields. Raises as Sealer.open does."""
    private = _decode(_decode_notification, sealer.open("notification", notification_id, notification.sealed))
    return replace(notification, to=private.to, data=private.data, attachments=private.attachments, push=private.push, sealed=b"")


def seal_fields(fields: dict[str, Raw], notification_id: str, sealer: Sealer) -> None:
    """Seal the private ones of the fields of a notification, unless they are sealed already."""
    private = {name: fields.pop(name) for name in PRIVATE_FIELDS if name in fields}
    if "sealed" not in fields:
        fields["sealed"] = Raw(_encode(sealer.seal("notification", notification_id, _encode(private))))


def open_fields(
    value: bytes, kind: Literal["notification", "delivery"], item_id: str, sealer: Sealer, *, keeps_sealed: bool = False
) -> bytes:
    """The JSON of a notification or delivery with what is sealed in it in its place; other JSON as it is.

    `keeps_sealed`: also as it was sealed. Raises as Sealer.open does, or one of DECODE_ERRORS.
    """
    fields = _decode_fields(value)
    sealed = fields.get("sealed")
    if sealed is None:
        return value
    if not keeps_sealed:
        del fields["sealed"]
    opened = sealer.open(kind, item_id, msgspec.json.decode(sealed, type=bytes))
    return _encode({**fields, **_decode_fields(opened)})


def seal_delivery(address: str, content: Raw, delivery_id: str, sealer: Sealer) -> bytes:
    """The address and the content of a delivery, which is encoded already, as its field `sealed`."""
    return sealer.seal("delivery", delivery_id, b'{"address":%b,"content":%b}' % (_encode(address), content))


def open_delivery(delivery: Delivery, sealer: Sealer) -> Delivery:
    """The delivery with its address and content; `sealed` stays, so that close_delivery needs no key. Raises as Sealer.open does."""
    private = _decode(_decode_delivery, sealer.open("delivery", delivery.id, delivery.sealed))
    return replace(delivery, address=private.address, content=private.content)


def close_delivery(delivery: Delivery) -> Delivery:
    """The delivery as it is written: what is sealed is not there in plain a second time."""
    return replace(delivery, address="", content=NO_CONTENT_JSON) if delivery.sealed else delivery


def seal_record(value: bytes, notification_id: str, sealer: Sealer) -> bytes:
    """The value of a record that is no notification, as a whole."""
    return sealer.seal("record", notification_id, value)


def is_sealed_record(value: bytes) -> bool:
    """Whether a value is sealed as a whole."""
    return value.startswith(SEALED_FORMAT)


def _decode(decode: Any, plain: bytes) -> Any:
    try:
        return decode(plain)
    except DECODE_ERRORS as error:
        raise SealError(f"what was sealed does not fit to this release: {type(error).__name__}") from None
