"""What the recorder hears: one Accepted event per notification and a Status event per attempt; values of `notifications.status`."""

from typing import Any

from msgspec import Struct

from schemas.enums import STATUS_RANK, Channel, Outcome, Priority, State, Status


class GateResult(Struct, frozen=True, gc=False, array_like=True):
    """What one gate of the router decided, and on what: an entry of the decision trace."""

    gate: str
    verdict: str
    reason: str = ""
    inputs: dict[str, Any] = {}


class DeliveryRef(Struct, frozen=True, gc=False, array_like=True):
    """A delivery that a routed notification has: it is PENDING until its first Status event."""

    id: str
    channel: Channel


class DecidedEvent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="decided"):
    """What the router made of a notification, with its decision trace; it becomes the row in `notifications`."""

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
    schema_version: int = 1


class StatusEvent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="status"):
    """What one attempt, or one provider event, says of a delivery; `at` and `created_at` in epoch seconds, `ms` the call's milliseconds.

    `detail` is for a person and holds no address, text or token.
    """

    delivery_id: str
    notification_id: str
    user_id: str
    channel: Channel
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
    schema_version: int = 1


HistoryEvent = DecidedEvent | StatusEvent


def compute_precedence(event: StatusEvent) -> tuple[int, bool, int, int]:
    """What decides between two events of a delivery: the greater wins (design.md section 6, status merge)."""
    rank = STATUS_RANK[event.status]
    return event.redrive_count, rank >= STATUS_RANK[Status.DELIVERED], event.attempt, rank
