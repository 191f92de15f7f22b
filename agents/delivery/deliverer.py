"""The delivery worker of one channel: each delivery is called for, decided and recorded. One event loop, no locks."""

import asyncio
from collections.abc import Collection
from functools import partial

import msgspec

from agents.agent_runs import AgentRuns
from agents.dead_letter import truncate_value
from agents.delivery.account_pauses import AccountPauses
from agents.delivery.attempt_records import build_attempt_dead_letter, build_decode_dead_letter, build_row, build_status_event
from agents.delivery.concurrency import HELD_PRIORITIES, ConcurrencyLimiter
from agents.delivery.consent_checks import CheckedConsent, ConsentChecks
from agents.delivery.decode import DecodedDelivery, DecodeFailure, decode_delivery
from agents.delivery.in_flight import InFlight, InFlightBatch, InFlightRegistry
from agents.delivery.observer import NULL_OBSERVER, DeliveryBatchSummary, Observer
from agents.delivery.provider_errors import CheckedProvider
from agents.delivery.retry_decision import EXPIRED, DeadLetterDecision, Decision, Done, RetryAt, WaitForAccount, decide
from agents.delivery.waiting_room import WaitingRoom
from schemas.dead_letter import DeadLetter, encode_headers
from schemas.delivery_policy import ConcurrencyLimits, ProbePolicy, RetryPolicy, WaitingLimits
from schemas.enums import Outcome, Priority, Status
from schemas.http import HttpClient, HttpResult
from schemas.outcome import AttemptResult, Provider
from schemas.ports import BatchHandle, BatchHandles, CallLater, Clock, SharedOutbox, Table
from schemas.store_ports import ProfileReader
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, parse_priority
from tables.attempts import encode_row, is_already_done

_encode = msgspec.json.Encoder().encode
_UNFINISHED = (RetryAt, WaitForAccount)  # a tuple, because a union is built again at each check


class Deliverer:
    """Delivers the batches of all priorities of one channel, under common concurrency limits.

    A batch is acknowledged when its last record has finished and its outputs and rows are committed. An exception in a callback ends every
    `run`.
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
        probes: ProbePolicy,
        waiting: WaitingLimits,
        profiles: ProfileReader,
        topic_prefix: str = "",
        observer: Observer = NULL_OBSERVER,
    ) -> None:
        self._provider, self._http, self._attempts, self._outbox = provider, http, attempts, outbox
        self._clock, self._call_later, self._policy, self._observer = clock, call_later, policy, observer
        self._status_topic, self._dead_letter_topic = topic_prefix + STATUS_TOPIC, topic_prefix + DEAD_LETTER_TOPIC
        self.waiting_room = WaitingRoom(waiting)
        self._limiter = ConcurrencyLimiter(limits, self.waiting_room)
        self._registry = InFlightRegistry()
        self._pauses = AccountPauses(probes, self._limiter, self._registry, call_later, observer, self._on_probe_due)
        self.paused_accounts = self._pauses.accounts
        self._checked_provider = CheckedProvider(provider)
        self._runs = AgentRuns()
        on_checked, on_unavailable = self._on_consent_checked, observer.on_consent_unavailable
        self._consent = ConsentChecks(profiles, clock, call_later, self.waiting_room, on_checked, on_unavailable, self._runs.fail)
        self._starting_calls = False
        self._stopping: asyncio.Future[None] | None = None

    @property
    def calls_in_flight(self) -> int:
        """Provider calls without a result yet."""
        return self._limiter.calls_in_flight

    async def run(self, batches: BatchHandles) -> None:
        """Deliver the batches of one priority. Raises what a callback raised; the batches in flight then stay unacknowledged."""
        with self._runs.track():
            async for handle in batches:
                self._start_batch(handle)

    def begin_stop(self) -> None:
        """Start no more calls, and let the stop wait for no batch without one; batches with waiting deliveries stay unacknowledged."""
        if self._stopping is None:
            self._stopping = asyncio.get_running_loop().create_future()
            self._registry.release_waiting_batches()

    async def stop(self) -> None:
        """Start no more calls and wait for those in flight."""
        self.begin_stop()
        self._consent.stop()
        if self._stopping is not None and self._limiter.calls_in_flight:
            await self._stopping

    def on_drain(self) -> None:
        """A rebalance or stop begins: it does not wait for batches whose deliveries wait for a paused account, or for unknown consent."""
        self._pauses.begin_drain()
        self._registry.release_batches(self._consent.get_delayed())

    def on_partitions_revoked(self, partitions: Collection[int]) -> None:
        """Start no more calls for these partitions; see InFlightRegistry.revoke_partitions."""
        self._registry.revoke_partitions(partitions)
        self.waiting_room.drop_partitions(partitions)
        for partition in partitions:
            self._limiter.queue.drop(partition)
        self._pauses.end_drain()

    # -- batch in

    def _start_batch(self, handle: BatchHandle) -> None:
        batch, now = handle.batch, self._clock()
        in_flight_batch = InFlightBatch(handle, parse_priority(batch.topic), now, self._finish_batch)
        if not in_flight_batch.remaining:
            self._finish_batch(in_flight_batch)
        decoded_deliveries = self._decode_batch(in_flight_batch)
        rows = self._attempts.get_many(batch.partition, [decoded.row_key for decoded in decoded_deliveries])
        for decoded, row in zip(decoded_deliveries, rows, strict=True):
            if row is not None and is_already_done(row, decoded.delivery):
                self._registry.discard_recorded(decoded.delivery.id)
                in_flight_batch.finish_record(decoded.record, "skipped")
                continue
            in_flight = InFlight(decoded, in_flight_batch, self._provider.get_account(decoded.delivery))
            registered = self._registry.register(in_flight)
            if registered is in_flight:
                (self._consent.add if decoded.delivery.consent else self._limiter.enqueue)(in_flight)
            elif registered is None:
                in_flight_batch.finish_record(decoded.record, "skipped")
            elif registered.is_finished:
                self._finish(registered)
        self._start_calls()

    def _decode_batch(self, in_flight_batch: InFlightBatch) -> list[DecodedDelivery]:
        batch, channel = in_flight_batch.handle.batch, self._provider.channel
        decoded_deliveries: list[DecodedDelivery] = []
        for record in batch.records:
            decoded = decode_delivery(record, channel)
            if isinstance(decoded, DecodeFailure):
                self._produce_dead_letter(build_decode_dead_letter(batch, decoded), batch.partition, in_flight_batch.priority)
                in_flight_batch.finish_record(record, "decode_failed")
            else:
                decoded_deliveries.append(decoded)
        batch.drop_records()
        return decoded_deliveries

    # -- call

    def _start_calls(self) -> None:
        """Start calls up to the limits. A result that arrives before `send` returns calls this again; the outer loop then continues.

        Medium and low of a partition with too much uncommitted work wait for its commit. No other partition does, nor does high: its
        batches in flight bound its uncommitted work. A revoked delivery holds up nothing: its commit may never come.
        """
        if self._starting_calls or self._stopping is not None:
            return
        self._starting_calls = True
        try:
            while (in_flight := self._limiter.acquire()) is not None:
                if self._must_wait(in_flight):
                    self._hold(in_flight)
                else:
                    self._call(in_flight)
        finally:
            self._starting_calls = False

    def _must_wait(self, in_flight: InFlight) -> bool:
        batch = in_flight.batch
        return batch.priority in HELD_PRIORITIES and not in_flight.is_revoked and self._outbox.is_full(batch.partition)

    def _hold(self, in_flight: InFlight) -> None:
        """Let a partition wait for its commit, with this delivery as its first one."""
        partition = in_flight.batch.partition
        self._limiter.queue.hold(partition)
        self._outbox.on_committed(partition, partial(self._resume_partition, partition))
        self._limiter.release(in_flight)
        self._limiter.queue.put_first(in_flight)

    def _resume_partition(self, partition: int) -> None:
        self._limiter.queue.resume(partition)
        self._start_calls()

    def _call(self, in_flight: InFlight) -> None:
        """Build the request and send it; a delivery that is revoked, expired or cannot be sent gets no call."""
        now = self._clock()
        if in_flight.is_revoked:
            self._limiter.release(in_flight)
            return
        if now >= in_flight.delivery.expires_at:
            self._limiter.release(in_flight)
            self._record(in_flight, None, EXPIRED, now)
            return
        if in_flight.delivery.consent and self._consent.must_check(in_flight, now):
            self._limiter.release(in_flight)
            self._consent.add(in_flight)
            return
        if self.paused_accounts:
            self._pauses.mark_probe(in_flight)
        request = self._checked_provider.build_request(in_flight.delivery, in_flight.attempt, now)
        in_flight.attempt_count += 1
        if not isinstance(request, AttemptResult):
            in_flight.is_calling, in_flight.called_at = True, now
            self._http.send(request, partial(self._on_result, in_flight))
            return
        if request.is_account_fault:
            self._pauses.on_result(in_flight, request, now)
        self._limiter.release(in_flight)
        self._decide(in_flight, request, now)

    def _on_consent_checked(self, checked: CheckedConsent) -> None:
        """Let what is allowed wait for a call, and end what is not without one."""
        if self._stopping is not None:
            return
        for in_flight, reason in checked.forbidden:
            self._record(in_flight, None, Done(Status.FAILED, reason), self._clock())
        for in_flight in checked.allowed:
            self._limiter.enqueue(in_flight)
        self._start_calls()

    def _on_result(self, in_flight: InFlight, result: HttpResult) -> None:
        try:
            in_flight.is_calling, now = False, self._clock()
            attempted = self._checked_provider.parse_result(result, now)
            if attempted.is_account_fault or self.paused_accounts:
                self._pauses.on_result(in_flight, attempted, now)
            self._limiter.release(in_flight)
            self._decide(in_flight, attempted, now)
            self._start_calls()
            if self._stopping is not None and not self._limiter.calls_in_flight and not self._stopping.done():
                self._registry.release_waiting_batches()
                self._stopping.set_result(None)
        except Exception as error:
            self._runs.fail(error)

    # -- decide, record

    def _decide(self, in_flight: InFlight, result: AttemptResult, now: float) -> None:
        decision = decide(self._policy, result, in_flight.attempt_count, now, in_flight.delivery.expires_at)
        self._record(in_flight, result, decision, now)
        if isinstance(decision, RetryAt):
            in_flight.attempt += 1
            in_flight.possible_duplicate |= result.outcome is Outcome.UNKNOWN
            self._call_later(decision.at - now, partial(self._retry, in_flight))
        elif isinstance(decision, WaitForAccount):
            in_flight.attempt += 1
            self._pauses.requeue(in_flight)

    def _retry(self, in_flight: InFlight) -> None:
        try:
            self._limiter.enqueue(in_flight)
            self._start_calls()
        except Exception as error:
            self._runs.fail(error)

    def _on_probe_due(self, account: str) -> None:
        """End what has expired while it waited, then let one call show whether the account works again."""
        try:
            for in_flight in self._pauses.remove_expired(account, now := self._clock()):
                self._record(in_flight, None, EXPIRED, now)
            self._pauses.allow_probe(account)
            self._start_calls()
        except Exception as error:
            self._runs.fail(error)

    def _record(self, in_flight: InFlight, result: AttemptResult | None, decision: Decision, now: float) -> None:
        """Produce the status event; at the end of the delivery also the dead letter, if any, and the row, which is written after both."""
        partition, priority = in_flight.batch.partition, in_flight.batch.priority
        event = build_status_event(in_flight, result, decision, self._provider.name, now)
        self._outbox.add(self._status_topic, partition, event.user_id.encode(), _encode(event))
        self._observer.on_attempt(priority, event)
        if isinstance(decision, _UNFINISHED):
            return
        if isinstance(decision, DeadLetterDecision):
            self._produce_dead_letter(build_attempt_dead_letter(in_flight, result, decision.reason), partition, priority)
        in_flight.row, in_flight.result = encode_row(build_row(event, decision)), result.outcome if result else event.reason
        self._finish(in_flight)

    def _finish(self, in_flight: InFlight) -> None:
        """Stage the row. If the same record is read again, only this is repeated: the outbox sends the outputs of a past generation too."""
        self._outbox.stage_row(in_flight.batch.partition, in_flight.row_key, in_flight.row)
        in_flight.finish()

    def _produce_dead_letter(self, dead_letter: DeadLetter, partition: int, priority: Priority) -> None:
        key = dead_letter.user_id.encode() or dead_letter.key
        self._outbox.add(self._dead_letter_topic, partition, key, truncate_value(dead_letter), encode_headers(dead_letter))
        self._observer.on_dead_letter(priority, dead_letter.reason, dead_letter.notification_id, dead_letter.delivery_id)

    # -- batch out

    def _finish_batch(self, in_flight_batch: InFlightBatch) -> None:
        batch, seconds = in_flight_batch.handle.batch, self._clock() - in_flight_batch.started_at
        self._observer.on_batch_end(
            DeliveryBatchSummary(in_flight_batch.priority, batch.partition, len(batch), in_flight_batch.outcome_counts, seconds)
        )
        self._outbox.on_committed(batch.partition, partial(self._acknowledge_batch, in_flight_batch))

    def _acknowledge_batch(self, in_flight_batch: InFlightBatch) -> None:
        self._registry.remove_batch(in_flight_batch)
        in_flight_batch.handle.ack()
