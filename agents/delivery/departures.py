"""Lets deliveries go elsewhere without an attempt: to another account, or through the scheduler (a closed account, the retry budget)."""

from agents.delivery.account_breakers import AccountBreakers
from agents.delivery.account_set import AccountSet
from agents.delivery.attempt_recorder import AttemptRecorder
from agents.delivery.call_rates import CallRates
from agents.delivery.concurrency import ConcurrencyLimiter
from agents.delivery.in_flight import InFlight
from agents.delivery.retry_decision import EXPIRED, RetryAt
from agents.delivery.waiting_room import WaitingRoom
from schemas.enums import Reason
from schemas.ports import Clock


class Departures:
    """The limiter asks it before a delivery waits for an account, and the breakers call it when one opens."""

    def __init__(
        self,
        breakers: AccountBreakers,
        limiter: ConcurrencyLimiter,
        waiting_room: WaitingRoom,
        recorder: AttemptRecorder,
        accounts: AccountSet | None,
        clock: Clock,
    ) -> None:
        """`accounts`: those of a channel that has several."""
        self._call_rates: CallRates | None = None
        self._breakers, self._limiter, self._waiting_room, self._recorder, self._clock = breakers, limiter, waiting_room, recorder, clock
        self._accounts = accounts
        if accounts is not None:
            accounts.watch(breakers.accounts)
            breakers.request_probe = accounts.request_probe
            limiter.move = self.move
        if breakers.lets_leave:
            limiter.leave = self.leave
        if breakers.lets_leave or accounts is not None:
            breakers.on_open = self._on_open

    def limit_rates(self, call_rates: CallRates) -> None:
        """Let what would wait long for a call by these rates leave, where other hosts would be held up."""
        self._call_rates = call_rates
        if self._breakers.lets_leave:
            self._limiter.leave_for_rate = self.leave_for_rate

    def move(self, in_flight: InFlight) -> bool:
        """Let another account have a delivery, if one is open; whether one is."""
        other = self._accounts.choose_other(in_flight.provider.name) if self._accounts is not None else None
        if other is not None:
            in_flight.set_provider(other)
        return other is not None

    def leave(self, in_flight: InFlight) -> bool:
        """Let a delivery leave if it must not wait here for its account; whether it left."""
        now = self._clock()
        at = self._breakers.find_leave_time(in_flight.account, now, has_room=self._waiting_room.has_room(in_flight))
        if at is None or in_flight.is_revoked:
            return False
        self._postpone(in_flight, at, Reason.ACCOUNT_PAUSED, now)
        return True

    def leave_for_rate(self, in_flight: InFlight) -> bool:
        """Let a delivery leave whose host has so many waiting, at its calls per second, that it would wait long here; whether it left."""
        if self._call_rates is None or in_flight.is_revoked:
            return False
        now, wait = self._clock(), self._call_rates.find_wait(in_flight.account)
        at = self._breakers.find_departure(wait, now, has_room=self._waiting_room.has_room(in_flight))
        if at is not None:
            self._postpone(in_flight, at, Reason.CALL_RATE, now)
        return at is not None

    def leave_for_budget(self, in_flight: InFlight, now: float) -> bool:
        """Let a retry leave if too many retries fail; whether it left."""
        delay = self._breakers.find_budget_delay(in_flight, now)
        if delay is not None:
            self._limiter.release(in_flight)
            self._postpone(in_flight, now + delay, Reason.RETRY_BUDGET, now)
        return delay is not None

    def _on_open(self, account: str) -> None:
        """Let those that wait for an account go to another one, if one is open, or leave, if it will be closed for long."""
        if self._accounts is not None and self._accounts.choose_other(account) is not None:
            for in_flight in self._limiter.remove_waiting(account, lambda in_flight: not in_flight.is_revoked):
                self.move(in_flight)
                self._limiter.enqueue(in_flight)
        elif self._breakers.find_leave_time(account, self._clock(), has_room=True) is not None:
            for in_flight in self._limiter.remove_waiting(account, lambda in_flight: not in_flight.is_revoked):
                if not self.leave(in_flight):  # so many took so long to leave that the others may wait
                    self._limiter.enqueue(in_flight)

    def _postpone(self, in_flight: InFlight, at: float, reason: Reason, now: float) -> None:
        self._recorder.record(in_flight, None, RetryAt(at, reason) if at < in_flight.delivery.expires_at else EXPIRED, now)
