"""Decides what follows a call without an answer: pure functions.

First a receipt has time to come. Then the history is searched for one, and the provider is asked, if it can be. If neither has the message
it is sent again, flagged as a possible duplicate: once after a call without any answer, then it is a dead letter; by the schedule of
retries after a 5xx, with which a provider says that it has failed. One that may be sent at most once ends instead (docs/decisions/0032).
"""

from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import replace

from schemas.delivery import Delivery, UnansweredCall
from schemas.delivery_policy import ReconciliationPolicy
from schemas.enums import Priority, Reason, Status
from schemas.history import RecordedStatus
from schemas.outcome import Found, LookUpFailed, LookUpResult

FIRST_DELAY = 5.0  # seconds after a search that failed; each further delay is twice as long
MAX_DELAY = 300.0
_MAX_DOUBLINGS = 10


class Resolution(StrEnum):
    """How it became known what follows."""

    RECEIPT = "receipt"
    LOOK_UP = "look_up"
    SENT_AGAIN = "sent_again"
    GIVEN_UP = "given_up"


class Resolved(NamedTuple):
    """The delivery ends with this status and reason, and what the provider said of the message."""

    resolution: Resolution
    status: Status
    reason: str
    provider_message_id: str = ""
    provider_code: int = 0


class SendAgain(NamedTuple):
    """Nobody has the message: it is sent once more."""


class SearchAt(NamedTuple):
    """It is not known: evidence is searched for at this time (epoch seconds), because of `cause`."""

    at: float
    cause: str


Conclusion = Resolved | SendAgain | SearchAt

GIVEN_UP = Resolved(Resolution.GIVEN_UP, Status.FAILED, Reason.UNKNOWN)
_SEND_AGAIN = SendAgain()


def find_search_time(policy: ReconciliationPolicy, delivery: Delivery, priority: Priority, now: float) -> float | None:
    """When evidence of a call without an answer is searched for; None if the message is sent again like after any other failure."""
    if policy.is_repeatable and not delivery.at_most_once:
        return None
    return min(now + policy.graces[priority], max(now, delivery.expires_at))


def find_receipt(recorded: RecordedStatus | None, delivery: Delivery) -> Resolved | None:
    """What the history has of this redrive of the delivery; a status before it says nothing of the call."""
    if recorded is None or recorded.redrive_count != delivery.redrive_count:
        return None
    return Resolved(Resolution.RECEIPT, recorded.status, Reason.FOUND_BY_RECEIPT)


def conclude_look_up(result: LookUpResult, delivery: Delivery, now: float) -> Conclusion:
    """What follows from the provider's answer."""
    if isinstance(result, Found):
        reason = result.reason or Reason.FOUND_AT_PROVIDER
        return Resolved(Resolution.LOOK_UP, result.status, reason, result.provider_message_id, result.provider_code)
    if isinstance(result, LookUpFailed):
        return conclude_failed_search(result.cause, delivery, now)
    return conclude_without_evidence(delivery, now)


def conclude_without_evidence(delivery: Delivery, now: float) -> Conclusion:
    """What follows if neither the history nor the provider has the message."""
    return GIVEN_UP if delivery.at_most_once or now >= delivery.expires_at else _SEND_AGAIN


def conclude_failed_search(cause: str, delivery: Delivery, now: float) -> Conclusion:
    """What follows if the history or the provider could not be asked: another search, the last one at the expiry."""
    if now >= delivery.expires_at:
        return GIVEN_UP
    failures = delivery.unanswered.failed_searches if delivery.unanswered else 0
    delay = min(FIRST_DELAY * 2 ** min(failures, _MAX_DOUBLINGS), MAX_DELAY)
    return SearchAt(min(now + delay, delivery.expires_at), cause)


def count_failed_search(unanswered: UnansweredCall) -> UnansweredCall:
    """The call after one more search that failed."""
    return replace(unanswered, failed_searches=unanswered.failed_searches + 1)
