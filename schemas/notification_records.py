"""The records of Kafka that are about one notification: where they are, and what a delivery said."""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec import Struct

from schemas.dead_letter import REDRIVEN_ID_HEADER
from schemas.enums import PRIORITIES
from schemas.errors import DECODE_ERRORS
from schemas.ids import NOTIFICATION_PREFIX, derive_id
from schemas.ports import Record
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, get_notifications_topic, get_scheduled_topic

RecordKind = Literal[
    "notification",
    "decided",
    "status",
    "receipt",
    "engagement",
    "scheduled",
    "cancel",
    "reschedule",
    "delivery",
    "dead_letter",
]

BEFORE: Final = 5.0  # seconds before an event's time from which on its records are looked for; clocks of hosts differ
AFTER: Final = 10.0  # seconds after it; a record is produced within its batch

_NOTIFICATIONS = frozenset(map(get_notifications_topic, PRIORITIES))
_SCHEDULED = frozenset(map(get_scheduled_topic, PRIORITIES))


class Window(NamedTuple):
    """A time in which records are looked for, epoch seconds."""

    since: float
    until: float


class RecordPosition(NamedTuple):
    """A record and where it is; `topic` is without the topic prefix."""

    topic: str
    partition: int
    record: Record


class WantedRecords(NamedTuple):
    """The notification, its user and its deliveries, of which records are looked for; ids as they are stored."""

    notification_id: str
    user_id: str
    delivery_ids: frozenset[str]


class DescribedRecord(NamedTuple):
    """What a record about a notification is; `delivery_id` is empty if it is about all of it, `attempt` None if it has none."""

    kind: RecordKind
    delivery_id: str = ""
    attempt: int | None = None
    redrive_count: int = 0


class _Identified(Struct):
    """The fields by which records are told apart; each topic has some of them."""

    kind: str = ""
    user_id: str = ""
    id: str = ""
    notification_id: str = ""
    delivery_id: str = ""
    attempt: int = 0
    redrive_count: int = 0


_decode = msgspec.json.Decoder(_Identified).decode


def find_windows(times: Iterable[float]) -> list[Window]:
    """The windows around these times, epoch seconds, in their order; those that meet are one."""
    windows: list[Window] = []
    for at in sorted(set(times)):
        since, until = at - BEFORE, at + AFTER
        if windows and since <= windows[-1].until:
            windows[-1] = Window(windows[-1].since, until)
        else:
            windows.append(Window(since, until))
    return windows


def describe_record(position: RecordPosition, wanted: WantedRecords, topic_prefix: str) -> DescribedRecord | None:
    """What a record is; None if it is about another notification, which may only mention this one, or to another user."""
    if position.topic == DEAD_LETTER_TOPIC:
        return _describe_dead_letter(position.record, wanted)
    try:
        fields = _decode(position.record.value or b"")
    except DECODE_ERRORS:
        return None
    if fields.user_id not in ("", wanted.user_id):
        return None
    if position.topic in _NOTIFICATIONS:
        return DescribedRecord("notification") if find_id(position, fields.id, topic_prefix) == wanted.notification_id else None
    delivery_id = fields.delivery_id or fields.id
    is_of_delivery = delivery_id in wanted.delivery_ids
    if not is_of_delivery and wanted.notification_id not in (fields.id, fields.notification_id):
        return None
    if position.topic == STATUS_TOPIC or position.topic in _SCHEDULED:
        return _describe_tagged(fields, delivery_id if is_of_delivery else "")
    return DescribedRecord("delivery", delivery_id, fields.attempt, fields.redrive_count)


def find_id(position: RecordPosition, given: str, topic_prefix: str) -> str:
    """The id of a submitted notification, as the router finds it: the given one, that of its first redrive, or one of its position."""
    redriven = next((value for name, value in position.record.headers if name == REDRIVEN_ID_HEADER), None)
    if given or redriven:
        return given or (redriven or b"").decode(errors="replace")
    place = (topic_prefix + position.topic, str(position.partition), str(position.record.offset))
    return derive_id(NOTIFICATION_PREFIX, position.record.timestamp / 1000, *place)


def _describe_tagged(fields: _Identified, delivery_id: str) -> DescribedRecord | None:
    match fields.kind:
        case "status" | "receipt" | "engagement":
            return DescribedRecord(fields.kind, delivery_id, fields.attempt, fields.redrive_count)
        case "decided" | "scheduled" | "cancel" | "reschedule":
            return DescribedRecord(fields.kind, delivery_id)
    return None


def _describe_dead_letter(record: Record, wanted: WantedRecords) -> DescribedRecord | None:
    """By its headers: the value may be anything."""
    headers = {name: (content or b"").decode(errors="replace") for name, content in record.headers}
    if (headers.get("notification_id"), headers.get("user_id")) != (wanted.notification_id, wanted.user_id):
        return None
    count = headers.get("redrive_count", "")
    return DescribedRecord("dead_letter", headers.get("delivery_id", ""), None, int(count) if count.isdigit() else 0)
