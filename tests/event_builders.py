"""Builds status events, rows of the history and records of notifications.status for tests."""

from typing import Any, Literal

import msgspec
from msgspec import Raw

from schemas.channels import ChannelName
from schemas.enums import Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, EngagementEvent, GateResult, HistoryEvent, ReceiptEvent, StatusEvent
from schemas.history import DecidedRow, HistoryBatch, LoggedAttempt, ReceivedReport
from schemas.ids import NOTIFICATION_PREFIX, derive_delivery_id, make_id
from schemas.ports import Batch
from tests.fakes import FakeRecord

NOW = 1_760_000_000.0
STATUS_TOPIC = "notifications.status"


def make_notification_id(number: int = 1, at: float = NOW) -> str:
    """Make the id of a notification; a higher number gives a higher id."""
    return make_id(NOTIFICATION_PREFIX, at, number)


def build_delivery_ref(notification_id: str, channel: ChannelName = "email", user_id: str = "u-1") -> DeliveryRef:
    """Build the reference to a delivery of a notification."""
    return DeliveryRef(derive_delivery_id(notification_id, user_id, channel, f"{channel}-address"), channel)


def build_decided_event(number: int = 1, *channels: ChannelName, at: float = NOW, **fields: Any) -> DecidedEvent:
    """Build the event of a routed notification with a delivery on each channel; `fields` are those of DecidedEvent."""
    notification_id = make_notification_id(number, at)
    deliveries = [build_delivery_ref(notification_id, channel) for channel in channels]
    decision_log = [GateResult("decode", "pass"), GateResult("channels", "pass", "", {"strategy": "all"})]
    event = DecidedEvent(notification_id, "u-1", State.ROUTED, at + 1, at, "high", "order.shipped", "transactional", deliveries=deliveries,
                         decision_log=decision_log, expires_at=at + 86_400)  # fmt: skip
    return msgspec.structs.replace(event, **fields)


def build_decided_row(event: DecidedEvent) -> DecidedRow:
    """Build the row that the recorder decodes from an event."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    raw = {name: Raw(msgspec.json.encode(fields[name])) for name in ("deliveries", "decision_log")}
    return DecidedRow(**{**fields, **raw})


def build_status_event(number: int = 1, channel: ChannelName = "email", status: Status = Status.SENT, **fields: Any) -> StatusEvent:
    """Build the event of a delivery of `build_decided_event` with the same number; `fields` are those of StatusEvent."""
    notification_id = make_notification_id(number)
    event = StatusEvent(build_delivery_ref(notification_id, channel).id, notification_id, "u-1", channel, status, NOW + 2, NOW,
                        outcome=Outcome.ACCEPTED, provider="sendgrid", provider_message_id="pr-1",
                        provider_code=202, duration_ms=12.5, detail="Übergeben")  # fmt: skip
    return msgspec.structs.replace(event, **fields)


def build_history_batch(*events: DecidedEvent | StatusEvent, dead_letters: Any = ()) -> HistoryBatch:
    """Build the batch that a commit of these events writes; no two may be of the same notification or delivery."""
    statuses = [event for event in events if isinstance(event, StatusEvent)]
    logged = [LoggedAttempt(f"{event.delivery_id[4:30]}{event.redrive_count:02x}{event.attempt:02x}{event.status.encode()[0]:02x}", event)
              for event in statuses]  # fmt: skip
    return HistoryBatch([build_decided_row(event) for event in events if isinstance(event, DecidedEvent)], statuses, logged, dead_letters)


def build_batch(*values: HistoryEvent | bytes | None, start: int = 0, partition: int = 0, topic: str = STATUS_TOPIC) -> Batch:
    """Build a batch of records with these events or bytes as values; `start` is the first offset."""
    encoded = [value if value is None or isinstance(value, bytes) else msgspec.json.encode(value) for value in values]
    return Batch(topic, partition, [FakeRecord(offset, value=value) for offset, value in enumerate(encoded, start)])


def build_receipt(number: int = 1, status: Status = Status.DELIVERED, channel: ChannelName = "email", **fields: Any) -> ReceiptEvent:
    """Build the report of a delivery of `build_decided_event` with the same number; `fields` are those of ReceiptEvent."""
    delivery_id, event = build_delivery_ref(make_notification_id(number), channel).id, str(status).lower()
    receipt = ReceiptEvent(delivery_id, channel, "sendgrid", f"{event}-{fields.get('attempt', 0)}", event, status, NOW + 60, detail=event)
    return msgspec.structs.replace(receipt, **fields)


def build_report(event: ReceiptEvent | EngagementEvent, offset: int = 0, received_at: float = NOW + 61) -> ReceivedReport:
    """Build the report that the recorder reads from a record of the first partition."""
    return ReceivedReport(event, STATUS_TOPIC, 0, offset, received_at)


def build_engagement(number: int = 1, event: Literal["open", "click"] = "open", **fields: Any) -> EngagementEvent:
    """Build the report that the e-mail of `build_decided_event` with the same number was opened or clicked in."""
    delivery_id = build_delivery_ref(make_notification_id(number), "email").id
    return msgspec.structs.replace(EngagementEvent(delivery_id, "email", "sendgrid", f"{event}-0", event, NOW + 90), **fields)
