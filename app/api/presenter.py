"""The API's view of a notification, built from its history; pure."""

from collections.abc import Iterable, Mapping

from app.api.responses import AttemptResponse, DeliveryResponse, NotificationResponse
from schemas.channels import ChannelName
from schemas.enums import State, Status
from schemas.events import DecidedEvent, DeliveryRef, StatusEvent
from schemas.history import DeliveryTimes, NotificationHistory, find_next_step

FINAL_STATUSES = frozenset({Status.FAILED, Status.DELIVERED, Status.BOUNCED, Status.UNSUBSCRIBED})
NO_TIMES = DeliveryTimes()
FINAL_STATES = frozenset({State.REJECTED, State.MERGED, State.DEAD})


def present_notification(
    history: NotificationHistory, notification_id: str, receipt_timeouts: Mapping[ChannelName, int], now: float
) -> NotificationResponse:
    """The response body for a notification; `receipt_timeouts`: seconds after SENT in which a receipt may arrive, 0 for none."""
    deliveries = _present_deliveries(history)
    event = history.decided
    if event is None:
        user_id = next((status.user_id for status in (*history.statuses, *history.attempts)), "")
        return NotificationResponse(notification_id, State.ROUTED, user_id=user_id, deliveries=deliveries)
    return NotificationResponse(
        id=event.id,
        state=event.state,
        priority=event.priority,
        final=is_final(history, receipt_timeouts, now),
        user_id=event.user_id,
        type=event.type,
        category=event.category,
        reason=event.reason,
        duplicate_of=event.duplicate_of,
        created_at=event.created_at,
        decided_at=event.decided_at,
        expires_at=event.expires_at,
        held_until=find_next_decision_at(event) if event.state == State.HELD else None,
        escalates_at=find_next_decision_at(event) if event.state == State.ROUTED else None,
        deliveries=deliveries,
        redrive_count=event.redrive_count,
        read_at=_find_read_at(history),
    )


def _find_read_at(history: NotificationHistory) -> float | None:
    """When the notification was first read: opened or clicked on a channel, or as the app of its producer says."""
    times = (history.read_at, *(at for one in history.times.values() for at in (one.opened_at, one.clicked_at)))
    return min((at for at in times if at is not None), default=None)


def find_next_decision_at(event: DecidedEvent) -> float | None:
    """When a notification is decided again, in epoch seconds, because it is held or its next channel may follow; None if it is not."""
    log = event.decision_log
    if event.state in FINAL_STATES or not log:
        return None
    if event.state != State.HELD:
        return find_next_step(log)
    at = log[-1].inputs.get("until")
    return float(at) if isinstance(at, int | float) else None


def is_final(history: NotificationHistory, receipt_timeouts: Mapping[ChannelName, int], now: float) -> bool:
    """Whether the notification is final (docs/glossary.md). `now` in epoch seconds."""
    if history.decided is None:
        return False
    if history.decided.state in FINAL_STATES:
        return True
    if history.decided.state != State.ROUTED or find_next_decision_at(history.decided) is not None:
        return False
    statuses = {status.delivery_id: status for status in history.statuses}
    current = (statuses.get(delivery.id) for delivery in history.decided.deliveries)
    return all(status is not None and _is_status_final(status, receipt_timeouts, now) for status in current)


def _is_status_final(status: StatusEvent, receipt_timeouts: Mapping[ChannelName, int], now: float) -> bool:
    if status.status in FINAL_STATUSES:
        return True
    return status.status == Status.SENT and now >= status.occurred_at + receipt_timeouts.get(status.channel, 0)


def _present_deliveries(history: NotificationHistory) -> list[DeliveryResponse]:
    """The deliveries of the decision, then those that have a status only, because the decision is not recorded yet."""
    statuses = {status.delivery_id: status for status in history.statuses}
    planned = list(history.decided.deliveries) if history.decided else []
    planned_ids = {delivery.id for delivery in planned}
    unplanned = [DeliveryRef(status.delivery_id, status.channel) for status in history.statuses if status.delivery_id not in planned_ids]
    return [
        _present_delivery(delivery, statuses.get(delivery.id), history.attempts, history.times.get(delivery.id, NO_TIMES))
        for delivery in (*planned, *unplanned)
    ]


def _present_delivery(
    delivery: DeliveryRef, status: StatusEvent | None, attempts: Iterable[StatusEvent], times: DeliveryTimes
) -> DeliveryResponse:
    presented = [_present_attempt(attempt) for attempt in attempts if attempt.delivery_id == delivery.id]
    if status is None:
        return DeliveryResponse(delivery.id, delivery.channel, Status.PENDING, attempts=presented)
    return DeliveryResponse(delivery.id, delivery.channel, status.status, status.reason, status.provider, presented, status.variant, *times)


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
        next_attempt_at=status.next_attempt_at or None,
        endpoint_id=status.endpoint_id,
    )
