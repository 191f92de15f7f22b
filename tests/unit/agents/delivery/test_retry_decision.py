"""Tests of the decision after an attempt."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.retry_decision import EXPIRED, DeadLetterDecision, Decision, Done, RetryAt, WaitForAccount, decide
from schemas.delivery_policy import RetryPolicy, RetrySchedule
from schemas.enums import Outcome, Reason, Status
from schemas.outcome import AttemptResult

NOW, LATER = 1000.0, 5000.0
SCHEDULE = RetrySchedule((0.5, 2.0), 0.5, 1.0)
POLICY = RetryPolicy(SCHEDULE, max_retry_after=10.0, category_schedules={"security": RetrySchedule((7.0,))})
RETRYABLE = [Outcome.NOT_SENT, Outcome.UNKNOWN]


def decide_at(
    result: AttemptResult, attempts: int, expires_at: float = LATER, category: str = "", random: float = 1.0, now: float = NOW
) -> Decision:
    return decide(POLICY, result, attempts, now, expires_at, category, lambda: random)


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
        assert decide_at(result, attempt_count) == decision


@pytest.mark.parametrize("outcome", RETRYABLE)
@pytest.mark.parametrize(
    ("attempts", "retry_after", "decision"),
    [
        (1, 0, RetryAt(1000.5)),  # the first delay
        (0, 0, RetryAt(1000.5)),  # the attempt did not count
        (2, 0, RetryAt(1002.0)),  # the second delay
        (3, 0, DeadLetterDecision(Reason.RETRIES_EXHAUSTED)),  # there is no third delay
        (1, 4, RetryAt(1004.0)),  # Retry-After is longer
        (2, 1, RetryAt(1002.0)),  # Retry-After is shorter
        (1, 1e12, RetryAt(1010.0)),  # Retry-After is longer than the maximum
        (3, 4, DeadLetterDecision(Reason.RETRIES_EXHAUSTED)),
    ],
)
def test_other_results_are_retried_after_each_delay(outcome: Outcome, attempts: int, retry_after: float, decision: Decision) -> None:
    assert decide_at(AttemptResult(outcome, retry_after=retry_after), attempts) == decision


def test_a_part_of_the_delay_is_random() -> None:
    assert [decide_at(AttemptResult(Outcome.UNKNOWN), 2, random=number) for number in (0.0, 0.5, 1.0)] == [
        RetryAt(1001.0),
        RetryAt(1001.5),
        RetryAt(1002.0),
    ]


def test_a_category_can_have_a_schedule_of_its_own() -> None:
    assert decide_at(AttemptResult(Outcome.UNKNOWN), 1, category="security") == RetryAt(1007.0)
    assert decide_at(AttemptResult(Outcome.UNKNOWN), 2, category="security") == DeadLetterDecision(Reason.RETRIES_EXHAUSTED)
    assert decide_at(AttemptResult(Outcome.UNKNOWN), 2, category="marketing") == RetryAt(1002.0)


def test_a_fault_of_the_account_waits_until_more_attempts_count_than_the_policy_allows() -> None:
    fault = AttemptResult(Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED, is_account_fault=True)
    for attempts in (0, 1, 2):
        assert decide_at(fault, attempts) == WaitForAccount()
    assert decide_at(fault, 3) == DeadLetterDecision(Reason.MISCONFIGURED)


@pytest.mark.parametrize(("expires_at", "decision"), [(1000.6, RetryAt(1000.5)), (1000.5, EXPIRED), (999.0, EXPIRED)])
def test_a_retry_after_the_expiry_is_expired(expires_at: float, decision: Decision) -> None:
    assert decide_at(AttemptResult(Outcome.UNKNOWN), 1, expires_at) == decision


def test_what_is_throttled_waits_until_more_attempts_count_than_the_policy_allows() -> None:
    for attempts in (0, 1, 2):
        assert decide_at(AttemptResult(Outcome.THROTTLED, retry_after=60.0), attempts) == WaitForAccount()
    assert decide_at(AttemptResult(Outcome.THROTTLED), 3) == DeadLetterDecision(Reason.RETRIES_EXHAUSTED)


def test_a_schedule_without_delays_has_one_attempt() -> None:
    policy = RetryPolicy(RetrySchedule(()), 10.0)
    decision = decide(policy, AttemptResult(Outcome.NOT_SENT), 1, NOW, LATER, "", lambda: 0.5)
    assert decision == DeadLetterDecision(Reason.RETRIES_EXHAUSTED)


TIMES = st.floats(0, 1e10)
SCHEDULES = st.builds(RetrySchedule, st.lists(st.floats(0, 1e5), max_size=9).map(tuple), st.floats(0, 1), st.floats(1, 2))


@given(
    schedule=SCHEDULES,
    outcome=st.sampled_from(RETRYABLE),
    attempts=st.integers(0, 10),
    now=TIMES,
    expires_at=TIMES,
    retry_after=st.floats(0, 1e12),
    random=st.floats(0, 1),
)
def test_a_retry_is_never_early_late_or_expired_and_there_is_one_for_each_delay(
    schedule: RetrySchedule, outcome: Outcome, attempts: int, now: float, expires_at: float, retry_after: float, random: float
) -> None:
    policy = RetryPolicy(schedule, max_retry_after=900.0)
    decision = decide(policy, AttemptResult(outcome, retry_after=retry_after), attempts, now, expires_at, "", lambda: random)
    delay = schedule.delays[max(attempts - 1, 0)] if 0 < len(schedule.delays) >= attempts else 0.0
    if attempts > len(schedule.delays):
        assert decision == DeadLetterDecision(Reason.RETRIES_EXHAUSTED)
    elif isinstance(decision, RetryAt):
        assert now + max(delay * schedule.min_factor, min(retry_after, 900.0)) <= decision.at
        assert decision.at <= now + max(delay * schedule.max_factor, 900.0)
        assert decision.at < expires_at
    else:
        assert decision == EXPIRED
        assert expires_at <= now + max(delay * schedule.max_factor, 900.0)


def test_jitter_spreads_a_thousand_retries_over_half_of_their_delay() -> None:
    random = Random(7)
    decisions = [decide(POLICY, AttemptResult(Outcome.UNKNOWN), 2, NOW, LATER, "", random.random) for _ in range(1000)]
    seconds = Counter(int((decision.at - NOW) * 10) for decision in decisions if isinstance(decision, RetryAt))
    assert set(seconds) == set(range(10, 20))
    assert max(seconds.values()) < 150
