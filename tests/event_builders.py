"""Events and records of notifications.status to test with."""

from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from schemas.enums import Channel, Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.history import DecidedRow, HistoryBatch, LoggedAttempt
from schemas.ids import NOTIFICATION_PREFIX, derive_delivery_id, make_id
from schemas.ports import Batch

NOW = 1_760_000_000.0
STATUS_TOPIC = "notifications.status"


class FakeRecord(NamedTuple):
    """A record as the consumer gives it."""

    offset: int
    value: bytes | None
    timestamp: int = int(NOW * 1000)
    key: bytes | None = b"u-1"
    headers: tuple[tuple[str, bytes], ...] = ()


def make_notification_id(number: int = 1, at: float = NOW) -> str:
    """The id of a notification; a greater number is a greater id."""
    return make_id(NOTIFICATION_PREFIX, at, number)


def build_delivery_ref(notification_id: str, channel: Channel = "email", user_id: str = "u-1") -> DeliveryRef:
    """A delivery of a notification."""
    return DeliveryRef(derive_delivery_id(notification_id, user_id, channel, f"{channel}-address"), channel)


def build_decided_event(number: int = 1, *channels: Channel, at: float = NOW, **fields: Any) -> DecidedEvent:
    """A routed notification with a delivery on each channel."""
    an_id = make_notification_id(number, at)
    deliveries = [build_delivery_ref(an_id, channel) for channel in channels]
    decision_log = [GateResult("decode", "pass"), GateResult("route", "pass", "", {"strategy": "all"})]
    event = DecidedEvent(an_id, "u-1", State.ROUTED, at + 1, at, "high", "order.shipped", "transactional", deliveries=deliveries,
                         decision_log=decision_log, expires_at=at + 86_400)  # fmt: skip
    return msgspec.structs.replace(event, **fields)


def build_decided_row(event: DecidedEvent) -> DecidedRow:
    """The same event as the recorder reads it."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    raw = {name: Raw(msgspec.json.encode(fields[name])) for name in ("deliveries", "decision_log")}
    return DecidedRow(**{**fields, **raw})


def build_status_event(number: int = 1, channel: Channel = "email", status: Status = Status.SENT, **fields: Any) -> StatusEvent:
    """An event of the delivery that `accepted` with the same number and channel lists."""
    an_id = make_notification_id(number)
    event = StatusEvent(build_delivery_ref(an_id, channel).id, an_id, "u-1", channel, status, NOW + 2, NOW,
                        outcome=Outcome.ACCEPTED, provider="sendgrid", provider_message_id="pr-1",
                        provider_code=202, duration_ms=12.5, detail="Übergeben")  # fmt: skip
    return msgspec.structs.replace(event, **fields)


def build_history_batch(*events: DecidedEvent | StatusEvent, dead_letters: Any = ()) -> HistoryBatch:
    """What a commit of these events writes, if no two are of the same notification or delivery."""
    statuses = [event for event in events if isinstance(event, StatusEvent)]
    logged = [LoggedAttempt(f"{event.delivery_id[4:30]}{event.redrive_count:02x}{event.attempt:02x}{event.status.encode()[0]:02x}", event)
              for event in statuses]  # fmt: skip
    return HistoryBatch([build_decided_row(event) for event in events if isinstance(event, DecidedEvent)], statuses, logged, dead_letters)


def build_batch(*values: DecidedEvent | StatusEvent | bytes | None, start: int = 0, partition: int = 0, topic: str = STATUS_TOPIC) -> Batch:
    """A batch of records with these events or bytes as values."""
    encoded = [value if value is None or isinstance(value, bytes) else msgspec.json.encode(value) for value in values]
    return Batch(topic, partition, [FakeRecord(start + n, value) for n, value in enumerate(encoded)])
