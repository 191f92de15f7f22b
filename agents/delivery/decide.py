"""What follows an attempt: one pure function from policy, outcome and time."""

from typing import NamedTuple

from schemas.delivery_policy import RetryPolicy
from schemas.enums import Outcome, Reason, Status
from schemas.outcome import AttemptResult


class Done(NamedTuple):
    """The delivery has ended, with this status and the reason for it."""

    status: Status
    reason: str = ""


class RetryAt(NamedTuple):
    """It is tried again at this time, in epoch seconds."""

    at: float


class DeadLetterDecision(NamedTuple):
    """It has failed in a way that a person may mend: a dead letter."""

    reason: str


Decision = Done | RetryAt | DeadLetterDecision

EXPIRED = Done(Status.FAILED, Reason.EXPIRED)

# what nearly every attempt comes to, looked up and made once: a member of an enum costs as much as a dict with three entries
_ACCEPTED, _SENT = Outcome.ACCEPTED, Done(Status.SENT)


def decide(policy: RetryPolicy, result: AttemptResult, attempt_count: int, now: float, expires_at: float) -> Decision:
    """What follows the try number `tries` (1 is the first). What would be tried after its expiry has expired already."""
    outcome = result.outcome
    if outcome is _ACCEPTED:
        if result.status or result.reason:
            return Done(result.status or Status.SENT, result.reason)
        return _SENT
    if outcome is Outcome.REJECTED_RECIPIENT:
        return Done(result.status or Status.FAILED, result.reason or Reason.REJECTED_RECIPIENT)
    if outcome is Outcome.REJECTED_PERMANENT or result.reason == Reason.UNEXPECTED_ERROR:
        return DeadLetterDecision(result.reason or Reason.REJECTED_PERMANENT)
    if attempt_count > len(policy.delays):
        return DeadLetterDecision(Reason.RETRIES_EXHAUSTED)
    at = now + compute_retry_delay(policy, attempt_count, result.retry_after)
    return RetryAt(at) if at < expires_at else EXPIRED


def compute_retry_delay(policy: RetryPolicy, attempt_count: int, retry_after: float) -> float:
    """Seconds before the next try: the policy's, or what the provider asks for if that is longer, but never more than the longest."""
    return min(max(policy.delays[attempt_count - 1], retry_after), policy.max_delay)
