"""The delivery worker of one channel: records in; calls, status events, rows and acknowledgements out. One event loop, no locks."""

import asyncio
from collections.abc import Collection
from functools import partial
from typing import Any

import msgspec

from agents.consecutive_failure_limit import ConsecutiveFailureLimit, describe_error
from agents.delivery.concurrency import ConcurrencyLimiter
from agents.delivery.decide import EXPIRED, DeadLetterDecision, Decision, RetryAt, decide
from agents.delivery.decode import DecodedDelivery, DecodeFailure, decode_delivery
from agents.delivery.in_flight import InFlight, InFlightBatch
from agents.delivery.observer import NULL_OBSERVER, DeliveryBatchSummary, Observer
from agents.delivery.record import build_dead_letter, build_decode_dead_letter, build_row, build_status_event, truncate_value
from schemas.dead_letter import DeadLetter, encode_headers
from schemas.delivery_policy import ConcurrencyLimits, RetryPolicy
from schemas.enums import Outcome, Priority, Reason
from schemas.outcome import AttemptResult, Provider
from schemas.ports import BatchHandle, BatchHandles, CallLater, Clock, HttpClient, HttpRequest, HttpResult, SharedOutbox, Table
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, parse_priority
from tables.attempts import encode_row, is_already_done

_encode = msgspec.json.Encoder().encode


class Deliverer:
    """One for the three priorities of a channel, in which the calls in flight are bounded together.

    A batch is acknowledged when its last record has ended and its outputs and rows are safe. An exception in a callback ends every `run`.
    """

    def __init__(
        self,
        provider: Provider,
        http: HttpClient,
        attempts: Table,
        outbox: SharedOutbox,
        clock: Clock,
        call_later: CallLater,
        *,
        policy: RetryPolicy,
        limits: ConcurrencyLimits,
        topic_prefix: str = "",
        observer: Observer = NULL_OBSERVER,
    ) -> None:
        self._provider, self._http, self._attempts, self._outbox = provider, http, attempts, outbox
        self._clock, self._call_later, self._policy, self._observer = clock, call_later, policy, observer
        self._status_topic, self._dead_letter_topic = topic_prefix + STATUS_TOPIC, topic_prefix + DEAD_LETTER_TOPIC
        self._limiter = ConcurrencyLimiter(limits)
        self._failure_limit = ConsecutiveFailureLimit()
        self._in_flight: dict[str, InFlight] = {}
        self._run_tasks: set[asyncio.Task[Any]] = set()
        self._failure: BaseException | None = None
        self._starting_calls = False
        self._stopping: asyncio.Future[None] | None = None

    @property
    def calls_in_flight(self) -> int:
        """Calls of the provider that have no answer yet."""
        return self._limiter.calls_in_flight

    async def run(self, batches: BatchHandles) -> None:
        """Work on the batches of one priority until there are no more. Raises what a callback raised: its batch stays unacknowledged."""
        task = asyncio.current_task()
        assert task is not None
        if self._failure is not None:
            raise self._failure
        self._run_tasks.add(task)
        try:
            async for held in batches:
                self._start_batch(held)
        except asyncio.CancelledError:
            if self._failure is None:
                raise
            raise self._failure from None
        finally:
            self._run_tasks.discard(task)

    async def stop(self) -> None:
        """Start no more calls and wait for those in flight; what still waits stays unacknowledged."""
        self._stopping = asyncio.get_running_loop().create_future()
        if self._limiter.calls_in_flight:
            await self._stopping

    def on_partitions_revoked(self, partitions: Collection[int]) -> None:
        """Forget what waits of revoked partitions; calls in flight end, and their outcome is kept in case the record is given again."""
        for sending in list(self._in_flight.values()):
            if sending.batch.handle.batch.partition not in partitions:
                continue
            if not sending.is_calling and (sending.is_revoked or not sending.is_finished):
                del self._in_flight[sending.delivery.id]
            sending.is_revoked = True

    # -- a batch comes in

    def _start_batch(self, handle: BatchHandle) -> None:
        batch, now = handle.batch, self._clock()
        of = InFlightBatch(handle, parse_priority(batch.topic), now, self._finish_batch)
        if not of.remaining:
            self._finish_batch(of)
        readables: list[DecodedDelivery] = []
        for record in batch.records:
            item = decode_delivery(record, self._provider.channel)
            if isinstance(item, DecodeFailure):
                self._produce_dead_letter(build_decode_dead_letter(batch, item), batch.partition, of.priority)
                of.finish_record("decode_failed")
            else:
                readables.append(item)
        rows = self._attempts.get_many(batch.partition, [readable.row_key for readable in readables])
        for readable, row in zip(readables, rows, strict=True):
            if is_already_done(row, readable.delivery, now):
                self._discard_recorded(readable.delivery.id)
                of.finish_record("skipped")
            else:
                self._enqueue_delivery(InFlight(readable, of, self._provider.get_account(readable.delivery)))
        self._start_calls()

    def _enqueue_delivery(self, in_flight: InFlight) -> None:
        """Let a record wait for its call, unless its delivery is under way already."""
        other, of = self._in_flight.get(in_flight.delivery.id), in_flight.batch
        if other is not None and other.is_same_record(in_flight) and (other.is_finished or other.is_calling or not other.is_revoked):
            self._reattach_delivery(other, of)
        elif other is not None and not other.is_same_record(in_flight) and other.supersedes(in_flight):
            of.finish_record("skipped")
        else:
            self._in_flight[in_flight.delivery.id] = in_flight
            of.deliveries.append(in_flight)
            self._limiter.enqueue(in_flight)

    def _discard_recorded(self, delivery_id: str) -> None:
        """A row is there: what was kept of a call that ended after a loss is not needed any more."""
        other = self._in_flight.get(delivery_id)
        if other is not None and other.is_finished and other.is_revoked:
            del self._in_flight[delivery_id]

    def _reattach_delivery(self, in_flight: InFlight, in_flight_batch: InFlightBatch) -> None:
        """The record of a delivery under way was given again after a rebalance: it goes on, or is recorded again, for the new batch."""
        in_flight.batch, in_flight.is_revoked = in_flight_batch, False
        in_flight_batch.deliveries.append(in_flight)
        if in_flight.is_finished and in_flight.decision is not None:
            self._record(in_flight, in_flight.last_result, in_flight.decision, self._clock())

    # -- prepare, attempt

    def _start_calls(self) -> None:
        """Start calls while there is room; an answer that comes before `send` returns is pumped by the loop that is already running."""
        if self._starting_calls or self._stopping is not None:
            return
        self._starting_calls = True
        try:
            while not self._outbox.is_full and (sending := self._limiter.acquire()) is not None:
                self._prepare(sending)
        finally:
            self._starting_calls = False
        if self._outbox.is_full:
            self._outbox.on_committed(self._start_calls)

    def _prepare(self, in_flight: InFlight) -> None:
        delivery, now = in_flight.delivery, self._clock()
        if in_flight.is_revoked:
            self._limiter.release(in_flight)
        elif now >= delivery.expires_at:
            self._limiter.release(in_flight)
            self._record(in_flight, None, EXPIRED, now)
        else:
            prepared = self._build_request(in_flight, now)
            in_flight.attempt_count += 1
            if isinstance(prepared, AttemptResult):
                self._limiter.release(in_flight)
                self._decide(in_flight, prepared, now)
            else:
                in_flight.is_calling, in_flight.called_at = True, now
                self._http.send(prepared, partial(self._on_result, in_flight))

    def _build_request(self, in_flight: InFlight, now: float) -> HttpRequest | AttemptResult:
        try:
            prepared = self._provider.build_request(in_flight.delivery, in_flight.attempt, now)
        except Exception as error:
            return AttemptResult(Outcome.REJECTED_PERMANENT, Reason.UNEXPECTED_ERROR, detail=self._failure_limit.record_failure(error))
        if self._failure_limit.consecutive_failures:
            self._failure_limit.record_success()
        return prepared

    def _parse_result(self, result: HttpResult, now: float) -> AttemptResult:
        try:
            return self._provider.parse_result(result, now)
        except Exception as error:  # it was sent: to stop here, or to try again, would tell the user twice
            return AttemptResult(Outcome.UNKNOWN, Reason.UNEXPECTED_ERROR, detail=describe_error(error))

    def _on_result(self, in_flight: InFlight, result: HttpResult) -> None:
        try:
            in_flight.is_calling, now = False, self._clock()
            self._limiter.release(in_flight)
            self._decide(in_flight, self._parse_result(result, now), now)
            self._start_calls()
            if self._stopping is not None and not self._limiter.calls_in_flight and not self._stopping.done():
                self._stopping.set_result(None)
        except Exception as error:
            self._fail(error)

    # -- decide, record

    def _decide(self, in_flight: InFlight, result: AttemptResult, now: float) -> None:
        decision = decide(self._policy, result, in_flight.attempt_count, now, in_flight.delivery.expires_at)
        self._record(in_flight, result, decision, now)
        if isinstance(decision, RetryAt):
            in_flight.attempt += 1
            in_flight.possible_duplicate |= result.outcome is Outcome.UNKNOWN
            self._call_later(decision.at - now, partial(self._retry, in_flight))

    def _retry(self, in_flight: InFlight) -> None:
        try:
            self._limiter.enqueue(in_flight)
            self._start_calls()
        except Exception as error:
            self._fail(error)

    def _record(self, in_flight: InFlight, result: AttemptResult | None, decision: Decision, now: float) -> None:
        """Hand over what the attempt leaves behind; at the end also the row, which proves the rest."""
        partition, priority = in_flight.batch.handle.batch.partition, in_flight.batch.priority
        event = build_status_event(in_flight, result, decision, self._provider.name, now)
        self._outbox.add(self._status_topic, partition, event.user_id.encode(), _encode(event))
        self._observer.on_attempt(priority, event)
        if isinstance(decision, RetryAt):
            return
        if isinstance(decision, DeadLetterDecision):
            self._produce_dead_letter(build_dead_letter(in_flight, result, decision.reason), partition, priority)
        self._outbox.stage_row(partition, in_flight.row_key, encode_row(build_row(event, decision)))
        in_flight.last_result, in_flight.decision, in_flight.is_finished = result, decision, True
        in_flight.batch.finish_record(result.outcome if result else "expired")

    def _produce_dead_letter(self, letter: DeadLetter, partition: int, priority: Priority) -> None:
        key = letter.user_id.encode() or letter.key
        self._outbox.add(self._dead_letter_topic, partition, key, truncate_value(letter), encode_headers(letter))
        self._observer.on_dead_letter(priority, letter.reason, letter.notification_id, letter.delivery_id)

    # -- a batch goes out

    def _finish_batch(self, in_flight_batch: InFlightBatch) -> None:
        batch = in_flight_batch.handle.batch
        self._observer.on_batch_end(
            DeliveryBatchSummary(
                in_flight_batch.priority,
                batch.partition,
                len(batch),
                in_flight_batch.outcome_counts,
                self._clock() - in_flight_batch.started_at,
            )
        )
        self._outbox.on_committed(partial(self._acknowledge_batch, in_flight_batch))

    def _acknowledge_batch(self, in_flight_batch: InFlightBatch) -> None:
        for sending in in_flight_batch.deliveries:
            if self._in_flight.get(sending.delivery.id) is sending:
                del self._in_flight[sending.delivery.id]
        in_flight_batch.deliveries.clear()  # they name their batch: a circle, which the collector would find much later
        in_flight_batch.handle.ack()

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        for task in self._run_tasks:
            task.cancel()
