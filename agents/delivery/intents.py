"""Deliveries that are sent at most once: a row says that the call is to be made, and is durable before it is."""

from collections.abc import Callable, Collection
from functools import partial

from agents.delivery.attempt_recorder import AttemptRecorder
from agents.delivery.concurrency import ConcurrencyLimiter
from agents.delivery.in_flight import InFlight
from schemas.ports import Clock, SharedOutbox


class Intents:
    """Each has its place among the calls from the row on, so that no more are left unknown by a kill, and its part of the account's rate.

    `call` gets a delivery whose row is durable, and then `start_calls` is called.
    """

    def __init__(
        self,
        outbox: SharedOutbox,
        recorder: AttemptRecorder,
        limiter: ConcurrencyLimiter,
        clock: Clock,
        call: Callable[[InFlight], None],
        start_calls: Callable[[], None],
        end_call: Callable[[InFlight], None],
    ) -> None:
        """`end_call` gets a delivery that is not called for, or not any more."""
        self._outbox, self._recorder, self._limiter, self._clock = outbox, recorder, limiter, clock
        self._call, self._start_calls, self._end_call = call, start_calls, end_call
        self._waiting: set[InFlight] = set()

    def add(self, in_flight: InFlight, now: float) -> None:
        """Let a delivery wait until its row is durable."""
        self._waiting.add(in_flight)
        in_flight.awaits_intent = True
        self._limiter.use_rate(in_flight.account)  # or what comes before the row is durable would be called for with the same permit
        self._recorder.record_intent(in_flight, now)
        self._outbox.on_committed(in_flight.batch.partition, partial(self._on_committed, in_flight))

    def release(self, partitions: Collection[int] | None = None) -> bool:
        """Give up the places of those that wait, if given, of these partitions: they are not called for. Returns whether any waited."""
        if not self._waiting:
            return False
        for in_flight in [one for one in self._waiting if partitions is None or one.batch.partition in partitions]:
            self._waiting.remove(in_flight)
            self._limiter.release(in_flight)
        return True

    def _on_committed(self, in_flight: InFlight) -> None:
        """Call for a delivery of which a replay now knows that it is called for; at a stop, let it know that it is not."""
        in_flight.awaits_intent = False
        if in_flight in self._waiting:
            self._waiting.remove(in_flight)
            in_flight.has_intent = True
            self._call(in_flight)
            self._start_calls()
        elif not in_flight.is_revoked:
            self._recorder.withdraw_intent(in_flight, self._clock())
        if not in_flight.is_calling:
            self._end_call(in_flight)
