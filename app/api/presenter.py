"""What the API tells of a notification, from what history has of it; pure."""

from collections.abc import Iterable, Mapping

from app.api.responses import AttemptResponse, DeliveryResponse, NotificationResponse
from schemas.enums import Channel, State, Status
from schemas.events import DeliveryRef, StatusEvent
from schemas.history import NotificationHistory

FINAL_STATUSES = frozenset({Status.FAILED, Status.DELIVERED, Status.BOUNCED, Status.UNSUBSCRIBED})
FINAL_STATES = frozenset({State.REJECTED, State.MERGED, State.DEAD})


def present_notification(
    history: NotificationHistory, notification_id: str, receipt_timeouts: Mapping[Channel, int], now: float
) -> NotificationResponse:
    """The body for a notification; `receipt_timeouts` are the seconds in which a channel's receipt may come (0: it has none)."""
    deliveries = _present_deliveries(history)
    accepted = history.decided
    if accepted is None:
        user_id = next((status.user_id for status in (*history.statuses, *history.attempts)), "")
        return NotificationResponse(notification_id, State.ROUTED, user_id=user_id, deliveries=deliveries)
    return NotificationResponse(
        id=accepted.id,
        state=accepted.state,
        priority=accepted.priority,
        final=is_final(history, receipt_timeouts, now),
        user_id=accepted.user_id,
        type=accepted.type,
        category=accepted.category,
        reason=accepted.reason,
        duplicate_of=accepted.duplicate_of,
        created_at=accepted.created_at,
        decided_at=accepted.decided_at,
        expires_at=accepted.expires_at,
        deliveries=deliveries,
    )


def is_final(history: NotificationHistory, receipt_timeouts: Mapping[Channel, int], now: float) -> bool:
    """Whether nothing more will happen to it (design.md section 6, status merge)."""
    if history.decided is None:
        return False
    if history.decided.state in FINAL_STATES:
        return True
    current = {status.delivery_id: status for status in history.statuses}
    planned = [current.get(delivery.id) for delivery in history.decided.deliveries]
    ended = all(status is not None and _is_status_final(status, receipt_timeouts, now) for status in planned)
    return history.decided.state == State.ROUTED and ended


def _is_status_final(status: StatusEvent, receipt_timeouts: Mapping[Channel, int], now: float) -> bool:
    if status.status in FINAL_STATUSES:
        return True
    return status.status == Status.SENT and now >= status.occurred_at + receipt_timeouts.get(status.channel, 0)


def _present_deliveries(history: NotificationHistory) -> list[DeliveryResponse]:
    """Every delivery that is planned or has a status, in that order."""
    current = {status.delivery_id: status for status in history.statuses}
    planned = list(history.decided.deliveries) if history.decided else []
    known = {delivery.id for delivery in planned}
    strays = [DeliveryRef(status.delivery_id, status.channel) for status in history.statuses if status.delivery_id not in known]
    return [_present_delivery(delivery, current.get(delivery.id), history.attempts) for delivery in (*planned, *strays)]


def _present_delivery(delivery: DeliveryRef, status: StatusEvent | None, attempts: Iterable[StatusEvent]) -> DeliveryResponse:
    made = [_present_attempt(attempt) for attempt in attempts if attempt.delivery_id == delivery.id]
    if status is None:
        return DeliveryResponse(delivery.id, delivery.channel, Status.PENDING, attempts=made)
    return DeliveryResponse(delivery.id, delivery.channel, status.status, status.reason, status.provider, made)


def _present_attempt(status: StatusEvent) -> AttemptResponse:
    return AttemptResponse(
        occurred_at=status.occurred_at,
        status=status.status,
        redrive_count=status.redrive_count,
        attempt=status.attempt,
        outcome=status.outcome or "",
        reason=status.reason,
        provider=status.provider,
        provider_message_id=status.provider_message_id,
        provider_code=status.provider_code,
        duration_ms=status.duration_ms,
        possible_duplicate=status.possible_duplicate,
        detail=status.detail,
    )
