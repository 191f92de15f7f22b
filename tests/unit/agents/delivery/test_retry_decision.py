"""Tests of the decision after an attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.retry_decision import EXPIRED, DeadLetterDecision, Decision, Done, RetryAt, WaitForAccount, decide
from schemas.delivery_policy import RetryPolicy
from schemas.enums import Outcome, Reason, Status
from schemas.outcome import AttemptResult

NOW, LATER = 1000.0, 5000.0
POLICY = RetryPolicy(delays=(0.5, 2.0), max_delay=10.0)
RETRYABLE = [Outcome.THROTTLED, Outcome.NOT_SENT, Outcome.UNKNOWN]


@pytest.mark.parametrize(
    ("result", "decision"),
    [
        (AttemptResult(Outcome.ACCEPTED), Done(Status.SENT)),
        (AttemptResult(Outcome.ACCEPTED, status=Status.DELIVERED), Done(Status.DELIVERED)),
        (AttemptResult(Outcome.REJECTED_RECIPIENT), Done(Status.FAILED, Reason.REJECTED_RECIPIENT)),
        (
            AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.OPTED_OUT, status=Status.UNSUBSCRIBED),
            Done(Status.UNSUBSCRIBED, Reason.OPTED_OUT),
        ),
        (
            AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.UNREGISTERED_TOKEN, status=Status.BOUNCED),
            Done(Status.BOUNCED, Reason.UNREGISTERED_TOKEN),
        ),
        (AttemptResult(Outcome.REJECTED_PERMANENT), DeadLetterDecision(Reason.REJECTED_PERMANENT)),
        (AttemptResult(Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED), DeadLetterDecision(Reason.MISCONFIGURED)),
    ],
)
def test_a_final_result_ends_the_delivery_at_any_attempt(result: AttemptResult, decision: Decision) -> None:
    for attempt_count in (1, 2, 3):
        assert decide(POLICY, result, attempt_count, NOW, LATER) == decision


@pytest.mark.parametrize("outcome", RETRYABLE)
@pytest.mark.parametrize(
    ("attempt_count", "retry_after", "decision"),
    [
        (1, 0, RetryAt(1000.5)),  # the first delay
        (2, 0, RetryAt(1002.0)),  # the second delay
        (3, 0, DeadLetterDecision(Reason.RETRIES_EXHAUSTED)),  # there is no third delay
        (1, 4, RetryAt(1004.0)),  # Retry-After is longer
        (2, 1, RetryAt(1002.0)),  # Retry-After is shorter
        (1, 1e12, RetryAt(1010.0)),  # Retry-After is longer than the maximum
        (3, 4, DeadLetterDecision(Reason.RETRIES_EXHAUSTED)),
    ],
)
def test_other_results_are_retried_after_each_delay(outcome: Outcome, attempt_count: int, retry_after: float, decision: Decision) -> None:
    assert decide(POLICY, AttemptResult(outcome, retry_after=retry_after), attempt_count, NOW, LATER) == decision


def test_a_fault_of_the_account_waits_until_more_attempts_count_than_the_policy_allows() -> None:
    fault = AttemptResult(Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED, is_account_fault=True)
    for attempt_count in (0, 1, 2):
        assert decide(POLICY, fault, attempt_count, NOW, LATER) == WaitForAccount()
    assert decide(POLICY, fault, 3, NOW, LATER) == DeadLetterDecision(Reason.MISCONFIGURED)


@pytest.mark.parametrize(("expires_at", "decision"), [(1000.6, RetryAt(1000.5)), (1000.5, EXPIRED), (999.0, EXPIRED)])
def test_a_retry_after_the_expiry_is_expired(expires_at: float, decision: Decision) -> None:
    assert decide(POLICY, AttemptResult(Outcome.UNKNOWN), 1, NOW, expires_at) == decision


def test_a_policy_without_delays_has_one_attempt() -> None:
    assert decide(RetryPolicy(delays=()), AttemptResult(Outcome.NOT_SENT), 1, NOW, LATER) == DeadLetterDecision(Reason.RETRIES_EXHAUSTED)


TIMES = st.floats(0, 1e10)


@given(outcome=st.sampled_from(RETRYABLE), attempt_count=st.integers(1, 5), now=TIMES, expires_at=TIMES, retry_after=st.floats(0, 1e12))
def test_a_retry_is_never_early_late_or_expired(
    outcome: Outcome, attempt_count: int, now: float, expires_at: float, retry_after: float
) -> None:
    decision = decide(POLICY, AttemptResult(outcome, retry_after=retry_after), attempt_count, now, expires_at)
    if isinstance(decision, RetryAt):
        assert now + POLICY.delays[attempt_count - 1] <= decision.at <= now + POLICY.max_delay
        assert decision.at < expires_at
