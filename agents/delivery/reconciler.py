"""Finds out what became of calls without an answer, and lets their deliveries end, be sent once more, or wait for another search.

A delivery waits for its receipt in the scheduler, not here. What is searched for is in flight for the time of a query and a look-up.
"""

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

from agents.delivery.attempt_recorder import AttemptRecorder
from agents.delivery.evidence_search import EvidenceSearch
from agents.delivery.in_flight import InFlight
from agents.delivery.observer import Observer
from agents.delivery.reconciliation import (
    Conclusion,
    Resolution,
    Resolved,
    SearchAt,
    conclude_failed_search,
    conclude_look_up,
    conclude_without_evidence,
    count_failed_search,
    find_receipt,
    find_search_time,
)
from agents.delivery.retry_decision import Reconcile
from schemas.delivery import UnansweredCall
from schemas.delivery_policy import ReconciliationPolicy
from schemas.enums import Outcome
from schemas.history import RecordedStatus
from schemas.http import HttpResult
from schemas.outcome import AttemptResult
from schemas.ports import Clock
from schemas.store_ports import EvidenceReader

MAX_LOOK_UPS = 20  # at a provider at once; they are beside the calls that its limits are for
INTERRUPTED = AttemptResult(Outcome.UNKNOWN, detail="the worker ended before the provider's answer was recorded")


class Reconciler:
    """`send_again` gets a delivery whose message nobody has; `on_error` gets an unexpected error."""

    def __init__(
        self,
        policy: ReconciliationPolicy,
        reader: EvidenceReader,
        recorder: AttemptRecorder,
        clock: Clock,
        observer: Observer,
        send_again: Callable[[InFlight], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._policy, self._recorder, self._clock, self._observer = policy, recorder, clock, observer
        self._send_again, self._on_error = send_again, on_error
        self._search = EvidenceSearch(reader, self._on_found, on_error)
        self._look_ups: deque[InFlight] = deque()  # that wait for one to end
        self._look_ups_in_flight = 0

    def plan(self, in_flight: InFlight, result: AttemptResult, now: float) -> Reconcile | None:
        """The search that follows a call without an answer; None if the message is sent again like after any other failure."""
        at = find_search_time(self._policy, in_flight.delivery, in_flight.batch.priority, now)
        unanswered = UnansweredCall(in_flight.attempt, in_flight.called_at, has_failed=result.has_failed)
        return None if at is None else Reconcile(at, unanswered)

    def add_interrupted(self, in_flight: InFlight) -> None:
        """Treat a call that was to be made when a worker ended as one without an answer."""
        now = self._clock()
        at = find_search_time(self._policy, in_flight.delivery, in_flight.batch.priority, now)
        self._recorder.record(in_flight, INTERRUPTED, Reconcile(at or now, UnansweredCall(in_flight.attempt, in_flight.called_at)), now)

    def add(self, in_flight: InFlight) -> None:
        """Search for evidence of the call of a delivery that the scheduler has released."""
        self._search.add(in_flight)

    def stop(self) -> None:
        """Search no more, and ask no provider; what is in flight is read again."""
        self._search.stop()
        self._look_ups.clear()

    def _on_found(self, in_flights: list[InFlight], statuses: Mapping[str, RecordedStatus], cause: str) -> None:
        now = self._clock()
        for in_flight in in_flights:
            delivery = in_flight.delivery
            if receipt := find_receipt(statuses.get(in_flight.id), delivery):
                self._conclude(in_flight, receipt, now)
            elif cause:
                self._conclude(in_flight, conclude_failed_search(cause, delivery, now), now)
            elif in_flight.provider.look_up is not None:
                self._look_ups.append(in_flight)
            else:
                self._conclude(in_flight, conclude_without_evidence(delivery, now), now)
        self._start_look_ups()

    def _start_look_ups(self) -> None:
        while self._look_ups and self._look_ups_in_flight < MAX_LOOK_UPS:
            in_flight = self._look_ups.popleft()
            look_up, unanswered = in_flight.provider.look_up, in_flight.delivery.unanswered
            if in_flight.is_revoked or look_up is None or unanswered is None:
                continue
            self._look_ups_in_flight += 1
            request = look_up.build_request(in_flight.delivery, unanswered.called_at)
            in_flight.provider.send(request, partial(self._on_looked_up, in_flight))

    def _on_looked_up(self, in_flight: InFlight, result: HttpResult) -> None:
        try:
            self._look_ups_in_flight -= 1
            now, look_up = self._clock(), in_flight.provider.look_up
            if not in_flight.is_revoked and look_up is not None and (unanswered := in_flight.delivery.unanswered) is not None:
                looked_up = look_up.parse_result(in_flight.delivery, unanswered.called_at, result)
                self._conclude(in_flight, conclude_look_up(looked_up, in_flight.delivery, now), now)
            self._start_look_ups()
        except Exception as error:
            self._on_error(error)

    def _conclude(self, in_flight: InFlight, conclusion: Conclusion, now: float) -> None:
        if isinstance(conclusion, SearchAt):
            assert in_flight.delivery.unanswered is not None
            search = Reconcile(conclusion.at, count_failed_search(in_flight.delivery.unanswered), conclusion.cause)
            self._recorder.record(in_flight, None, search, now)
            return
        if isinstance(conclusion, Resolved):
            self._observer.on_resolution(conclusion.resolution)
            self._recorder.record_resolution(in_flight, conclusion, now)
            return
        unanswered, sent_again = in_flight.delivery.unanswered, in_flight.delivery.sent_again
        self._observer.on_resolution(Resolution.GIVEN_UP if sent_again else Resolution.SENT_AGAIN)
        in_flight.possible_duplicate = True
        in_flight.sent_again = unanswered is not None and not unanswered.has_failed
        self._send_again(in_flight)
