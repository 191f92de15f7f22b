"""The body of the response about the records of a notification, and how it is built from what Kafka has; pure. Times in epoch seconds."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.api.delivery_content import measure_content, show_content
from app.kafka.notification_records import FoundRecord
from schemas.channels import ChannelName
from schemas.delivery import Delivery
from schemas.errors import DECODE_ERRORS, ErasedError, SealError
from schemas.masks import mask_address
from schemas.notification_records import RecordKind
from schemas.record_masking import mask_value
from schemas.sealed_records import open_delivery
from schemas.sealing import Sealer
from schemas.sms_segments import SmsSegments

ERASED: Final = "the user was erased, and what it said can be read no more"
SEALED: Final = "it is sealed, and no key of this installation opens it"
UNREADABLE: Final = "the record cannot be decoded by this release"

_decode = msgspec.json.Decoder(Delivery).decode


class NotificationRecord(Struct, frozen=True):
    """A record of Kafka about the notification; `at` is its time there, `size` that of its value in bytes.

    `topic` has the prefix of the installation. `delivery_id` is empty for a record about all of the notification, `attempt` (from 0 on)
    null for one without.
    """

    kind: RecordKind
    topic: str
    partition: int
    offset: int
    at: float
    size: int
    delivery_id: str
    attempt: int | None
    redrive_count: int


class RecordedContent(Struct, frozen=True):
    """What a delivery said, by its newest record: address and content as they were given to the provider, or masked.

    `template` is the one that rendered it, with version and locale. Links, tokens in them and names of files are the real ones; of files
    there are name and media type. `problem` says why there is no content.
    """

    delivery_id: str
    channel: ChannelName
    address: str
    template: str
    variant: str
    content: dict[str, Any]
    size: int
    sms: SmsSegments | None
    problem: str


class NotificationRecordsResponse(Struct, frozen=True):
    """What Kafka still has of a notification, by the times of the records, and what its deliveries said.

    Nothing of it is in PostgreSQL. Kafka keeps notifications and statuses for 7 days, deliveries for 3. `is_complete`: all times at which
    something happened were searched; else a bound ended the search.
    """

    records: list[NotificationRecord]
    contents: list[RecordedContent]
    is_complete: bool


def present_record(found: FoundRecord, topic_prefix: str) -> NotificationRecord:
    """A record as it is shown."""
    position, described = found
    record = position.record
    return NotificationRecord(
        described.kind,
        topic_prefix + position.topic,
        position.partition,
        record.offset,
        record.timestamp / 1000,
        len(record.value or b""),
        described.delivery_id,
        described.attempt,
        described.redrive_count,
    )


def find_newest_deliveries(records: Sequence[FoundRecord]) -> list[bytes]:
    """The value of the newest record of each delivery, in the order of their first ones."""
    newest = {one.described.delivery_id: one.position.record.value or b"" for one in records if one.described.kind == "delivery"}
    return list(newest.values())


def build_content(value: bytes, sealer: Sealer | None, templates: Mapping[str, str]) -> RecordedContent | None:
    """What the record of a delivery says; None if it is none. `templates` are labels by channel."""
    try:
        delivery = _decode(value)
    except DECODE_ERRORS:
        return None
    delivery, problem = _open(delivery, sealer)
    return RecordedContent(
        delivery.id,
        delivery.channel,
        delivery.address,
        templates.get(delivery.channel, delivery.template),
        delivery.variant,
        {} if problem else show_content(delivery),
        0 if problem else len(msgspec.json.encode(delivery.content)),
        None if problem else measure_content(delivery),
        problem,
    )


def mask_content(content: RecordedContent) -> RecordedContent:
    """The content with its texts and numbers replaced by their kind, and the address masked."""
    masked = mask_value({"content": content.content})["content"]
    return replace(content, address=mask_address(content.channel, content.address), content={**masked, **_keep_kind(content.content)})


def _keep_kind(content: dict[str, Any]) -> dict[str, Any]:
    return {"kind": content["kind"]} if "kind" in content else {}


def _open(delivery: Delivery, sealer: Sealer | None) -> tuple[Delivery, str]:
    if not delivery.sealed:
        return delivery, ""
    try:
        return (open_delivery(delivery, sealer), "") if sealer is not None else (delivery, SEALED)
    except ErasedError:
        return delivery, ERASED
    except SealError:
        return delivery, SEALED


EXAMPLE_RECORDS: Final = NotificationRecordsResponse(
    [
        NotificationRecord("notification", "notifications.high", 3, 18_204, 1_795_851_813.02, 312, "", None, 0),
        NotificationRecord("decided", "notifications.status", 3, 90_144, 1_795_851_813.04, 1_208, "", None, 0),
    ],
    [
        RecordedContent(
            "dlv_01a2211d759678619811269291aeed15",
            "sms",
            "***01",
            "account-otp@1 default",
            "",
            {"kind": "sms", "text": "<20 characters>"},
            44,
            SmsSegments("GSM-7", 1, 20, 140),
            "",
        )
    ],
    is_complete=True,
)
