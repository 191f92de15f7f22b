"""Rows of the live view: what a client sees of each record of `notifications.status`."""

from collections import OrderedDict
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from schemas.channels import ChannelName
from schemas.enums import Priority
from schemas.events import DecidedEvent, EngagementEvent, HistoryEvent, InboundEvent, ReceiptEvent, StatusEvent

RowKind = Literal["decided", "status", "receipt", "engagement"]

decode_event = msgspec.json.Decoder(HistoryEvent).decode


class LiveRow(Struct, frozen=True, gc=False, omit_defaults=True):
    """One event without addresses and content; the time in epoch seconds.

    `status` is the state of a notification for a decided event, otherwise the status of a delivery, or what a recipient did. The type,
    category and priority of a delivery are empty if its notification was decided too long ago.
    """

    kind: RowKind
    notification_id: str
    status: str
    occurred_at: float
    delivery_id: str = ""
    user_id: str = ""
    type: str = ""
    category: str = ""
    priority: Priority | Literal[""] = ""
    channel: ChannelName | Literal[""] = ""
    reason: str = ""
    provider: str = ""
    attempt: int = 0

    @property
    def subject(self) -> str:
        """What the row is about: a later row of the same subject replaces it in a view of the newest."""
        return self.delivery_id or self.notification_id


class DecidedNotification(NamedTuple):
    """What later events of a notification's deliveries do not repeat."""

    notification_id: str
    user_id: str
    type: str
    category: str
    priority: Priority


UNKNOWN: tuple[str, str, str, str, Literal[""]] = ("", "", "", "", "")


class RowBuilder:
    """Builds rows, and remembers the notifications of the newest `capacity` deliveries."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._decided: OrderedDict[str, DecidedNotification] = OrderedDict()

    def build_row(self, value: bytes | None) -> LiveRow | None:
        """The row of a record's value; None for one that a client must not or cannot see: an inbound message has only an address."""
        try:
            event = decode_event(value or b"")
        except msgspec.DecodeError:
            return None
        if isinstance(event, DecidedEvent):
            return self._build_decided(event)
        if isinstance(event, StatusEvent):
            return self._build_status(event)
        return None if isinstance(event, InboundEvent) else self._build_report(event)

    def _build_decided(self, event: DecidedEvent) -> LiveRow:
        decided = DecidedNotification(event.id, event.user_id, event.type, event.category, event.priority)
        for delivery in event.deliveries:
            self._decided[delivery.id] = decided
        while len(self._decided) > self._capacity:
            self._decided.popitem(last=False)
        return LiveRow(
            "decided",
            event.id,
            str(event.state),
            event.decided_at,
            user_id=event.user_id,
            type=event.type,
            category=event.category,
            priority=event.priority,
            reason=event.reason,
        )

    def _build_status(self, event: StatusEvent) -> LiveRow:
        _, _, type_, category, priority = self._decided.get(event.delivery_id, UNKNOWN)
        return LiveRow(
            "status",
            event.notification_id,
            str(event.status),
            event.occurred_at,
            event.delivery_id,
            event.user_id,
            type_,
            category,
            priority,
            event.channel,
            event.reason,
            event.provider,
            event.attempt,
        )

    def _build_report(self, event: ReceiptEvent | EngagementEvent) -> LiveRow:
        notification_id, user_id, type_, category, priority = self._decided.get(event.delivery_id, UNKNOWN)
        kind: RowKind = "engagement" if isinstance(event, EngagementEvent) else "receipt"
        status, reason = (event.event, "") if isinstance(event, EngagementEvent) else (str(event.status), event.reason)
        return LiveRow(
            kind,
            notification_id,
            status,
            event.occurred_at,
            event.delivery_id,
            user_id,
            type_,
            category,
            priority,
            event.channel,
            reason,
            event.provider,
            event.attempt,
        )
