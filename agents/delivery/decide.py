"""What follows an attempt: one pure function from policy, outcome and time."""

from typing import NamedTuple

from schemas.outcome import Attempted
from schemas.policies import RetryPolicy
from schemas.words import Outcome, Reason, StatusName


class Done(NamedTuple):
    """The delivery has ended, with this status and the reason for it."""

    status: StatusName
    reason: str = ""


class RetryAt(NamedTuple):
    """It is tried again at this time, in epoch seconds."""

    at: float


class Dead(NamedTuple):
    """It has failed in a way that a person may mend: a dead letter."""

    reason: str


Decision = Done | RetryAt | Dead

EXPIRED = Done(StatusName.FAILED, Reason.EXPIRED)

# what nearly every attempt comes to, looked up and made once: a member of an enum costs as much as a dict with three entries
_ACCEPTED, _SENT = Outcome.ACCEPTED, Done(StatusName.SENT)


def decide(policy: RetryPolicy, attempted: Attempted, tries: int, now: float, expires_at: float) -> Decision:
    """What follows the try number `tries` (1 is the first). What would be tried after its expiry has expired already."""
    outcome = attempted.outcome
    if outcome is _ACCEPTED:
        if attempted.status or attempted.reason:
            return Done(attempted.status or StatusName.SENT, attempted.reason)
        return _SENT
    if outcome is Outcome.REJECTED_RECIPIENT:
        return Done(attempted.status or StatusName.FAILED, attempted.reason or Reason.REJECTED_RECIPIENT)
    if outcome is Outcome.REJECTED_PERMANENT or attempted.reason == Reason.UNEXPECTED:
        return Dead(attempted.reason or Reason.REJECTED_PERMANENT)
    if tries > len(policy.pauses):
        return Dead(Reason.EXHAUSTED)
    at = now + pause(policy, tries, attempted.retry_after)
    return RetryAt(at) if at < expires_at else EXPIRED


def pause(policy: RetryPolicy, tries: int, retry_after: float) -> float:
    """Seconds before the next try: the policy's, or what the provider asks for if that is longer, but never more than the longest."""
    return min(max(policy.pauses[tries - 1], retry_after), policy.longest)
