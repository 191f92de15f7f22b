"""Lets deliveries leave the worker through the scheduler without an attempt: for an account that stays closed, or for the retry budget."""

from agents.delivery.account_breakers import AccountBreakers
from agents.delivery.attempt_recorder import AttemptRecorder
from agents.delivery.concurrency import ConcurrencyLimiter
from agents.delivery.in_flight import InFlight
from agents.delivery.retry_decision import EXPIRED, RetryAt
from agents.delivery.waiting_room import WaitingRoom
from schemas.enums import Reason
from schemas.ports import Clock


class Departures:
    """The limiter asks it before a delivery waits for an account, and the breakers call it when one opens."""

    def __init__(
        self, breakers: AccountBreakers, limiter: ConcurrencyLimiter, waiting_room: WaitingRoom, recorder: AttemptRecorder, clock: Clock
    ) -> None:
        self._breakers, self._limiter, self._waiting_room, self._recorder, self._clock = breakers, limiter, waiting_room, recorder, clock
        if breakers.lets_leave:
            limiter.leave = self.leave
            breakers.on_open = self._on_open

    def leave(self, in_flight: InFlight) -> bool:
        """Let a delivery leave if it must not wait here for its account; whether it left."""
        now = self._clock()
        at = self._breakers.find_leave_time(in_flight.account, now, has_room=self._waiting_room.has_room(in_flight))
        if at is None or in_flight.is_revoked:
            return False
        self._postpone(in_flight, at, Reason.ACCOUNT_PAUSED, now)
        return True

    def leave_for_budget(self, in_flight: InFlight, now: float) -> bool:
        """Let a retry leave if too many retries fail; whether it left."""
        delay = self._breakers.find_budget_delay(in_flight, now)
        if delay is not None:
            self._limiter.release(in_flight)
            self._postpone(in_flight, now + delay, Reason.RETRY_BUDGET, now)
        return delay is not None

    def _on_open(self, account: str) -> None:
        """Let those that wait for an account leave, if it will be closed for long."""
        if self._breakers.find_leave_time(account, self._clock(), has_room=True) is not None:
            for in_flight in self._limiter.remove_waiting(account, lambda in_flight: True):
                self.leave(in_flight)

    def _postpone(self, in_flight: InFlight, at: float, reason: Reason, now: float) -> None:
        self._recorder.record(in_flight, None, RetryAt(at, reason) if at < in_flight.delivery.expires_at else EXPIRED, now)
