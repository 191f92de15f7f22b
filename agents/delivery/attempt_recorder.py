"""Produces what an attempt comes to: status event, dead letter or scheduled record, and the row by which a replay is skipped."""

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from agents.dead_letter import truncate_value
from agents.dead_letter_limit import DeadLetterLimit, build_unlimited, count_dead_letters
from agents.delivery.attempt_records import (
    build_attempt_dead_letter,
    build_claim,
    build_decode_dead_letter,
    build_resolution_event,
    build_row,
    build_scheduled,
    build_status_event,
)
from agents.delivery.decode import DecodeFailure
from agents.delivery.in_flight import InFlight
from agents.delivery.observer import Observer
from agents.delivery.reconciliation import Resolved
from agents.delivery.retry_decision import DeadLetterDecision, Decision, Done, Reconcile, RetryAt, WaitForAccount
from schemas.dead_letter import DeadLetter, encode_headers
from schemas.enums import PRIORITIES, Priority, Reason, Status
from schemas.errors import RecordTooLargeError
from schemas.events import StatusEvent
from schemas.outcome import AttemptResult
from schemas.ports import Batch, SharedOutbox
from schemas.scheduled import Reschedule
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, get_scheduled_topic
from tables.attempts import AttemptRow, NextAction, encode_row

_encode = msgspec.json.Encoder().encode
_FAILED = frozenset((Status.FAILED, Status.BOUNCED, Status.UNSUBSCRIBED))


class AttemptRecorder:
    """Adds the records of attempts to the outbox. A row is staged after the outputs of its attempt, and so written after them."""

    def __init__(
        self, outbox: SharedOutbox, topic_prefix: str, observer: Observer, dead_letter_limit: DeadLetterLimit | None = None
    ) -> None:
        self._outbox, self._observer, self.dead_letter_limit = outbox, observer, dead_letter_limit or build_unlimited()
        self._status_topic, self._dead_letter_topic = topic_prefix + STATUS_TOPIC, topic_prefix + DEAD_LETTER_TOPIC
        self._scheduled_topics = {priority: topic_prefix + get_scheduled_topic(priority) for priority in PRIORITIES}
        self.on_ordered_finished: Callable[[InFlight], None] | None = None

    def record(self, in_flight: InFlight, result: AttemptResult | None, decision: Decision, now: float) -> None:
        """Record an attempt, or without a result why there is none. The record is finished, unless the delivery waits for its account."""
        partition, priority = in_flight.batch.partition, in_flight.batch.priority
        if type(decision) is RetryAt or type(decision) is Reconcile:
            decision = self._schedule(in_flight, result, decision, now)
        event = build_status_event(in_flight, result, decision, now)
        self._outbox.add(self._status_topic, partition, event.user_id.encode(), _encode(event))
        self._observer.on_attempt(priority, event)
        if type(decision) is not Done:
            if isinstance(decision, WaitForAccount):
                return
            if isinstance(decision, DeadLetterDecision):
                self.dead_letter_limit.record(0, count_dead_letters({decision.reason: 1}))
                self._write_dead_letter(build_attempt_dead_letter(in_flight, result, decision.reason), partition, priority)
        if in_flight.delivery.next_step is not None:
            self._request_next_step(in_flight, event)
        in_flight.row = encode_row(build_row(event, decision))
        in_flight.result = result.outcome if result else event.reason or "search_failed"
        self.finish(in_flight)

    def record_resolution(self, in_flight: InFlight, resolved: Resolved, now: float) -> None:
        """Record the end of a delivery whose call got no answer."""
        event = build_resolution_event(in_flight, resolved, now)
        self._outbox.add(self._status_topic, in_flight.batch.partition, event.user_id.encode(), _encode(event))
        self._observer.on_attempt(in_flight.batch.priority, event)
        self._request_next_step(in_flight, event)
        row = build_row(event, Done(event.status))
        in_flight.row, in_flight.result = encode_row(replace(row, attempt=in_flight.attempt)), event.reason
        self.finish(in_flight)

    def record_intent(self, in_flight: InFlight, now: float) -> None:
        """Stage the row that says that a call is to be made, so that a replay after a crash does not make it again."""
        provider = in_flight.provider.name  # who may have the message
        row = AttemptRow(in_flight.redrive_count, in_flight.attempt, None, Status.PENDING, NextAction.CALLING, 0, now, provider)
        self._outbox.stage_row(in_flight.batch.partition, in_flight.row_key, encode_row(row))

    def withdraw_intent(self, in_flight: InFlight, now: float) -> None:
        """Stage the row of the attempt before: the account rejected the call, so a replay may make it.

        Without an attempt before, that is the end of the redrive before, of which this one is the proof, or no row.
        """
        before, redrives, row = in_flight.delivery.attempt - 1, in_flight.redrive_count, None
        if before >= 0:
            row = encode_row(AttemptRow(redrives, before, None, Status.PENDING, NextAction.RETRY, 0, now))
        elif redrives:
            row = encode_row(AttemptRow(redrives - 1, 0, None, Status.FAILED, NextAction.DEAD_LETTER, 0, now))
        self._outbox.stage_row(in_flight.batch.partition, in_flight.row_key, row)

    def finish(self, in_flight: InFlight) -> None:
        """Stage the row. If the same record is read again, only this is repeated: the outbox sends the outputs of a past generation too."""
        self._outbox.stage_row(in_flight.batch.partition, in_flight.row_key, in_flight.row)
        in_flight.finish()
        if in_flight.order_key and self.on_ordered_finished is not None:
            self.on_ordered_finished(in_flight)

    def call_back(self, partition: int, priority: Priority, user_id: str, delivery_id: str, now: float) -> None:
        """Let a delivery that waits in the scheduler come now. Its entry came over the same topic, and so is there before this."""
        move = Reschedule(delivery_id, user_id, now)
        self._outbox.add(self._scheduled_topics[priority], partition, user_id.encode(), _encode(move))

    def _request_next_step(self, in_flight: InFlight, event: StatusEvent) -> None:
        """Let the next channel of an escalation follow now, if the delivery has failed. A replay asks for the same step again."""
        step = in_flight.delivery.next_step
        if step is not None and event.status in _FAILED and event.reason != Reason.EXPIRED:
            move = Reschedule(event.notification_id, event.user_id, event.occurred_at, step.resume_count, after_failure=True)
            self._outbox.add(self._scheduled_topics[step.priority], in_flight.batch.partition, event.user_id.encode(), _encode(move))

    def _schedule(self, in_flight: InFlight, result: AttemptResult | None, retry: RetryAt | Reconcile, now: float) -> Decision:
        """Let the delivery wait in the scheduler. What is too large for its topic, by the ids around it, is a dead letter.

        The claim is durable before the entry is: whoever cancels the entry may be sure that no replay makes the attempt before it again.
        """
        self._outbox.stage_claim(in_flight.batch.partition, in_flight.row_key, build_claim(in_flight, result, retry, now))
        scheduled = build_scheduled(in_flight, result, retry)
        key, topic = scheduled.user_id.encode(), self._scheduled_topics[in_flight.batch.priority]
        try:
            self._outbox.add(topic, in_flight.batch.partition, key, _encode(scheduled))
        except RecordTooLargeError:
            return DeadLetterDecision(Reason.TOO_LARGE)
        return retry

    def write_decode_failure(self, batch: Batch, failure: DecodeFailure, priority: Priority) -> None:
        """Make a record without a valid delivery a dead letter."""
        self._write_dead_letter(build_decode_dead_letter(batch, failure), batch.partition, priority)

    def _write_dead_letter(self, dead_letter: DeadLetter, partition: int, priority: Priority) -> None:
        key = dead_letter.user_id.encode() or dead_letter.key
        self._outbox.add(self._dead_letter_topic, partition, key, truncate_value(dead_letter), encode_headers(dead_letter))
        self._observer.on_dead_letter(priority, dead_letter.reason, dead_letter.notification_id, dead_letter.delivery_id)
