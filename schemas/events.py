"""The events of `notifications.status`: one decided event per notification, a status event per attempt, and what providers report later."""

from typing import Any, Literal

from msgspec import Struct

from schemas.channels import ChannelName
from schemas.enums import STATUS_RANK, Outcome, Priority, State, Status


class GateResult(Struct, frozen=True, gc=False, array_like=True):
    """The verdict of one gate of the router, with its reason and inputs: an entry of the decision log."""

    gate: str
    verdict: str
    reason: str = ""
    inputs: dict[str, Any] = {}


class DeliveryRef(Struct, frozen=True, gc=False, array_like=True):
    """A delivery of a routed notification; it is PENDING until its first status event."""

    id: str
    channel: ChannelName


class DecidedEvent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="decided"):
    """The router's decision on a notification, with its decision log: a row of the table notifications. Times in epoch seconds.

    A held notification has another one for each time that it was resumed, and a dead one for each time that it was redriven; each has the
    gates of its own decision.
    """

    id: str
    user_id: str
    state: State
    decided_at: float
    created_at: float
    priority: Priority
    type: str = ""
    category: str = ""
    reason: str = ""
    deliveries: list[DeliveryRef] = []
    decision_log: list[GateResult] = []
    duplicate_of: str = ""
    expires_at: float = 0.0
    resume_count: int = 0
    schema_version: int = 1
    redrive_count: int = 0
    is_test: bool = False


class StatusEvent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="status"):
    """The status of a delivery after an attempt or a provider's event; times in epoch seconds, `duration_ms` is the call's.

    `variant`, `endpoint_id`, `consent_event_id` and `is_test` are those of the delivery. `detail` is text for operators; it contains no
    address, content or token.
    `next_attempt_at` is set if the delivery waits in the scheduler for its next attempt. `priority`, `type`, `category` and `template` are
    what the delivery is counted as; an empty priority: it is not. `due_at` is when what was held was released; 0: it was not held.
    """

    delivery_id: str
    notification_id: str
    user_id: str
    channel: ChannelName
    status: Status
    occurred_at: float
    created_at: float
    redrive_count: int = 0
    attempt: int = 0
    outcome: Outcome | None = None
    reason: str = ""
    provider: str = ""
    provider_message_id: str = ""
    provider_code: int = 0
    duration_ms: float = 0.0
    possible_duplicate: bool = False
    detail: str = ""
    variant: str = ""
    schema_version: int = 1
    endpoint_id: str = ""
    next_attempt_at: float = 0.0
    consent_event_id: str = ""
    is_test: bool = False
    priority: Priority | Literal[""] = ""
    type: str = ""
    category: str = ""
    template: str = ""
    due_at: float = 0.0


ConsentReport = Literal["", "hard_bounce", "complaint", "stop", "category_stop"]
"""What a report says of the recipient beside the message: the address is dead, the recipient complained, or wants no more at all or of
this category. Empty: nothing."""


class ReceiptEvent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="receipt"):
    """What a provider, or the app on a device, reports of a delivery after the call; the time in epoch seconds.

    `event_key` names the report among those of its provider, which repeats reports. `event` is the provider's name of it. `address` is
    the recipient's, in normal form, if the report has a `consent`; with `sealed` it is a token, and that is the address.
    `detail` is as that of a status event. `max_resends`: how often the delivery may be sent again, because the cause passes; `source` is
    then where its record is, as in a delivery.
    """

    delivery_id: str
    channel: ChannelName
    provider: str
    event_key: str
    event: str
    status: Status
    occurred_at: float
    redrive_count: int = 0
    attempt: int = 0
    reason: str = ""
    provider_message_id: str = ""
    provider_code: int = 0
    detail: str = ""
    consent: ConsentReport = ""
    address: str = ""
    schema_version: int = 1
    max_resends: int = 0
    source: str = ""
    sealed: bytes = b""


class EngagementEvent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="engagement"):
    """A recipient opened a message or clicked in it, which also shows that it was delivered; the fields are as those of ReceiptEvent."""

    delivery_id: str
    channel: ChannelName
    provider: str
    event_key: str
    event: Literal["open", "click"]
    occurred_at: float
    redrive_count: int = 0
    attempt: int = 0
    provider_message_id: str = ""
    schema_version: int = 1


class InboundEvent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="inbound"):
    """A recipient wrote STOP, START or HELP; `event_key` is the provider's id of the message, `address` the sender's in normal form.

    With `sealed` the address is a token, and that is the address.
    """

    channel: ChannelName
    provider: str
    event_key: str
    event: Literal["stop", "start", "help"]
    address: str
    occurred_at: float
    schema_version: int = 1
    sealed: bytes = b""


ProviderEvent = ReceiptEvent | EngagementEvent | InboundEvent
HistoryEvent = DecidedEvent | StatusEvent | ReceiptEvent | EngagementEvent | InboundEvent


def compute_precedence(event: StatusEvent) -> tuple[int, bool, int, int]:
    """The sort key of a delivery's events: the event with the greatest key is the current status (docs/architecture.md)."""
    rank = STATUS_RANK[event.status]
    return event.redrive_count, rank >= STATUS_RANK[Status.DELIVERED], event.attempt, rank
