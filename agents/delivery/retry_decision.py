"""Decides what follows an attempt: a pure function of retry policy, result, time and a random number."""

from collections.abc import Callable
from typing import NamedTuple

from schemas.delivery import UnansweredCall
from schemas.delivery_policy import RetryPolicy, RetrySchedule
from schemas.enums import Outcome, Reason, Status
from schemas.outcome import AttemptResult

Random = Callable[[], float]  # returns a number from 0 to 1


class Done(NamedTuple):
    """The delivery ends with this status and reason."""

    status: Status
    reason: str = ""


class RetryAt(NamedTuple):
    """The delivery leaves the worker through the scheduler, which releases it for another attempt at this time (epoch seconds).

    `reason` is set if there was no attempt.
    """

    at: float
    reason: str = ""


class Reconcile(NamedTuple):
    """What became of a call without an answer is searched for at this time (epoch seconds); `cause`: why a search before has failed."""

    at: float
    unanswered: UnansweredCall
    cause: str = ""


class WaitForAccount(NamedTuple):
    """The account is at fault or throttled: the delivery waits until it is admitted again, and the attempt does not count."""


class DeadLetterDecision(NamedTuple):
    """The delivery failed, and an operator may be able to fix the cause: it becomes a dead letter."""

    reason: str


Decision = Done | RetryAt | Reconcile | WaitForAccount | DeadLetterDecision

EXPIRED = Done(Status.FAILED, Reason.EXPIRED)

# the most frequent result and decision as constants: looking up an enum member costs as much as building a dict with three entries
_ACCEPTED, _SENT = Outcome.ACCEPTED, Done(Status.SENT)
_WAIT_FOR_ACCOUNT = WaitForAccount()


def decide(
    policy: RetryPolicy, result: AttemptResult, counted_attempts: int, now: float, expires_at: float, category: str, random: Random
) -> Decision:
    """What follows an attempt, the last of `counted_attempts`. A retry that would come after the expiry is EXPIRED."""
    outcome = result.outcome
    if outcome is _ACCEPTED:
        if result.status or result.reason:
            return Done(result.status or Status.SENT, result.reason)
        return _SENT
    if outcome is Outcome.REJECTED_RECIPIENT:
        return Done(result.status or Status.FAILED, result.reason or Reason.REJECTED_RECIPIENT)
    schedule = policy.category_schedules.get(category, policy.schedule)
    if (result.is_account_fault or outcome is Outcome.THROTTLED) and counted_attempts <= len(schedule.delays):
        return _WAIT_FOR_ACCOUNT
    if result.reason == Reason.NO_TEST_ACCOUNT:  # nothing that could be sent again
        return Done(Status.FAILED, result.reason)
    if outcome is Outcome.REJECTED_PERMANENT or result.reason == Reason.UNEXPECTED_ERROR:
        return DeadLetterDecision(result.reason or Reason.REJECTED_PERMANENT)
    if is_exhausted(policy, counted_attempts, category):
        return DeadLetterDecision(Reason.RETRIES_EXHAUSTED)
    at = now + max(compute_retry_delay(schedule, counted_attempts, random), min(result.retry_after, policy.max_retry_after))
    return RetryAt(at) if at < expires_at else EXPIRED


def is_exhausted(policy: RetryPolicy, counted_attempts: int, category: str) -> bool:
    """Whether no attempt is left after so many."""
    return counted_attempts > len(policy.category_schedules.get(category, policy.schedule).delays)


def compute_retry_delay(schedule: RetrySchedule, counted_attempts: int, random: Random) -> float:
    """Seconds between the last of so many attempts and the next one. An attempt that did not count has the delay of a first one."""
    factor = schedule.min_factor + (schedule.max_factor - schedule.min_factor) * random()
    delay = schedule.delays[max(counted_attempts - 1, 0)] if schedule.delays else 0.0
    return delay * factor
