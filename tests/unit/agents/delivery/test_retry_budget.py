"""Retries that fail are a share of the other calls at most; those that succeed use up nothing."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.delivery.retry_budget import RetryBudget
from schemas.delivery_policy import RetryBudgetPolicy
from schemas.enums import Reason, Status
from tests.delivery_builders import NOW, build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, BREAKER_POLICY, NOT_SENT, AccountPerDomain, DeliveryHarness

POLICY = RetryBudgetPolicy(ratio=0.2, min_failed=2, window=10.0)


def build_budget() -> RetryBudget:
    return RetryBudget(POLICY, lambda: 0.5)


def fail(budget: RetryBudget, now: float = NOW) -> None:
    """A retry ends and has failed."""
    budget.record_call()
    budget.record_failure(now)


def test_a_share_of_the_other_calls_may_fail_within_the_window() -> None:
    budget = build_budget()
    fail(budget)
    for _ in range(40):
        budget.record_call()
    found = []
    for _ in range(10):
        found.append(budget.find_delay(NOW))
        fail(budget)
    assert found == [None] * 7 + [7.5] * 3


def test_a_few_may_fail_without_other_calls() -> None:
    budget = build_budget()
    fail(budget)
    assert budget.find_delay(NOW) is None
    fail(budget)
    assert budget.find_delay(NOW) == 7.5


def test_failures_before_the_window_are_forgotten() -> None:
    budget = build_budget()
    for _ in range(5):
        fail(budget)
    assert budget.find_delay(NOW + 8.9) is not None
    assert budget.find_delay(NOW + 10) is None


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0, 3)), max_size=300))
def test_failed_retries_are_never_more_than_the_budget(steps: list[tuple[bool, bool, float]]) -> None:
    budget, now, log = build_budget(), NOW, []
    for is_retry, fails, pause in steps:
        now += pause
        if is_retry and budget.find_delay(now) is not None:
            continue
        budget.record_call()
        if is_retry and fails:
            budget.record_failure(now)
        log.append((int(now), is_retry and fails))
        recent = [failed for second, failed in log if second > int(now) - 10]
        assert sum(recent) <= max(POLICY.min_failed, POLICY.ratio * (len(recent) - sum(recent))) + 1


async def test_the_retries_of_a_host_that_fails_hold_up_those_of_no_other() -> None:
    harness = DeliveryHarness(AccountPerDomain(), breaker=replace(BREAKER_POLICY, retry_budget=POLICY))
    sick = [build_delivery(number=number, address="a@sick.example", attempt=1) for number in range(4)]
    await harness.run_batches(harness.build_batch(*sick))
    while harness.pending_calls:
        harness.respond(NOT_SENT)
    again, other = build_delivery(number=8, address="a@sick.example", attempt=1), build_delivery(number=9, attempt=1)
    await harness.run_batches(harness.build_batch(again, other))
    assert harness.called_ids == [other.id]
    assert harness.status_events[-1].reason == Reason.RETRY_BUDGET


async def test_the_budget_of_an_account_that_works_again_is_forgotten() -> None:
    harness = DeliveryHarness(breaker=replace(BREAKER_POLICY, retry_budget=POLICY))
    await harness.run_batches(harness.build_batch(build_delivery(number=1, attempt=1)))
    harness.respond(NOT_SENT)
    assert harness.deliverer.breakers._budgets
    harness.advance_clock(400)
    await harness.run_batches(harness.build_batch(build_delivery(number=2)))
    harness.respond(ACCEPTED)
    assert not harness.deliverer.breakers._budgets


async def test_a_retry_over_the_budget_leaves_the_worker_without_a_call_and_without_counting() -> None:
    harness = DeliveryHarness(breaker=replace(BREAKER_POLICY, retry_budget=POLICY))
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number, attempt=1) for number in range(4)]))
    harness.respond(NOT_SENT)
    harness.respond(NOT_SENT)
    late = build_delivery(number=9, attempt=1, counted_attempts=1)
    handle = harness.build_batch(late)
    await harness.run_batches(handle)
    harness.commit()
    assert (handle.ack_count, len(harness.pending_calls)) == (1, 2)
    event = harness.status_events[-1]
    assert (event.status, event.reason, event.outcome, event.next_attempt_at) == (Status.PENDING, Reason.RETRY_BUDGET, None, NOW + 7.5)
    await harness.run_retry()  # the failures are still in the window
    await harness.run_retry()
    assert late.id in harness.called_ids
    harness.respond(ACCEPTED, harness.called_ids.index(late.id))
    assert (harness.status_events[-1].attempt, harness.status_events[-1].status) == (3, Status.SENT)


async def test_first_attempts_are_not_held_up_by_the_budget() -> None:
    harness = DeliveryHarness(breaker=replace(BREAKER_POLICY, retry_budget=POLICY))
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number, attempt=1) for number in range(4)]))
    for _ in range(4):
        harness.respond(NOT_SENT)
    await harness.run_batches(harness.build_batch(build_delivery(number=9)))
    assert harness.called_ids == [build_delivery(number=9).id]


async def test_probes_of_hosts_that_stay_away_hold_up_no_retries_of_others() -> None:
    harness = DeliveryHarness(AccountPerDomain(), breaker=replace(BREAKER_POLICY, retry_budget=POLICY))
    hosts = [f"away{number}.example" for number in range(3)]
    numbers = count(1)
    for host in hosts:
        await harness.run_batches(harness.build_batch(*[build_delivery(number=next(numbers), address=f"a@{host}") for _ in range(10)]))
        while harness.pending_calls:
            harness.respond(NOT_SENT)
    harness.advance_clock(30)
    for host in hosts:
        await harness.run_batches(harness.build_batch(build_delivery(number=next(numbers), address=f"a@{host}", attempt=1)))
        harness.respond(NOT_SENT)
    assert len(harness.deliverer.breakers.accounts) == 3
    retry = build_delivery(number=next(numbers), attempt=1)
    await harness.run_batches(harness.build_batch(retry))
    assert harness.called_ids == [retry.id]
