"""Decides what follows an attempt: a pure function of retry policy, result and time."""

from typing import NamedTuple

from schemas.delivery_policy import RetryPolicy
from schemas.enums import Outcome, Reason, Status
from schemas.outcome import AttemptResult


class Done(NamedTuple):
    """The delivery ends with this status and reason."""

    status: Status
    reason: str = ""


class RetryAt(NamedTuple):
    """The provider is called again at this time (epoch seconds)."""

    at: float


class WaitForAccount(NamedTuple):
    """The account is at fault: the delivery waits until it is admitted again, and the attempt does not count."""


class DeadLetterDecision(NamedTuple):
    """The delivery failed, and an operator may be able to fix the cause: it becomes a dead letter."""

    reason: str


Decision = Done | RetryAt | WaitForAccount | DeadLetterDecision

EXPIRED = Done(Status.FAILED, Reason.EXPIRED)

# the most frequent result and decision as constants: looking up an enum member costs as much as building a dict with three entries
_ACCEPTED, _SENT = Outcome.ACCEPTED, Done(Status.SENT)
_WAIT_FOR_ACCOUNT = WaitForAccount()


def decide(policy: RetryPolicy, result: AttemptResult, attempt_count: int, now: float, expires_at: float) -> Decision:
    """What follows an attempt, the last of `attempt_count` that count. A retry that would come after the expiry is EXPIRED."""
    outcome = result.outcome
    if outcome is _ACCEPTED:
        if result.status or result.reason:
            return Done(result.status or Status.SENT, result.reason)
        return _SENT
    if outcome is Outcome.REJECTED_RECIPIENT:
        return Done(result.status or Status.FAILED, result.reason or Reason.REJECTED_RECIPIENT)
    if result.is_account_fault and attempt_count <= len(policy.delays):
        return _WAIT_FOR_ACCOUNT
    if outcome is Outcome.REJECTED_PERMANENT or result.reason == Reason.UNEXPECTED_ERROR:
        return DeadLetterDecision(result.reason or Reason.REJECTED_PERMANENT)
    if attempt_count > len(policy.delays):
        return DeadLetterDecision(Reason.RETRIES_EXHAUSTED)
    at = now + compute_retry_delay(policy, attempt_count, result.retry_after)
    return RetryAt(at) if at < expires_at else EXPIRED


def compute_retry_delay(policy: RetryPolicy, attempt_count: int, retry_after: float) -> float:
    """Seconds until the next attempt: the greater of the policy's delay and the provider's Retry-After, at most `max_delay`."""
    return min(max(policy.delays[attempt_count - 1], retry_after), policy.max_delay)
