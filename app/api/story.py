"""What the API tells of a notification, from what history has of it; pure."""

from collections.abc import Iterable, Mapping

from app.api.bodies import AttemptBody, DeliveryBody, NotificationBody
from schemas.history import Story
from schemas.status import Planned, Status
from schemas.words import Channel, State, StatusName

ENDED = frozenset({StatusName.FAILED, StatusName.DELIVERED, StatusName.BOUNCED, StatusName.UNSUBSCRIBED})
CLOSED = frozenset({State.REFUSED, State.MERGED, State.DEAD})


def told(story: Story, notification_id: str, receipts: Mapping[Channel, int], now: float) -> NotificationBody:
    """The body for a notification; `receipts` are the seconds in which a channel's receipt may come (0: it has none)."""
    deliveries = _deliveries(story)
    accepted = story.accepted
    if accepted is None:
        user_id = next((status.user_id for status in (*story.current, *story.attempts)), "")
        return NotificationBody(notification_id, State.ROUTED, user_id=user_id, deliveries=deliveries)
    return NotificationBody(
        id=accepted.id,
        state=accepted.state,
        lane=accepted.lane,
        final=is_final(story, receipts, now),
        user_id=accepted.user_id,
        type=accepted.type,
        category=accepted.category,
        reason=accepted.reason,
        first_id=accepted.first_id,
        created_at=accepted.created_at,
        decided_at=accepted.at,
        expires_at=accepted.expires_at,
        deliveries=deliveries,
    )


def is_final(story: Story, receipts: Mapping[Channel, int], now: float) -> bool:
    """Whether nothing more will happen to it (design.md section 6, status merge)."""
    if story.accepted is None:
        return False
    if story.accepted.state in CLOSED:
        return True
    current = {status.delivery_id: status for status in story.current}
    planned = [current.get(delivery.id) for delivery in story.accepted.deliveries]
    ended = all(status is not None and _is_over(status, receipts, now) for status in planned)
    return story.accepted.state == State.ROUTED and ended


def _is_over(status: Status, receipts: Mapping[Channel, int], now: float) -> bool:
    if status.status in ENDED:
        return True
    return status.status == StatusName.SENT and now >= status.at + receipts.get(status.channel, 0)


def _deliveries(story: Story) -> list[DeliveryBody]:
    """Every delivery that is planned or has a status, in that order."""
    current = {status.delivery_id: status for status in story.current}
    planned = list(story.accepted.deliveries) if story.accepted else []
    known = {delivery.id for delivery in planned}
    strays = [Planned(status.delivery_id, status.channel) for status in story.current if status.delivery_id not in known]
    return [_delivery(delivery, current.get(delivery.id), story.attempts) for delivery in (*planned, *strays)]


def _delivery(planned: Planned, status: Status | None, attempts: Iterable[Status]) -> DeliveryBody:
    made = [_attempt(attempt) for attempt in attempts if attempt.delivery_id == planned.id]
    if status is None:
        return DeliveryBody(planned.id, planned.channel, StatusName.PENDING, attempts=made)
    return DeliveryBody(planned.id, planned.channel, status.status, status.reason, status.provider, made)


def _attempt(status: Status) -> AttemptBody:
    return AttemptBody(
        at=status.at,
        status=status.status,
        generation=status.generation,
        attempt=status.attempt,
        outcome=status.outcome or "",
        reason=status.reason,
        provider=status.provider,
        provider_id=status.provider_id,
        code=status.code,
        ms=status.ms,
        possible_duplicate=status.possible_duplicate,
        detail=status.detail,
    )
