"""What an attempt leaves behind: a status event, the row of the delivery, a dead letter."""

from agents.delivery.decide import Dead, Decision, Done, RetryAt
from agents.delivery.decode import Unreadable
from agents.delivery.sending import Sending
from schemas.deadletter import MAX_VALUE_BYTES, DeadLetter
from schemas.outcome import Attempted
from schemas.ports import Batch
from schemas.status import Status
from schemas.words import StatusName
from tables.attempts import Follows, Row

_FOLLOWS: dict[type[Decision], Follows] = {Done: Follows.END, RetryAt: Follows.RETRY, Dead: Follows.DEAD_LETTER}


def status_of(sending: Sending, attempted: Attempted | None, decision: Decision, provider: str, at: float) -> Status:
    """The event of one attempt: PENDING with its outcome if it will be tried again; without an attempt, what became of the delivery."""
    delivery = sending.delivery
    name, reason = _word(decision, attempted)
    outcome, provider_id, code, ms, detail = None, "", 0, 0.0, ""
    if attempted is None:
        provider = ""
    else:
        outcome, provider_id, code, detail = attempted.outcome, attempted.provider_id, attempted.code, attempted.detail
        ms = round((at - sending.called_at) * 1000, 1) if sending.called_at else 0.0
    # by place and not by name: keywords for so many fields cost a microsecond an event
    # fmt: off
    return Status(
        delivery.id, delivery.notification_id, delivery.user_id, delivery.channel, name, at, delivery.created_at,
        delivery.generation, sending.attempt, outcome, reason, provider, provider_id, code, ms, sending.possible_duplicate,
        detail,
    )
    # fmt: on


def row_of(status: Status, decision: Decision) -> Row:
    """The row that makes a replay of the record do nothing."""
    follows = _FOLLOWS[type(decision)]
    return Row(status.generation, status.attempt, status.outcome, status.status, follows, status.code, status.at, status.provider_id)


def letter_of(sending: Sending, attempted: Attempted | None, reason: str) -> DeadLetter:
    """The dead letter of a delivery that failed, with the bytes of its record."""
    batch, record, delivery = sending.of.held.batch, sending.record, sending.delivery
    error = f"{attempted.outcome} {attempted.code}: {attempted.detail}" if attempted else reason
    return DeadLetter(
        stage="delivery",
        reason=reason,
        error=error,
        topic=batch.topic,
        partition=batch.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        attempts=delivery.attempt + sending.tries,
        notification_id=delivery.notification_id,
        delivery_id=delivery.id,
        user_id=delivery.user_id,
    )


def letter_of_unreadable(batch: Batch, unreadable: Unreadable) -> DeadLetter:
    """The dead letter of a record that is no delivery of this channel."""
    record, delivery = unreadable.record, unreadable.delivery
    return DeadLetter(
        stage="delivery",
        reason=unreadable.reason,
        error=unreadable.error,
        topic=batch.topic,
        partition=batch.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        notification_id=delivery.notification_id if delivery else "",
        delivery_id=delivery.id if delivery else "",
        user_id=delivery.user_id if delivery else "",
    )


def content_of(letter: DeadLetter) -> bytes | None:
    """What the dead letter's record holds: the original bytes, cut at what its topic takes."""
    return letter.value[:MAX_VALUE_BYTES] if letter.value is not None else None


def _word(decision: Decision, attempted: Attempted | None) -> tuple[StatusName, str]:
    if isinstance(decision, Done):
        return decision.status, decision.reason
    if isinstance(decision, Dead):
        return StatusName.FAILED, decision.reason
    return StatusName.PENDING, attempted.reason if attempted else ""
