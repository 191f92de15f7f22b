"""What an attempt leaves behind: a status event, the row of the delivery, a dead letter."""

from agents.delivery.decide import DeadLetterDecision, Decision, Done, RetryAt
from agents.delivery.decode import DecodeFailure
from agents.delivery.in_flight import InFlight
from schemas.dead_letter import MAX_VALUE_BYTES, DeadLetter
from schemas.enums import Status
from schemas.events import StatusEvent
from schemas.outcome import AttemptResult
from schemas.ports import Batch
from tables.attempts import AttemptRow, NextAction

_FOLLOWS: dict[type[Decision], NextAction] = {Done: NextAction.DONE, RetryAt: NextAction.RETRY, DeadLetterDecision: NextAction.DEAD_LETTER}


def build_status_event(in_flight: InFlight, result: AttemptResult | None, decision: Decision, provider: str, at: float) -> StatusEvent:
    """The event of one attempt: PENDING with its outcome if it will be tried again; without an attempt, what became of the delivery."""
    delivery = in_flight.delivery
    name, reason = _get_status_and_reason(decision, result)
    outcome, provider_id, code, ms, detail = None, "", 0, 0.0, ""
    if result is None:
        provider = ""
    else:
        outcome, provider_id, code, detail = result.outcome, result.provider_message_id, result.provider_code, result.detail
        ms = round((at - in_flight.called_at) * 1000, 1) if in_flight.called_at else 0.0
    # by place and not by name: keywords for so many fields cost a microsecond an event
    # fmt: off
    return StatusEvent(
        delivery.id, delivery.notification_id, delivery.user_id, delivery.channel, name, at, delivery.created_at,
        delivery.redrive_count, in_flight.attempt, outcome, reason, provider, provider_id, code, ms, in_flight.possible_duplicate,
        detail,
    )
    # fmt: on


def build_row(event: StatusEvent, decision: Decision) -> AttemptRow:
    """The row that makes a replay of the record do nothing."""
    follows = _FOLLOWS[type(decision)]
    return AttemptRow(
        event.redrive_count,
        event.attempt,
        event.outcome,
        event.status,
        follows,
        event.provider_code,
        event.occurred_at,
        event.provider_message_id,
    )


def build_dead_letter(in_flight: InFlight, result: AttemptResult | None, reason: str) -> DeadLetter:
    """The dead letter of a delivery that failed, with the bytes of its record."""
    batch, record, delivery = in_flight.batch.handle.batch, in_flight.record, in_flight.delivery
    error = f"{result.outcome} {result.provider_code}: {result.detail}" if result else reason
    return DeadLetter(
        stage="delivery",
        reason=reason,
        error=error,
        source_topic=batch.topic,
        source_partition=batch.partition,
        source_offset=record.offset,
        key=record.key,
        value=record.value,
        attempts=delivery.attempt + in_flight.attempt_count,
        notification_id=delivery.notification_id,
        delivery_id=delivery.id,
        user_id=delivery.user_id,
    )


def build_decode_dead_letter(batch: Batch, failure: DecodeFailure) -> DeadLetter:
    """The dead letter of a record that is no delivery of this channel."""
    record, delivery = failure.record, failure.delivery
    return DeadLetter(
        stage="delivery",
        reason=failure.reason,
        error=failure.error,
        source_topic=batch.topic,
        source_partition=batch.partition,
        source_offset=record.offset,
        key=record.key,
        value=record.value,
        notification_id=delivery.notification_id if delivery else "",
        delivery_id=delivery.id if delivery else "",
        user_id=delivery.user_id if delivery else "",
    )


def truncate_value(letter: DeadLetter) -> bytes | None:
    """What the dead letter's record holds: the original bytes, cut at what its topic takes."""
    return letter.value[:MAX_VALUE_BYTES] if letter.value is not None else None


def _get_status_and_reason(decision: Decision, result: AttemptResult | None) -> tuple[Status, str]:
    if isinstance(decision, Done):
        return decision.status, decision.reason
    if isinstance(decision, DeadLetterDecision):
        return Status.FAILED, decision.reason
    return Status.PENDING, result.reason if result else ""
