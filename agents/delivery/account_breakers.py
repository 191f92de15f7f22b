"""The breakers of the accounts of a worker: they limit the calls of an account that fails, is throttled, or rejects its credentials."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from math import inf

from agents.delivery.adaptive_concurrency import AdaptiveConcurrency
from agents.delivery.batch_drain import BatchDrain
from agents.delivery.breaker import Breaker, CallResult, Cause, classify, is_overloaded
from agents.delivery.concurrency import ConcurrencyLimiter
from agents.delivery.in_flight import InFlight
from agents.delivery.observer import Observer
from agents.delivery.retry_budget import RetryBudget
from agents.delivery.retry_decision import Random
from schemas.delivery_policy import BreakerPolicy
from schemas.enums import Outcome, Reason
from schemas.outcome import AttemptResult
from schemas.ports import CallLater

MIN_SWEPT_BREAKERS = 1000  # hosts that have not failed for long are forgotten when there are so many, and then at twice as many as stay
PROBE_REQUEST_INTERVAL = 1.0  # seconds; a delivery that is to be the probe may expire, or be forbidden, before its call
PAUSED = AttemptResult(Outcome.NOT_SENT, Reason.ACCOUNT_PAUSED, detail="an operator has paused the account")
LEAVE_SPREAD = 0.25  # of the time until a breaker permits a probe; what has left comes back over so much after it


class AccountBreakers:
    """An account has a breaker from its first failure until it has not failed for some time; a healthy one costs nothing.

    `on_open` is called with an account when its breaker opens, also after a probe; `on_probe_due` when it may permit one, which
    `allow_probe` then admits. `request_probe` is called with the account again and again while probes are permitted. A drain, before a
    rebalance or stop, does not wait for batches with deliveries that wait for an open breaker.
    """

    def __init__(
        self,
        policy: BreakerPolicy,
        limiter: ConcurrencyLimiter,
        drain: BatchDrain,
        call_later: CallLater,
        random: Random,
        observer: Observer,
        on_probe_due: Callable[[str], None],
    ) -> None:
        self._policy, self._limiter, self._drain, self._random = policy, limiter, drain, random
        self._call_later, self._observer = call_later, observer
        self._on_probe_due, self.lets_leave = on_probe_due, policy.leaves
        self.on_open: Callable[[str], None] | None = None
        self.request_probe: Callable[[str], None] | None = None
        self._adaptive: dict[str, AdaptiveConcurrency] = {}  # of accounts that were overloaded
        self._budgets: dict[str, RetryBudget] = {}  # of accounts of which a retry has failed, as long as they have a breaker
        self._sweep_at = MIN_SWEPT_BREAKERS
        self._breakers: dict[str, Breaker] = {}
        self._open: dict[str, Breaker] = {}  # those that limit their account
        drain.paused_accounts = self.accounts

    @property
    def all(self) -> Collection[str]:
        """The accounts that have failed lately, as a view that changes with them."""
        return self._breakers.keys()

    @property
    def accounts(self) -> Collection[str]:
        """The accounts whose breakers are open or permit probes, as a view that changes with them."""
        return self._open.keys()

    def count_open(self, cause: Cause) -> int:
        """How many are open for this cause."""
        return sum(breaker.cause is cause for breaker in self._open.values())

    def mark_probe(self, in_flight: InFlight) -> None:
        """A delivery was admitted: if the breaker of its account permits probes, it is one."""
        breaker = self._open.get(in_flight.account)
        in_flight.probe_number = breaker.probe_number if breaker is not None else 0

    def is_unsure(self, account: str, now: float) -> bool:
        """Whether calls to an account have failed lately, so that few deliveries are to depend on one call; 429 is no failure."""
        breaker = self._breakers.get(account)
        return breaker is not None and breaker.has_failed(now)

    def on_result(self, in_flight: InFlight, result: AttemptResult, now: float, joined: Sequence[InFlight] = ()) -> None:
        """A call ended, or could not be made. Sets the permits of the account, and takes back an attempt that does not count.

        `joined`: the other deliveries of the call, which counts once.
        """
        call_result, account = classify(result), in_flight.account
        breaker = self._breakers.get(account)
        if breaker is None:
            if call_result is CallResult.SUCCESS:
                return
            breaker = self._add(account, now)
        was_closed, permits = breaker.permits is None, breaker.permits
        is_probe = bool(permits) and in_flight.probe_number == breaker.probe_number
        if is_probe and call_result is CallResult.FAILURE and breaker.has_recovered and in_flight.attempt:
            in_flight.probe_number = (
                0  # the account works, and this delivery has failed before: the cause is its own, and the attempt counts
            )
        elif is_probe and call_result is CallResult.SUCCESS and (self._drain.is_active or not self._limiter.has_waiting(account)):
            self._end_probes(account, breaker, now)
        elif breaker.record(call_result, now, result.retry_after, in_flight.probe_number, in_flight.id):
            self._on_change(account, breaker, was_closed, result, now)
        self._adapt(account, call_result, result, now)
        self._count_retry(in_flight, call_result, now)
        for each in (in_flight, *joined):
            self._count(each, call_result, breaker, is_cause=permits != 0 and breaker.permits == 0)
        in_flight.probe_number = 0
        if call_result is CallResult.SUCCESS and self._is_idle(account, breaker, now):
            self._forget(account)

    def find_budget_delay(self, in_flight: InFlight, now: float) -> float | None:
        """Seconds that a retry has to wait because too many retries fail; None if it need not. A probe need not."""
        if in_flight.account in self._open:
            return None
        budget = self._budgets.get(in_flight.account)
        return None if budget is None else budget.find_delay(now)

    def _count_retry(self, in_flight: InFlight, call_result: CallResult, now: float) -> None:
        """Count a call for the budget of its account, and a retry that has failed; the breaker bounds probes."""
        budget, failed = self._budgets.get(in_flight.account), call_result is CallResult.FAILURE and in_flight.attempt
        if budget is None:
            if not failed or in_flight.probe_number:
                return
            budget = self._budgets[in_flight.account] = RetryBudget(self._policy.retry_budget, self._random)
        budget.record_call()
        if failed and not in_flight.probe_number:
            budget.record_failure(now)

    def is_probe_due(self, account: str, now: float) -> bool:
        """Whether the breaker of an account may permit a probe now. If not, because a later answer named a later time, it will be due."""
        breaker = self._open.get(account)
        if breaker is None or breaker.permits:  # an operator has let it go on before its time
            return False
        wait = breaker.open_until - now
        if wait > 0:
            self._call_later(wait, partial(self._on_probe_due, account))
        return wait <= 0

    def find_leave_time(self, account: str, now: float, *, has_room: bool) -> float | None:
        """When a delivery of an account is to come back, if it must not wait in the worker; None if it may."""
        if not self._policy.leaves:
            return None
        breaker = self._open.get(account)
        if breaker is None:
            return None
        return self.find_departure(max(0.0, breaker.open_until - now), now, has_room=has_room)

    def find_departure(self, wait: float, now: float, *, has_room: bool) -> float | None:
        """When a delivery that would wait for `wait` seconds is to come back; None if it may wait here."""
        if has_room and wait <= self._policy.max_wait:
            return None
        return now + wait + max(1.0, wait * LEAVE_SPREAD) * self._random()

    def allow_probe(self, account: str) -> None:
        """Admit one call; without a waiting delivery, that of the next one that comes. One that is held stays so for some time more."""
        breaker = self._open[account]
        if breaker.is_held:
            self._hold(account, breaker, now := breaker.open_until)
            self._call_later(breaker.open_until - now, partial(self._on_probe_due, account))
            return
        breaker.begin_probes()
        self._limiter.limit_account(account, 1)
        self._request_probe(account, breaker.probe_number)
        self._call_later(self._policy.failures.longest, partial(self._end_idle_probes, account, breaker, breaker.probe_number))

    def hold(self, paused: Mapping[str, float], now: float) -> None:
        """Let no call of these accounts begin, each until a time in epoch seconds or another call of this, and probe those held before."""
        for account in [name for name, breaker in self._open.items() if breaker.is_held and name not in paused]:
            self._open[account].release(now)
            self._on_probe_due(account)
        for account, ends_at in paused.items():
            breaker = self._breakers.get(account) or self._add(account, now)
            if not breaker.is_held:
                self._open[account] = breaker
                self._hold(account, breaker, now, ends_at)
                self._stop_calls(account)
                self._on_probe_due(account)  # not due yet: it will be looked at again then

    def _hold(self, account: str, breaker: Breaker, now: float, ends_at: float = inf) -> None:
        """Keep a breaker open for as long as any; then what has expired meanwhile is ended, and it is held again."""
        was_held = breaker.is_held
        breaker.hold(min(ends_at, now + self._policy.failures.longest), now)
        self._observer.on_breaker_opened(account, breaker.cause, breaker.open_until - now, PAUSED, is_again=was_held)

    def _end_idle_probes(self, account: str, breaker: Breaker, probe_number: int) -> None:
        """Forget a breaker that permits a probe for which nothing has come in so long a time, as that of a host that is gone."""
        is_probing = self._open.get(account) is breaker and breaker.permits == 1 and breaker.probe_number == probe_number
        if is_probing and self.request_probe is None and self._limiter.is_idle(account):
            breaker.close(breaker.open_until)
            self._on_closed(account, breaker, breaker.open_until)
            self._forget(account)

    def _request_probe(self, account: str, probe_number: int) -> None:
        """Ask for a delivery until the turn of probes ends: nothing else comes to an account whose deliveries go to others."""
        breaker = self._open.get(account)
        if self.request_probe is not None and breaker is not None and breaker.permits and breaker.probe_number == probe_number:
            self.request_probe(account)
            self._call_later(PROBE_REQUEST_INTERVAL, partial(self._request_probe, account, probe_number))

    def requeue(self, in_flight: InFlight) -> None:
        """Let a delivery wait for its account again."""
        self._limiter.enqueue(in_flight)
        self._drain.request()

    def remove_expired(self, account: str, now: float) -> list[InFlight]:
        """Remove and return the deliveries that expired while they waited for an account."""
        expired = self._limiter.remove_waiting(account, lambda in_flight: now >= in_flight.delivery.expires_at)
        return [in_flight for in_flight in expired if not in_flight.is_revoked]

    def drop_revoked(self) -> None:
        """Drop what waits and is revoked."""
        for account in self._open:
            self._limiter.remove_waiting(account, lambda in_flight: in_flight.is_revoked)

    def _add(self, account: str, now: float) -> Breaker:
        if len(self._breakers) >= self._sweep_at:
            for name in [name for name, breaker in self._breakers.items() if self._is_idle(name, breaker, now)]:
                self._forget(name)
            self._sweep_at = max(MIN_SWEPT_BREAKERS, 2 * len(self._breakers))
        breaker = self._breakers[account] = Breaker(self._policy, self._limiter.max_per_account, self._random)
        return breaker

    def _is_idle(self, account: str, breaker: Breaker, now: float) -> bool:
        adaptive = self._adaptive.get(account)
        return (adaptive is None or adaptive.is_full or adaptive.is_idle(now)) and breaker.is_idle(now)

    def _forget(self, account: str) -> None:
        del self._breakers[account]
        self._budgets.pop(account, None)
        if self._adaptive.pop(account, None) is not None:
            self._limiter.adapt_account(account, self._limiter.max_per_account)

    def _adapt(self, account: str, call_result: CallResult, result: AttemptResult, now: float) -> None:
        """Let an account have fewer calls in flight after a 429 or a call without an answer, and more again as calls succeed."""
        adaptive, is_overload = self._adaptive.get(account), is_overloaded(call_result, result)
        if adaptive is None:
            if not is_overload:
                return
            adaptive = self._adaptive[account] = AdaptiveConcurrency(self._limiter.min_per_account, self._limiter.max_per_account)
        if adaptive.record_overload(now) if is_overload else call_result is CallResult.SUCCESS and adaptive.record_success():
            self._limiter.adapt_account(account, adaptive.limit)

    def _end_probes(self, account: str, breaker: Breaker, now: float) -> None:
        """A probe has succeeded: if nothing waits, no crowd can follow it. A drain does not wait for the calls that would start, which
        might then be made twice.
        """
        if self._drain.is_active:
            breaker.reopen(breaker.cause, now)
            self._close_off(account, breaker, now)
        else:
            breaker.close(now)
            self._on_closed(account, breaker, now)

    def _on_closed(self, account: str, breaker: Breaker, now: float) -> None:
        del self._open[account]
        self._limiter.limit_account(account)
        self._observer.on_breaker_closed(account, breaker.cause, now - breaker.opened_at)

    def _on_change(self, account: str, breaker: Breaker, was_closed: bool, result: AttemptResult, now: float) -> None:
        if breaker.permits is None:
            self._on_closed(account, breaker, now)
        elif breaker.permits:
            self._limiter.limit_account(account, breaker.permits)
        else:
            self._open[account] = breaker
            self._observer.on_breaker_opened(account, breaker.cause, breaker.open_until - now, result, is_again=not was_closed)
            self._close_off(account, breaker, now)

    def _close_off(self, account: str, breaker: Breaker, now: float) -> None:
        self._call_later(breaker.open_until - now, partial(self._on_probe_due, account))
        self._stop_calls(account)

    def _stop_calls(self, account: str) -> None:
        self._limiter.limit_account(account, 0)
        self._drain.request()
        if self.on_open is not None:
            self.on_open(account)

    def _count(self, in_flight: InFlight, call_result: CallResult, breaker: Breaker, *, is_cause: bool) -> None:
        """Take back an attempt that does not count: one that was throttled or rejected for the account.

        It counts if the delivery itself may be the cause: the account has worked since it rejected the delivery, and rejects it again, or
        is closed off again because it throttles it.
        """
        has_worked_since = 0 <= in_flight.failed_at < breaker.recoveries
        match call_result:
            case CallResult.ACCOUNT_FAULT:
                counts = has_worked_since
            case CallResult.THROTTLED:
                counts = has_worked_since and is_cause
            case _:  # a probe that fails counts, too: if nothing else waits, its delivery would be tried until it expires
                counts = True
        if call_result in (CallResult.ACCOUNT_FAULT, CallResult.THROTTLED):
            in_flight.failed_at = breaker.recoveries
        if not counts:
            in_flight.counted_attempts -= 1
