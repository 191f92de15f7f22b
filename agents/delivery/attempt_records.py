"""Builds the records of an attempt: the status event, the row of the table `attempts`, the dead letter."""

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from agents.dead_letter import build_dead_letter
from agents.delivery.decode import DecodeFailure
from agents.delivery.in_flight import InFlight
from agents.delivery.reconciliation import Resolved
from agents.delivery.retry_decision import DeadLetterDecision, Decision, Done, Reconcile, RetryAt
from schemas.dead_letter import DeadLetter
from schemas.delivery import Delivery
from schemas.enums import Outcome, Status
from schemas.events import StatusEvent
from schemas.outcome import AttemptResult
from schemas.ports import Batch, Record
from schemas.scheduled import Scheduled, compute_delivery_resume_count
from schemas.sealed_records import close_delivery
from tables.attempts import AttemptRow, ClaimedRetry, NextAction, encode_claim

_encode = msgspec.json.Encoder().encode
_NEXT_ACTIONS: dict[type[Decision], NextAction] = {
    Done: NextAction.DONE,
    RetryAt: NextAction.RETRY,
    Reconcile: NextAction.RETRY,
    DeadLetterDecision: NextAction.DEAD_LETTER,
}


HANDED_OVER_AGAIN = "the worker ended before its retry was recorded, which was handed over again without a call"


def build_status_event(in_flight: InFlight, result: AttemptResult | None, decision: Decision, at: float) -> StatusEvent:
    """The event of one attempt, PENDING if another follows; without a result, the end of a delivery that was not attempted."""
    delivery = in_flight.delivery
    status, reason = _get_status_and_reason(decision, result)
    provider, outcome, provider_message_id, provider_code, duration_ms, detail = "", None, "", 0, 0.0, ""
    if result is not None:
        provider = in_flight.provider.name
        outcome, detail = result.outcome, result.detail
        provider_message_id, provider_code = result.provider_message_id, result.provider_code
        # like round(milliseconds, 1), at a quarter of the cost
        duration_ms = int((at - in_flight.called_at) * 10_000 + 0.5) / 10 if in_flight.called_at else 0.0
    # positional, because keywords for so many fields cost a microsecond for each event
    # fmt: off
    event = StatusEvent(
        delivery.id, delivery.notification_id, delivery.user_id, delivery.channel, status, at, delivery.created_at,
        delivery.redrive_count, in_flight.attempt, outcome, reason, provider, provider_message_id, provider_code, duration_ms,
        in_flight.possible_duplicate, detail, delivery.variant, 1, delivery.endpoint_id, 0.0, delivery.consent_event_id, delivery.is_test,
        in_flight.batch.priority, delivery.type, delivery.category, delivery.template, delivery.due_at,
    )
    # fmt: on
    if type(decision) is Reconcile:
        return replace(event, next_attempt_at=decision.at, detail=decision.cause or detail)
    return replace(event, next_attempt_at=decision.at) if type(decision) is RetryAt else event


def build_resolution_event(in_flight: InFlight, resolved: Resolved, at: float) -> StatusEvent:
    """The end of a delivery whose call got no answer. It is an event of that call, so that a later receipt of it counts more."""
    delivery, unanswered = in_flight.delivery, in_flight.delivery.unanswered
    return StatusEvent(
        delivery.id,
        delivery.notification_id,
        delivery.user_id,
        delivery.channel,
        resolved.status,
        at,
        delivery.created_at,
        delivery.redrive_count,
        unanswered.attempt if unanswered else in_flight.attempt,
        reason=resolved.reason,
        provider=in_flight.provider.name if resolved.provider_message_id else "",
        provider_message_id=resolved.provider_message_id,
        provider_code=resolved.provider_code,
        possible_duplicate=in_flight.possible_duplicate,
        variant=delivery.variant,
        endpoint_id=delivery.endpoint_id,
        consent_event_id=delivery.consent_event_id,
        is_test=delivery.is_test,
        priority=in_flight.batch.priority,
        type=delivery.type,
        category=delivery.category,
        template=delivery.template,
        due_at=delivery.due_at,
    )


def build_scheduled(in_flight: InFlight, result: AttemptResult | None, decision: RetryAt | Reconcile) -> Scheduled:
    """The entry with which a delivery waits in the scheduler for its next attempt, or for the search for evidence of the last one.

    It is released to the topic that it comes from. The scheduler takes the greater `resume_count` of two entries of a delivery.
    """
    delivery, attempt, due_at = in_flight.delivery, in_flight.attempt + 1, decision.at
    unanswered = decision.unanswered if type(decision) is Reconcile else None
    is_unknown = result is not None and result.outcome is Outcome.UNKNOWN and unanswered is None
    next_delivery = replace(
        delivery,
        attempt=attempt,
        counted_attempts=in_flight.counted_attempts,
        possible_duplicate=in_flight.possible_duplicate or is_unknown,
        unanswered=unanswered,
        account=in_flight.provider.name,
        sent_again=delivery.sent_again or in_flight.sent_again,
    )
    may_be_sent = next_delivery.possible_duplicate or unanswered is not None
    return Scheduled(
        delivery.id,
        delivery.user_id,
        due_at,
        in_flight.batch.handle.batch.topic,
        Raw(_encode(close_delivery(next_delivery))),
        compute_delivery_resume_count(delivery.redrive_count, attempt, may_be_sent=may_be_sent),
        expires_at=delivery.expires_at,
    )


def build_row(event: StatusEvent, decision: Decision) -> AttemptRow:
    """The row by which a replay of the record is skipped."""
    return AttemptRow(
        event.redrive_count,
        event.attempt,
        event.outcome,
        event.status,
        _NEXT_ACTIONS[type(decision)],
        event.provider_code,
        event.occurred_at,
        event.provider_message_id,
    )


def build_claim(in_flight: InFlight, result: AttemptResult | None, decision: RetryAt | Reconcile, now: float) -> bytes:
    """The claim of a retry: by it a replay hands over the same one, without a call."""
    outcome, code = (result.outcome, result.provider_code) if result else (None, 0)
    retry = ClaimedRetry(
        decision.at,
        in_flight.counted_attempts,
        in_flight.provider.name,
        "" if isinstance(decision, Reconcile) else decision.reason,
        in_flight.possible_duplicate,
        in_flight.sent_again,
        decision.unanswered if isinstance(decision, Reconcile) else None,
        decision.cause if isinstance(decision, Reconcile) else "",
    )
    row = AttemptRow(in_flight.redrive_count, in_flight.attempt, outcome, Status.PENDING, NextAction.RETRY, code, now)
    return encode_claim(row, retry)


def restore_retry(in_flight: InFlight, row: AttemptRow, retry: ClaimedRetry) -> tuple[AttemptResult | None, RetryAt | Reconcile]:
    """Give a delivery that is read again what its attempt had changed; returns the attempt's result, and the retry."""
    in_flight.attempt, in_flight.counted_attempts = row.attempt, retry.counted_attempts
    in_flight.possible_duplicate, in_flight.sent_again = retry.possible_duplicate, retry.sent_again
    result = None if row.outcome is None else AttemptResult(row.outcome, provider_code=row.provider_code, detail=HANDED_OVER_AGAIN)
    if retry.unanswered is not None:
        return result, Reconcile(retry.at, retry.unanswered, retry.cause)
    return result, RetryAt(retry.at, retry.reason)


def build_attempt_dead_letter(in_flight: InFlight, result: AttemptResult | None, reason: str) -> DeadLetter:
    """The dead letter of a delivery that failed."""
    batch, delivery = in_flight.batch.handle.batch, in_flight.delivery
    error = f"{result.outcome} {result.provider_code}: {result.detail}" if result else reason
    dead_letter = _build_dead_letter(batch, in_flight.record, reason, error, delivery, in_flight.attempt + 1)
    outcome, code = (result.outcome, result.provider_code) if result else ("", 0)
    return replace(dead_letter, outcome=outcome, provider_code=code, account=in_flight.account, redrive_count=delivery.redrive_count)


def build_decode_dead_letter(batch: Batch, failure: DecodeFailure) -> DeadLetter:
    """The dead letter of a record that could not be decoded."""
    return _build_dead_letter(batch, failure.record, failure.reason, failure.error, failure.delivery)


def _build_dead_letter(batch: Batch, record: Record, reason: str, error: str, delivery: Delivery | None, attempts: int = 0) -> DeadLetter:
    ids = (
        {}
        if delivery is None
        else {
            "notification_id": delivery.notification_id,
            "delivery_id": delivery.id,
            "user_id": delivery.user_id,
        }
    )
    return build_dead_letter("delivery", batch.topic, batch.partition, record, reason, error, attempts=attempts, **ids)


def _get_status_and_reason(decision: Decision, result: AttemptResult | None) -> tuple[Status, str]:
    if isinstance(decision, Done):
        return decision.status, decision.reason
    if isinstance(decision, DeadLetterDecision):
        return Status.FAILED, decision.reason
    if isinstance(decision, RetryAt) and decision.reason:
        return Status.PENDING, decision.reason
    return Status.PENDING, result.reason if result else ""
