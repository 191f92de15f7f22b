"""What follows a call without an answer."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.reconciliation import (
    FIRST_DELAY,
    GIVEN_UP,
    MAX_DELAY,
    Conclusion,
    Resolution,
    Resolved,
    SearchAt,
    SendAgain,
    conclude_failed_search,
    conclude_look_up,
    conclude_without_evidence,
    count_failed_search,
    find_receipt,
    find_search_time,
)
from schemas.delivery import Delivery, UnansweredCall
from schemas.delivery_policy import ReconciliationPolicy
from schemas.enums import PRIORITIES, Priority, Reason, Status
from schemas.history import RecordedStatus
from schemas.outcome import Found, LookUpFailed, LookUpResult, NotFound
from tests.delivery_builders import NOW, build_delivery

GRACES: dict[Priority, float] = {"high": 20.0, "medium": 120.0, "low": 600.0}
POLICY = ReconciliationPolicy(GRACES)
EXPIRY = NOW + 3600


def build_unanswered(failed_searches: int = 0, **changes: object) -> Delivery:
    """A delivery whose first call got no answer."""
    return build_delivery("sms", unanswered=UnansweredCall(0, NOW - 20, failed_searches), attempt=1, **changes)


@pytest.mark.parametrize("priority", PRIORITIES)
def test_a_receipt_has_time_to_come_by_priority_but_not_beyond_the_expiry(priority: Priority) -> None:
    assert find_search_time(POLICY, build_delivery(), priority, NOW) == NOW + GRACES[priority]
    assert find_search_time(POLICY, build_delivery(expires_at=NOW + 5), priority, NOW) == NOW + 5
    assert find_search_time(POLICY, build_delivery(expires_at=NOW - 5), priority, NOW) == NOW


def test_what_a_receiver_recognises_is_sent_again_at_once_unless_it_may_be_sent_only_once() -> None:
    repeatable = ReconciliationPolicy(GRACES, is_repeatable=True)
    assert find_search_time(repeatable, build_delivery("push"), "high", NOW) is None
    assert find_search_time(repeatable, build_delivery("push", at_most_once=True), "high", NOW) == NOW + 20


@pytest.mark.parametrize("status", [Status.SENT, Status.DELIVERED, Status.BOUNCED, Status.FAILED])
def test_a_receipt_of_this_redrive_tells_what_became_of_it(status: Status) -> None:
    delivery = build_unanswered(redrive_count=1)
    assert find_receipt(RecordedStatus(status, 1, 0), delivery) == Resolved(Resolution.RECEIPT, status, Reason.FOUND_BY_RECEIPT)
    assert find_receipt(RecordedStatus(status, 0, 3), delivery) is None, "it failed before, which is why it was sent again"
    assert find_receipt(None, delivery) is None


@pytest.mark.parametrize(
    ("result", "conclusion"),
    [
        (Found(Status.SENT, "SM1"), Resolved(Resolution.LOOK_UP, Status.SENT, Reason.FOUND_AT_PROVIDER, "SM1")),
        (Found(Status.FAILED, "SM1", 30007, "x"), Resolved(Resolution.LOOK_UP, Status.FAILED, "x", "SM1", 30007)),
        (NotFound(), SendAgain()),
        (LookUpFailed("503"), SearchAt(NOW + FIRST_DELAY, "503")),
    ],
)
def test_the_provider_knows_it_or_not_or_does_not_say(result: LookUpResult, conclusion: Conclusion) -> None:
    assert conclude_look_up(result, build_unanswered(), NOW) == conclusion


def test_what_may_be_sent_only_once_is_given_up() -> None:
    delivery = build_unanswered(at_most_once=True)
    assert conclude_without_evidence(delivery, NOW) == GIVEN_UP == Resolved(Resolution.GIVEN_UP, Status.FAILED, "unknown")
    assert conclude_look_up(NotFound(), delivery, NOW) == GIVEN_UP
    assert conclude_look_up(Found(Status.SENT), delivery, NOW) != GIVEN_UP


def test_nothing_is_sent_again_after_its_expiry() -> None:
    assert conclude_without_evidence(build_unanswered(), EXPIRY) == GIVEN_UP
    assert conclude_failed_search("away", build_unanswered(), EXPIRY) == GIVEN_UP
    assert conclude_look_up(Found(Status.DELIVERED), build_unanswered(), EXPIRY) != GIVEN_UP


def search_until_the_end(delivery: Delivery, now: float) -> Iterator[float]:
    """The times of the searches, if all fail."""
    while isinstance(conclusion := conclude_failed_search("away", delivery, now), SearchAt):
        yield (now := conclusion.at)
        assert delivery.unanswered is not None
        delivery = build_delivery("sms", expires_at=delivery.expires_at, unanswered=count_failed_search(delivery.unanswered))


@given(st.floats(0, 90_000), st.booleans())
def test_searches_that_fail_become_rarer_and_the_last_one_is_at_the_expiry(lifetime: float, at_most_once: bool) -> None:
    delivery = build_unanswered(expires_at=NOW + lifetime, at_most_once=at_most_once)
    times = [NOW, *search_until_the_end(delivery, NOW)]
    assert times[-1] == NOW + lifetime
    delays = [after - before for before, after in pairwise(times)]
    assert all(delay <= MAX_DELAY * 1.001 for delay in delays)
    assert all(second >= first * 0.999 for first, second in pairwise(delays[:-1]))
    assert len(times) <= 9 + lifetime / MAX_DELAY


def test_the_number_of_failed_searches_has_no_bound() -> None:
    assert conclude_failed_search("away", build_unanswered(failed_searches=100_000), NOW) == SearchAt(NOW + MAX_DELAY, "away")
