"""The circuit breaker of a provider account or webhook host: a state machine, with clock and randomness passed in.

Closed, it counts the calls of a sliding window. It opens when too many of them fail, or at once when the provider throttles the account or
rejects its credentials. Open, it permits no call; then one probe, and twice as many after each step that succeeds, until it is closed.
"""

from collections import OrderedDict, deque
from enum import StrEnum

from agents.delivery.retry_decision import Random
from schemas.delivery_policy import BreakerPolicy, OpenDelays
from schemas.enums import Outcome, Reason
from schemas.outcome import AttemptResult

BUCKETS = 10  # of the window


class Cause(StrEnum):
    """Why a breaker is open."""

    FAILURES = "failures"
    THROTTLED = "throttled"
    CREDENTIALS = "credentials"
    OPERATOR = "operator"


class CallResult(StrEnum):
    """What a result says about the account. A rejection of the delivery, such as 400, is a success of the account."""

    SUCCESS = "success"
    FAILURE = "failure"
    THROTTLED = "throttled"
    ACCOUNT_FAULT = "account fault"


_OPENING_CAUSES = {CallResult.THROTTLED: Cause.THROTTLED, CallResult.ACCOUNT_FAULT: Cause.CREDENTIALS}


def classify(result: AttemptResult) -> CallResult:
    """What a result says about the account: 5xx, no answer and no connection are failures; an error of our own is none."""
    if result.is_account_fault:
        return CallResult.ACCOUNT_FAULT
    if result.outcome is Outcome.THROTTLED:
        return CallResult.THROTTLED
    failed = result.outcome in (Outcome.UNKNOWN, Outcome.NOT_SENT) and result.reason != Reason.UNEXPECTED_ERROR
    return CallResult.FAILURE if failed else CallResult.SUCCESS


def is_overloaded(call_result: CallResult, result: AttemptResult) -> bool:
    """Whether fewer calls would have been better: it was throttled, or had no answer. An error of our own says nothing about that."""
    if call_result is CallResult.FAILURE:
        return result.outcome is Outcome.UNKNOWN and not result.is_answered
    return call_result is CallResult.THROTTLED


class SlidingWindow:
    """Calls and failures of the last seconds, in buckets. It begins with the first failure: before it nothing has to be counted."""

    __slots__ = ("_bucket_seconds", "_buckets", "calls", "failures")

    def __init__(self, seconds: float) -> None:
        self._bucket_seconds = seconds / BUCKETS
        self._buckets: deque[list[int]] = deque()  # number, calls, failures
        self.calls = self.failures = 0

    def add(self, failed: bool, now: float) -> None:
        """Count a call."""
        self.expire(now)
        number = int(now / self._bucket_seconds)
        if not self._buckets or self._buckets[-1][0] != number:
            self._buckets.append([number, 0, 0])
        bucket = self._buckets[-1]
        bucket[1] += 1
        bucket[2] += failed
        self.calls += 1
        self.failures += failed

    def expire(self, now: float) -> None:
        """Forget the buckets that are older than the window."""
        oldest = int(now / self._bucket_seconds) - BUCKETS
        while self._buckets and self._buckets[0][0] <= oldest:
            _, calls, failures = self._buckets.popleft()
            self.calls -= calls
            self.failures -= failures

    def clear(self) -> None:
        """Forget all."""
        self._buckets.clear()
        self.calls = self.failures = 0


class Breaker:
    """One breaker. `permits`: how many calls may be in flight; None: it is closed. `probe_number`: of the present turn of probes.
    `recoveries`: how often a probe has succeeded, `has_recovered`: whether one has since it was opened last. `is_held`: an operator has
    paused the account, so no result changes anything.
    """

    __slots__ = (
        "_closed_at",
        "_delay",
        "_failed_at",
        "_failed_in_a_row",
        "_failures",
        "_max_calls",
        "_policy",
        "_random",
        "_results",
        "_window",
        "cause",
        "has_recovered",
        "is_held",
        "open_until",
        "opened_at",
        "permits",
        "probe_number",
        "recoveries",
    )

    def __init__(self, policy: BreakerPolicy, max_calls: int, random: Random) -> None:
        """`max_calls`: the usual limit of calls in flight of the account; a step of probes that reaches it closes the breaker."""
        self._policy, self._max_calls, self._random = policy, max_calls, random
        self._window = SlidingWindow(policy.window)
        self._results = self._failures = 0
        # in the window, by delivery, the one that failed last at the end
        self._failed_at: OrderedDict[object, float] = OrderedDict()
        self._failed_in_a_row: set[object] = set()  # deliveries since the last success
        self._delay = self._closed_at = 0.0
        self.cause = Cause.FAILURES
        self.permits: int | None = None
        self.open_until = self.opened_at = 0.0
        self.probe_number = self.recoveries = 0
        self.has_recovered = self.is_held = False

    def is_idle(self, now: float) -> bool:
        """Whether nothing would be lost with the breaker: it is closed, and has not failed for long."""
        self._window.expire(now)
        memory = self._get_delays(self.cause).longest if self._delay else 0.0
        return self.permits is None and not self._window.failures and now >= self._closed_at + memory

    def has_failed(self, now: float) -> bool:
        """Whether a call has failed in the window, or the breaker is not closed."""
        self._window.expire(now)
        return self.permits is not None or self._window.failures > 0

    def record(self, result: CallResult, now: float, retry_after: float = 0.0, probe_number: int = 0, delivery_id: str = "") -> bool:
        """Count the result of a call; whether the permits changed. `probe_number`: that of the breaker when the call began.

        A delivery that fails again and again counts once: a few that always fail say nothing about the account.
        """
        if self.permits is None:
            return self._record_closed(result, now, retry_after, delivery_id)
        if self.permits == 0:
            self._record_open(result, now, retry_after)
            return False
        return probe_number == self.probe_number and self._record_probe(result, now, retry_after)

    def begin_probes(self) -> None:
        """Permit one call, at the end of an open period."""
        self.permits, self._results, self._failures = 1, 0, 0
        self.probe_number += 1

    def hold(self, until: float, now: float) -> None:
        """Permit no call, and no probe, until `release`; at `until` it is looked at again."""
        if not self.is_held:
            self._open(Cause.OPERATOR, now, 0.0)
            self.is_held = True
        self.open_until = until

    def release(self, now: float) -> None:
        """Permit probes from now on."""
        self.is_held, self.open_until = False, now

    def reopen(self, cause: Cause, now: float, retry_after: float = 0.0) -> None:
        """Permit no call: for twice as long as before; as long if calls fail after a probe has succeeded; as at first for another cause.

        Rejected credentials stay the cause until an answer shows that they work.
        """
        if cause is not self.cause and self.cause is not Cause.CREDENTIALS:
            self.cause, self._delay = cause, 0.0
        elif self.has_recovered and self.cause is Cause.FAILURES:
            self._delay /= 2
        self.permits = 0
        self._set_open_until(now, retry_after)

    def close(self, now: float) -> None:
        """Permit all calls again."""
        self.permits, self._closed_at = None, now
        self.recoveries += 1

    def _record_closed(self, result: CallResult, now: float, retry_after: float, delivery_id: str) -> bool:
        cause = _OPENING_CAUSES.get(result)
        if cause is None:
            if result is CallResult.SUCCESS:
                self._window.add(False, now)
                self._failed_in_a_row.clear()
                return False
            self._count_failure(delivery_id or object(), now)
            if not self._has_failed_too_often():
                return False
            cause = Cause.FAILURES
        self._open(cause, now, retry_after)
        return True

    def _count_failure(self, delivery: object, now: float) -> None:
        oldest = now - self._policy.window
        if self._failed_at.pop(delivery, oldest) <= oldest:
            self._window.add(True, now)
        self._failed_at[delivery] = now
        self._failed_in_a_row.add(delivery)
        while self._failed_at[first := next(iter(self._failed_at))] <= oldest:
            del self._failed_at[first]

    def _has_failed_too_often(self) -> bool:
        policy, window = self._policy, self._window
        is_ratio_reached = window.calls >= policy.min_calls and window.failures >= policy.failure_ratio * window.calls
        return is_ratio_reached or len(self._failed_in_a_row) >= policy.consecutive_failures

    def _open(self, cause: Cause, now: float, retry_after: float) -> None:
        delays = self._get_delays(cause)
        # an account that fails again soon is not probed at the first delay again; one that is throttled says itself when it can be
        if cause is Cause.THROTTLED or cause is not self.cause or now - self._closed_at >= delays.longest:
            self._delay = 0.0
        self.cause, self.permits, self.opened_at = cause, 0, now
        self._window.clear()
        self._failed_at.clear()
        self._failed_in_a_row.clear()
        self._set_open_until(now, retry_after)

    def _record_open(self, result: CallResult, now: float, retry_after: float) -> None:
        """A call from before the opening."""
        if self.is_held:
            return
        if result is CallResult.ACCOUNT_FAULT:
            self.cause = Cause.CREDENTIALS
        elif result is CallResult.THROTTLED:
            self.open_until = max(self.open_until, now + min(retry_after, self._policy.max_retry_after))

    def _record_probe(self, result: CallResult, now: float, retry_after: float) -> bool:
        cause = _OPENING_CAUSES.get(result)
        self._results += 1
        self._failures += result is CallResult.FAILURE
        if result is CallResult.SUCCESS:
            self.recoveries += 1
            self.has_recovered = True
            if self.cause is Cause.THROTTLED:
                self._delay = 0.0  # it takes calls again, if not so many
        if cause is None and 2 * self._failures >= (self.permits or 0):
            cause = Cause.FAILURES
        if cause is not None:
            self.reopen(cause, now, retry_after)
            return True
        return self._end_step(now) if self._results >= (self.permits or 0) else False

    def _end_step(self, now: float) -> bool:
        permits = 2 * (self.permits or 0)
        self._results = self._failures = 0
        if permits < self._max_calls:
            self.permits = permits
        else:
            self.close(now)
        return True

    def _set_open_until(self, now: float, retry_after: float) -> None:
        """A Retry-After is what the provider asks for, so that nothing has to be guessed: it takes the place of a longer delay."""
        delays, self.has_recovered = self._get_delays(self.cause), False
        if retry_after > 0:
            self.open_until = now + max(delays.first, min(retry_after, self._policy.max_retry_after))
            return
        self._delay = min(2 * self._delay, delays.longest) if self._delay else delays.first
        self.open_until = now + self._delay * (0.75 + 0.5 * self._random())

    def _get_delays(self, cause: Cause) -> OpenDelays:
        policy = self._policy
        if cause is Cause.CREDENTIALS:
            return policy.credentials
        return policy.throttled if cause is Cause.THROTTLED else policy.failures
