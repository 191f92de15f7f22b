"""What follows an attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.decide import EXPIRED, Dead, Decision, Done, RetryAt, decide
from schemas.outcome import Attempted
from schemas.policies import RetryPolicy
from schemas.words import Outcome, Reason, StatusName

NOW, LATER = 1000.0, 5000.0
POLICY = RetryPolicy(pauses=(0.5, 2.0), longest=10.0)
AGAIN = [Outcome.THROTTLED, Outcome.NOT_SENT, Outcome.UNKNOWN]


@pytest.mark.parametrize(
    ("attempted", "decision"),
    [
        (Attempted(Outcome.ACCEPTED), Done(StatusName.SENT)),
        (Attempted(Outcome.ACCEPTED, status=StatusName.DELIVERED), Done(StatusName.DELIVERED)),
        (Attempted(Outcome.REJECTED_RECIPIENT), Done(StatusName.FAILED, Reason.REJECTED_RECIPIENT)),
        (
            Attempted(Outcome.REJECTED_RECIPIENT, Reason.OPTED_OUT, status=StatusName.UNSUBSCRIBED),
            Done(StatusName.UNSUBSCRIBED, Reason.OPTED_OUT),
        ),
        (Attempted(Outcome.REJECTED_RECIPIENT, Reason.TOKEN_DEAD, status=StatusName.BOUNCED), Done(StatusName.BOUNCED, Reason.TOKEN_DEAD)),
        (Attempted(Outcome.REJECTED_PERMANENT), Dead(Reason.REJECTED_PERMANENT)),
        (Attempted(Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED), Dead(Reason.MISCONFIGURED)),
    ],
)
def test_an_answer_that_settles_it_ends_the_delivery_at_any_try(attempted: Attempted, decision: Decision) -> None:
    for tries in (1, 2, 3):
        assert decide(POLICY, attempted, tries, NOW, LATER) == decision


@pytest.mark.parametrize("outcome", AGAIN)
@pytest.mark.parametrize(
    ("tries", "retry_after", "decision"),
    [
        (1, 0, RetryAt(1000.5)),  # the first pause
        (2, 0, RetryAt(1002.0)),  # the second
        (3, 0, Dead(Reason.EXHAUSTED)),  # there is no third
        (1, 4, RetryAt(1004.0)),  # the provider asks for more
        (2, 1, RetryAt(1002.0)),  # it asks for less: the policy's pause
        (1, 1e12, RetryAt(1010.0)),  # it asks for too much: the longest
        (3, 4, Dead(Reason.EXHAUSTED)),
    ],
)
def test_what_settles_nothing_is_tried_again_after_each_pause(outcome: Outcome, tries: int, retry_after: float, decision: Decision) -> None:
    assert decide(POLICY, Attempted(outcome, retry_after=retry_after), tries, NOW, LATER) == decision


@pytest.mark.parametrize(("expires_at", "decision"), [(1000.6, RetryAt(1000.5)), (1000.5, EXPIRED), (999.0, EXPIRED)])
def test_what_would_be_tried_after_its_expiry_has_expired(expires_at: float, decision: Decision) -> None:
    assert decide(POLICY, Attempted(Outcome.UNKNOWN), 1, NOW, expires_at) == decision


def test_a_policy_without_pauses_tries_once() -> None:
    assert decide(RetryPolicy(pauses=()), Attempted(Outcome.NOT_SENT), 1, NOW, LATER) == Dead(Reason.EXHAUSTED)


TIMES = st.floats(0, 1e10)


@given(outcome=st.sampled_from(AGAIN), tries=st.integers(1, 5), now=TIMES, expires_at=TIMES, retry_after=st.floats(0, 1e12))
def test_a_retry_is_never_early_nor_late_nor_expired(
    outcome: Outcome, tries: int, now: float, expires_at: float, retry_after: float
) -> None:
    decision = decide(POLICY, Attempted(outcome, retry_after=retry_after), tries, now, expires_at)
    if isinstance(decision, RetryAt):
        assert now + POLICY.pauses[tries - 1] <= decision.at <= now + POLICY.longest
        assert decision.at < expires_at
