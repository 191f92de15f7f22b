"""Pauses accounts whose credentials are rejected: no calls but one probe at a time, with growing delays, until one shows that they work."""

from collections.abc import Callable, Collection
from functools import partial

from agents.delivery.concurrency import ConcurrencyLimiter
from agents.delivery.in_flight import InFlight, InFlightRegistry
from agents.delivery.observer import Observer
from schemas.delivery_policy import ProbePolicy
from schemas.enums import Outcome
from schemas.outcome import AttemptResult
from schemas.ports import CallLater

# outcomes that a provider decides after it has checked the credentials; 429 and 5xx may come before
_CONCLUSIVE = (Outcome.ACCEPTED, Outcome.REJECTED_RECIPIENT, Outcome.REJECTED_PERMANENT)


class AccountPause:
    """One pause: its number (from 1, over all accounts), the delay before the next probe, and the delivery whose call is the probe."""

    __slots__ = ("delay", "ended_at", "number", "probe", "started_at")

    def __init__(self, number: int, started_at: float, delay: float) -> None:
        self.number, self.started_at, self.delay, self.ended_at = number, started_at, delay, 0.0
        self.probe: InFlight | None = None


class AccountPauses:
    """The paused accounts. `on_probe_due` is called with an account when it may be probed; `allow_probe` then admits one call.

    A drain, before a rebalance or stop, does not wait for batches with deliveries that wait for a paused account.
    """

    def __init__(
        self,
        policy: ProbePolicy,
        limiter: ConcurrencyLimiter,
        registry: InFlightRegistry,
        call_later: CallLater,
        observer: Observer,
        on_probe_due: Callable[[str], None],
    ) -> None:
        self._policy, self._limiter, self._registry = policy, limiter, registry
        self._call_later, self._observer, self._on_probe_due = call_later, observer, on_probe_due
        self._draining = False
        self._pauses: dict[str, AccountPause] = {}
        self._last_pauses: dict[str, AccountPause] = {}
        self._pause_count = 0

    @property
    def accounts(self) -> Collection[str]:
        """The paused accounts, as a view that changes with them."""
        return self._pauses.keys()

    def mark_probe(self, in_flight: InFlight) -> None:
        """A delivery was admitted: if its account is paused, it is the probe."""
        pause = self._pauses.get(in_flight.account)
        if pause is not None:
            pause.probe = in_flight

    def on_result(self, in_flight: InFlight, result: AttemptResult, now: float) -> None:
        """A call ended, or could not be made. An account fault pauses the account; the result of the probe resumes it.

        A result that does not show whether the credentials work resumes nothing. Nor does a drain: it does not wait for the calls that
        would start, which might then be made twice.
        """
        pause = self._pauses.get(in_flight.account)
        if result.is_account_fault:
            self._on_fault(in_flight, result, now, pause)
        elif pause is None or pause.probe is not in_flight:
            return
        elif result.outcome in _CONCLUSIVE and not self._draining:
            self._resume(in_flight.account, pause, now)
        else:
            self._wait_longer(in_flight.account, pause)

    def allow_probe(self, account: str) -> None:
        """Admit one call; without a waiting delivery, that of the next one that comes."""
        self._limiter.limit_account(account, 1)

    def requeue(self, in_flight: InFlight) -> None:
        """Let a delivery wait for its account again."""
        self._limiter.enqueue(in_flight)
        if self._draining:
            self._release_batches()

    def remove_expired(self, account: str, now: float) -> list[InFlight]:
        """Remove and return the deliveries that expired while they waited for an account."""
        expired = self._limiter.remove_waiting(account, lambda in_flight: now >= in_flight.delivery.expires_at)
        return [in_flight for in_flight in expired if not in_flight.is_revoked]

    def begin_drain(self) -> None:
        """Release the batches that wait."""
        self._draining = True
        self._release_batches()

    def end_drain(self) -> None:
        """Drop what waits and is revoked."""
        self._draining = False
        for account in self._pauses:
            self._limiter.remove_waiting(account, lambda in_flight: in_flight.is_revoked)

    def _release_batches(self) -> None:
        self._registry.release_waiting_batches(self._pauses.keys())

    def _on_fault(self, in_flight: InFlight, fault: AttemptResult, now: float, pause: AccountPause | None) -> None:
        """Pause the account, or wait longer after a probe. The attempt does not count, unless the delivery met an earlier pause: the
        account worked in between, so the delivery itself may be the cause.
        """
        if pause is None:
            pause = self._pause(in_flight.account, now)
            self._observer.on_account_paused(in_flight.account, fault)
        elif pause.probe is in_flight:
            self._wait_longer(in_flight.account, pause)
        if in_flight.pause_number in (0, pause.number):
            in_flight.counted_attempts -= 1
        in_flight.pause_number = pause.number

    def _pause(self, account: str, now: float) -> AccountPause:
        last, policy = self._last_pauses.pop(account, None), self._policy
        # an account that fails again at once is not probed, nor reported, at the first delay again
        delay = last.delay if last is not None and now - last.ended_at < policy.max_delay else policy.first_delay
        self._pause_count += 1
        pause = self._pauses[account] = AccountPause(self._pause_count, now, delay)
        self._wait_longer(account, pause)
        return pause

    def _wait_longer(self, account: str, pause: AccountPause) -> None:
        pause.probe = None
        self._limiter.limit_account(account, 0)
        self._call_later(pause.delay, partial(self._on_probe_due, account))
        pause.delay = min(pause.delay * 2, self._policy.max_delay)

    def _resume(self, account: str, pause: AccountPause, now: float) -> None:
        pause.probe, pause.ended_at = None, now
        self._last_pauses[account] = self._pauses.pop(account)
        self._limiter.limit_account(account)
        self._observer.on_account_resumed(account, now - pause.started_at)
