"""The delivery worker of one channel: each delivery is called for, decided and recorded. One event loop, no locks."""

import asyncio
from collections.abc import Collection
from functools import partial

from agents.agent_runs import AgentRuns
from agents.dead_letter_limit import DeadLetterLimit
from agents.delivery.account_breakers import AccountBreakers
from agents.delivery.account_set import AccountSet
from agents.delivery.attempt_recorder import AttemptRecorder
from agents.delivery.batch_calls import BatchCalls, Steps
from agents.delivery.batch_drain import BatchDrain
from agents.delivery.batch_reader import BatchReader
from agents.delivery.bounce_guard import BounceGuard
from agents.delivery.call_rates import CallRates
from agents.delivery.concurrency import ConcurrencyLimiter
from agents.delivery.consent_checks import CheckedConsent, ConsentChecks
from agents.delivery.departures import Departures
from agents.delivery.endpoint_order import EndpointOrder, OrderedEndpoints
from agents.delivery.held_partitions import HeldPartitions
from agents.delivery.in_flight import InFlight, InFlightRegistry
from agents.delivery.intents import Intents
from agents.delivery.observer import NULL_OBSERVER, Observer
from agents.delivery.opening import DeliveryOpening
from agents.delivery.provider_set import ProviderSet
from agents.delivery.reconciler import Reconciler
from agents.delivery.retry_decision import EXPIRED, DeadLetterDecision, Done, Random, WaitForAccount, decide, is_exhausted
from agents.delivery.waiting_room import WaitingRoom
from schemas.delivery_policy import BreakerPolicy, ConcurrencyLimits, ReconciliationPolicy, RetryPolicy, WaitingLimits
from schemas.enums import Outcome, Reason, Status
from schemas.http import HttpResult
from schemas.outcome import AttemptResult
from schemas.ports import BatchHandles, CallLater, Clock, SharedOutbox, Table
from schemas.store_ports import EvidenceReader, ProfileReader

_UNKNOWN, _ACCEPTED = Outcome.UNKNOWN, Outcome.ACCEPTED


class Deliverer:
    """Delivers the batches of all priorities of one channel, under common concurrency limits.

    An exception in a callback ends every `run`.
    """

    _stopping: asyncio.Future[None] | None = None  # until the calls in flight have ended, once a stop has begun

    def __init__(
        self,
        providers: ProviderSet,
        attempts: Table,
        outbox: SharedOutbox,
        clock: Clock,
        call_later: CallLater,
        random: Random,
        *,
        policy: RetryPolicy,
        limits: ConcurrencyLimits,
        breaker: BreakerPolicy,
        waiting: WaitingLimits,
        profiles: ProfileReader,
        evidence: EvidenceReader,
        reconciliation: ReconciliationPolicy,
        bounce_guard: BounceGuard | None = None,
        topic_prefix: str = "",
        observer: Observer = NULL_OBSERVER,
        dead_letter_limit: DeadLetterLimit | None = None,
        opening: DeliveryOpening | None = None,
    ) -> None:
        self._clock, self._random, self._policy, self._opening, self._bounce_guard = clock, random, policy, opening, bounce_guard
        self.waiting_room, self._accounts = WaitingRoom(waiting), providers if isinstance(providers, AccountSet) else None
        self._limiter, self._registry, self._runs = ConcurrencyLimiter(limits, self.waiting_room), InFlightRegistry(), AgentRuns()
        self._drain = BatchDrain(self._registry, outbox, lambda: self._consent.get_delayed())
        self.breakers = AccountBreakers(breaker, self._limiter, self._drain, call_later, random, observer, self._on_probe_due)
        self._failed_accounts, self._limited_accounts, self._starting_calls = self.breakers.all, self.breakers.accounts, False
        self._recorder = AttemptRecorder(outbox, topic_prefix, observer, dead_letter_limit)
        self._departures = Departures(self.breakers, self._limiter, self.waiting_room, self._recorder, self._accounts, clock)
        self._reconciler = Reconciler(reconciliation, evidence, self._recorder, clock, observer, self._send_again, self._runs.fail)
        others = self._registry, self._recorder, clock, observer, self._reconciler.add_interrupted, bounce_guard, opening
        self._reader = BatchReader(providers, attempts, outbox, *others)
        on_checked, on_unavailable = self._on_consent_checked, observer.on_consent_unavailable
        steps = Steps(self._send, self._decide, self._drain.end_call, self._go_on, self._runs.fail)
        self._batch_calls = BatchCalls(self._limiter, self.breakers, self._accounts, clock, observer, steps)
        self._consent = ConsentChecks(profiles, clock, call_later, self.waiting_room, on_checked, on_unavailable, self._runs.fail)
        self._intents = Intents(outbox, self._recorder, self._limiter, clock, self._call, self._start_calls, self._drain.end_call)
        self._held_partitions = HeldPartitions(self._limiter, outbox, self._start_calls)

    def limit_rates(self, call_rates: CallRates) -> None:
        """Make no more calls per second than these permit."""
        call_rates.start(self._limiter, self._drain, self._start_calls, self._runs.fail)
        self._departures.limit_rates(call_rates)

    def keep_order(self, ordered: OrderedEndpoints, outbox: SharedOutbox) -> EndpointOrder:
        """Call ordered endpoints for one delivery of a user after the other; returns what keeps their order."""
        self._reader.order = order = EndpointOrder(ordered, outbox, self._recorder, self.waiting_room, self._drain, self._clock, self._go)
        return order

    @property
    def calls_in_flight(self) -> int:
        """Provider calls without a result yet, or about to be made."""
        return self._limiter.calls_in_flight

    async def run(self, batches: BatchHandles) -> None:
        """Deliver the batches of one priority. Raises what a callback raised; the batches in flight then stay unacknowledged."""
        with self._runs.track():
            async for handle in self._opening.read_ahead(batches) if self._opening else batches:
                for in_flight in self._reader.read(handle):
                    if in_flight.delivery.unanswered is not None:
                        self._reconciler.add(in_flight)
                    else:
                        (self._consent.add if in_flight.delivery.consent else self._limiter.enqueue)(in_flight)
                self._drain.request()  # for a batch that was being read ahead when a drain began
                self._start_calls()
                if self._stopping is not None:
                    self._drain.release_all()

    def begin_stop(self) -> None:
        """Start no more calls, and let the stop wait for no batch without one; batches with waiting deliveries stay unacknowledged."""
        if self._stopping is None:
            self._stopping = asyncio.get_running_loop().create_future()
            self._intents.release()
            self._drain.release_all()

    async def stop(self) -> None:
        """Start no more calls and wait for those in flight."""
        self.begin_stop()
        self._consent.stop()
        self._reconciler.stop()
        if self._stopping is not None and self._limiter.calls_in_flight:
            await self._stopping

    def on_drain(self) -> None:
        """A rebalance or stop begins: it does not wait for batches whose deliveries wait for an open breaker, or for unknown consent."""
        self._drain.begin()
        if self._opening is not None:
            self._opening.release_waiting()

    def on_partitions_revoked(self, partitions: Collection[int]) -> None:
        """Start no more calls for these partitions; see InFlightRegistry.revoke_partitions."""
        self._drain.end()
        self._registry.revoke_partitions(partitions)
        self.waiting_room.drop_partitions(partitions)
        self._reader.drop_partitions(partitions)
        for partition in partitions:
            self._limiter.queue.drop(partition)
        self.breakers.drop_revoked()
        if self._intents.release(partitions):
            self._start_calls()

    # -- call

    def _start_calls(self) -> None:
        """Start calls up to the limits. A result that arrives before `send` returns calls this again; the outer loop then continues."""
        if self._starting_calls or self._stopping is not None:
            return
        self._starting_calls = True
        try:
            while self._call_admitted() or self._batch_calls.send():
                pass
        finally:
            self._starting_calls = False
        if self._drain.is_due:
            self._drain.release_waiting()

    def _call_admitted(self) -> bool:
        """Call for the deliveries that the limits admit; whether there were any."""
        limiter = self._limiter
        in_flight = first = limiter.acquire()
        while in_flight is not None:
            if self._held_partitions.must_wait(in_flight):
                self._held_partitions.hold(in_flight)
            else:
                self._call(in_flight)
            in_flight = limiter.acquire()
        return first is not None

    def _call(self, in_flight: InFlight) -> None:
        """Call for a delivery, if it may be called for: one that is revoked, of a batch that a drain has let go, or expired is not."""
        now = self._clock()
        if in_flight.is_revoked or (in_flight.batch.calls is not None and not in_flight.has_intent):
            self._limiter.release(in_flight)
            return
        if now >= in_flight.delivery.expires_at:
            self._limiter.release(in_flight)
            self._recorder.record(in_flight, None, EXPIRED, now)
            return
        if in_flight.delivery.consent and self._consent.must_check(in_flight, now):
            self._limiter.release(in_flight)
            if in_flight.has_intent:  # it waits again, and a worker that reads its record meanwhile may call
                self._recorder.withdraw_intent(in_flight, now)
                in_flight.has_intent = False
            self._consent.add(in_flight)
            return
        if in_flight.delivery.at_most_once and not in_flight.has_intent:
            self._intents.add(in_flight, now)
            return
        if in_flight.attempt and self._departures.leave_for_budget(in_flight, now):
            return
        if self._limited_accounts:
            self.breakers.mark_probe(in_flight)
        if not self._batch_calls.add(in_flight, now):
            if not in_flight.has_intent:
                self._limiter.use_rate(in_flight.account)
            self._send(in_flight, now)

    def _send(self, in_flight: InFlight, now: float) -> None:
        """Build the request and send it; a delivery that cannot be sent gets no call."""
        delivery = in_flight.add_source() if in_flight.provider.reports_source else in_flight.delivery
        request = in_flight.provider.build_request(delivery, in_flight.attempt, now)
        in_flight.counted_attempts += 1
        if not isinstance(request, AttemptResult):
            in_flight.is_calling, in_flight.called_at = True, now
            in_flight.provider.send(request, partial(self._on_result, in_flight))
            return
        if request.is_account_fault:
            self.breakers.on_result(in_flight, request, now)
        self._limiter.release(in_flight)
        self._decide(in_flight, request, now)

    def _send_again(self, in_flight: InFlight) -> None:
        """Call once more for a delivery whose message nobody has, unless that was done before, or its attempts are used up."""
        delivery = in_flight.delivery
        if delivery.sent_again or is_exhausted(self._policy, in_flight.counted_attempts, delivery.category):
            self._recorder.record(in_flight, None, DeadLetterDecision(Reason.RETRIES_EXHAUSTED), self._clock())
            return
        if self._bounce_guard is not None and self._bounce_guard.stopped:
            now = self._clock()
            if hold := self._bounce_guard.find_hold(in_flight.delivery, in_flight.batch.priority, now):
                self._recorder.record(in_flight, None, hold, now)
                return
        self._departures.move(in_flight)
        self._go(in_flight)

    def _go(self, in_flight: InFlight) -> None:
        (self._consent.add if in_flight.delivery.consent else self._limiter.enqueue)(in_flight)
        self._start_calls()

    def _on_consent_checked(self, checked: CheckedConsent) -> None:
        """Let what is allowed wait for a call, and end what is not without one."""
        if self._stopping is not None:
            return
        if checked.unknown:
            self._drain.request()
        for in_flight, reason in checked.forbidden:
            self._recorder.record(in_flight, None, Done(Status.FAILED, reason), self._clock())
        for in_flight in checked.allowed:
            self._limiter.enqueue(in_flight)
        self._start_calls()

    def _on_result(self, in_flight: InFlight, result: HttpResult) -> None:
        try:
            in_flight.is_calling, now = False, self._clock()
            attempted = in_flight.provider.parse_result(result, now)
            if attempted.outcome is not _ACCEPTED or self._failed_accounts:
                self.breakers.on_result(in_flight, attempted, now)
            self._limiter.release(in_flight)
            if self._accounts is not None:
                self._accounts.on_result(in_flight.provider, attempted, now)
            self._decide(in_flight, attempted, now)
            if in_flight.batch.calls is not None:
                self._drain.end_call(in_flight)
            self._go_on()
        except Exception as error:
            self._runs.fail(error)

    def _go_on(self) -> None:
        """Start further calls after a result, or end the stop after the last one."""
        self._start_calls()
        if self._stopping is not None and not self._limiter.calls_in_flight and not self._stopping.done():
            self._drain.release_all()
            self._stopping.set_result(None)

    # -- decide

    def _decide(self, in_flight: InFlight, result: AttemptResult, now: float) -> None:
        delivery = in_flight.delivery
        decision = decide(self._policy, result, in_flight.counted_attempts, now, delivery.expires_at, delivery.category, self._random)
        if result.outcome is _UNKNOWN and result.reason != Reason.UNEXPECTED_ERROR:
            decision = self._reconciler.plan(in_flight, result, now) or decision
        self._recorder.record(in_flight, result, decision, now)
        if type(decision) is WaitForAccount:
            if in_flight.has_intent:
                self._recorder.withdraw_intent(in_flight, now)
            in_flight.has_intent = False
            in_flight.attempt += 1
            if self._departures.move(in_flight):
                self._limiter.enqueue(in_flight)
            else:
                self.breakers.requeue(in_flight)

    def _on_probe_due(self, account: str) -> None:
        """End what has expired while it waited, then let one call show whether the account works again."""
        try:
            if self.breakers.is_probe_due(account, now := self._clock()):
                for in_flight in self.breakers.remove_expired(account, now):
                    self._recorder.record(in_flight, None, EXPIRED, now)
                self.breakers.allow_probe(account)
            self._start_calls()
        except Exception as error:
            self._runs.fail(error)
