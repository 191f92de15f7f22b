"""Several accounts: which one gets a delivery, and how the worker moves deliveries from one to another."""

from collections import Counter
from random import Random
from typing import Any

import pytest

from agents.delivery.account_set import AccountSet, WeightedProvider
from agents.delivery.breaker import Cause
from agents.delivery.provider_errors import CheckedProvider
from agents.providers.sendgrid import SendGrid
from schemas.delivery import UnansweredCall
from schemas.delivery_policy import ReconciliationPolicy
from schemas.enums import Outcome, Status
from schemas.http import HttpResponse
from schemas.outcome import AttemptResult
from tests.delivery_builders import NOW, build_delivery
from tests.fakes import run_pending_tasks
from tests.unit.agents.delivery.harness import ACCEPTED, MAYBE_SENT, NOT_SENT, DeliveryHarness

UNAUTHORIZED = HttpResponse(401, {}, b"")
FAILED = AttemptResult(Outcome.NOT_SENT)
HALF_LIFE = 30.0


class Clock:
    """A clock that a test sets."""

    now = NOW

    def __call__(self) -> float:
        return self.now


def build_account(name: str, client: Any = None) -> CheckedProvider:
    return CheckedProvider(SendGrid("https://api.sendgrid.com", f"key-{name}", "shop@example.org"), client or DeliveryHarness(), name)


def build_set(clock: Any, client: Any = None, seed: int = 17, **weights: float) -> AccountSet:
    accounts = [WeightedProvider(build_account(name, client), weight) for name, weight in weights.items()]
    return AccountSet(accounts, clock, Random(seed).random, HALF_LIFE)


def count_choices(accounts: AccountSet, **changes: Any) -> Counter[str]:
    return Counter(accounts.choose(build_delivery(number=number, **changes)).name for number in range(1000))


def test_deliveries_are_shared_by_the_weights() -> None:
    counts = count_choices(build_set(Clock(), a=80, b=20))
    assert 750 < counts["a"] < 850
    assert counts.total() == 1000


def test_an_account_is_its_name_although_the_host_is_the_same() -> None:
    accounts = build_set(Clock(), a=1, b=1)
    assert {accounts.get(name).get_account(build_delivery()) for name in ("a", "b")} == {"a", "b"}


def test_what_an_account_may_have_stays_with_it() -> None:
    accounts = build_set(Clock(), a=99, b=1)
    accounts.watch({"b"})
    assert count_choices(accounts, unanswered=UnansweredCall(0, NOW), account="b") == {"b": 1000}
    assert count_choices(accounts, unanswered=UnansweredCall(0, NOW), account="removed") == {"a": 1000}


def test_a_retry_goes_to_another_account_if_one_is_open() -> None:
    accounts = build_set(Clock(), a=99, b=1)
    assert count_choices(accounts, account="a") == {"b": 1000}
    accounts.watch({"b"})
    assert count_choices(accounts, account="a") == {"a": 1000}


def test_a_closed_account_gets_nothing_but_a_probe() -> None:
    accounts, closed = build_set(Clock(), a=50, b=50), {"a"}
    accounts.watch(closed)
    assert count_choices(accounts) == {"b": 1000}
    accounts.request_probe("a")
    accounts.request_probe("a")
    assert count_choices(accounts) == {"a": 1, "b": 999}
    assert accounts.choose_other("b") is None
    closed.clear()
    assert set(count_choices(accounts)) == {"a", "b"}


def test_if_all_are_closed_deliveries_wait_where_they_would_go() -> None:
    accounts = build_set(Clock(), a=50, b=50)
    accounts.watch({"a", "b"})
    assert set(count_choices(accounts)) == {"a", "b"}
    assert accounts.choose_other("a") is None


def test_failures_move_the_weight_and_time_brings_it_back() -> None:
    clock = Clock()
    accounts = build_set(clock, a=50, b=50)
    for _ in range(10):
        accounts.on_result(accounts.get("a"), FAILED, clock())
    assert count_choices(accounts)["a"] < 30
    assert accounts.get_weights(clock())["a"] == pytest.approx(0.01 / 1.01)
    clock.now += 10 * HALF_LIFE
    assert count_choices(accounts)["a"] > 400
    assert accounts.get_weights(clock())["a"] == pytest.approx(0.5, abs=0.01)


def test_a_success_counts_only_after_a_failure() -> None:
    accounts = build_set(Clock(), a=50, b=50)
    accounts.on_result(accounts.get("a"), AttemptResult(Outcome.ACCEPTED), NOW)
    assert accounts.get_weights(NOW) == {"a": 0.5, "b": 0.5}
    accounts.on_result(accounts.get("a"), FAILED, NOW)
    before = accounts.get_weights(NOW)["a"]
    accounts.on_result(accounts.get("a"), AttemptResult(Outcome.ACCEPTED), NOW)
    assert before < accounts.get_weights(NOW)["a"] < 0.5


def test_receipts_that_are_missing_move_the_weight() -> None:
    accounts = build_set(Clock(), a=50, b=50)
    accounts.set_receipts({"a": 0.25, "b": 1.0})
    assert accounts.get_weights(NOW)["a"] == pytest.approx(0.2)


class Harness(DeliveryHarness):
    """A worker with two accounts of the same weight; the key in a request says which account it is for."""

    def __init__(self, seed: int = 17, **options: Any) -> None:
        super().__init__(providers=build_set(self.get_time, self, seed, a=50, b=50), **options)

    def get_called(self) -> list[str]:
        return ["a" if b"key-a" in call.request.head else "b" for call in self.pending_calls]

    def respond_to(self, account: str, result: Any) -> None:
        self.respond(result, self.get_called().index(account))


def build_mails(count: int) -> list[Any]:
    return [build_delivery(number=number) for number in range(1, count + 1)]


async def test_a_rejected_key_sends_all_mail_by_the_other_account_and_the_weight_comes_back() -> None:
    harness = Harness()
    await harness.run_batches(harness.build_batch(*build_mails(40)))
    assert set(harness.get_called()) == {"a", "b"}
    while harness.pending_calls:
        harness.respond(UNAUTHORIZED if harness.get_called()[0] == "a" else ACCEPTED)
    assert {event.provider for event in harness.status_events if event.status is Status.SENT} == {"b"}
    assert sum(event.status is Status.SENT for event in harness.status_events) == 40
    assert [account for account, *_ in harness.observed_pauses] == ["a"]

    await harness.run_batches(harness.build_batch(*(build_delivery(number=number) for number in range(100, 120))))
    assert set(harness.get_called()) == {"b"}
    harness.advance_clock(1.0)
    await harness.run_batches(harness.build_batch(*(build_delivery(number=number) for number in range(200, 220))))
    assert Counter(harness.get_called())["a"] == 1, "one probe"
    harness.respond_to("a", ACCEPTED)
    assert harness.observed_resumptions == [("a", Cause.CREDENTIALS, 1.0)]
    while harness.pending_calls:
        harness.respond(ACCEPTED)
    harness.advance_clock(600.0)
    fresh = [build_delivery(number=number, created_at=harness.now, expires_at=harness.now + 60) for number in range(300, 340)]
    await harness.run_batches(harness.build_batch(*fresh))
    assert 10 < Counter(harness.get_called())["a"] < 30


async def close_off_a(harness: Harness) -> None:
    """Let the key of one of the accounts be rejected."""
    await harness.run_batches(harness.build_batch(*build_mails(40)))
    while harness.pending_calls:
        harness.respond(UNAUTHORIZED if harness.get_called()[0] == "a" else ACCEPTED)


async def test_a_probe_that_ends_without_a_call_is_followed_by_another() -> None:
    harness = Harness()
    await close_off_a(harness)
    harness.advance_clock(1.5)
    await harness.run_batches(harness.build_batch(build_delivery(number=99, expires_at=harness.now)))
    assert not harness.pending_calls
    harness.advance_clock(1.0)
    await harness.run_batches(harness.build_batch(build_delivery(number=100)))
    assert harness.get_called() == ["a"]
    harness.respond(ACCEPTED)
    assert harness.observed_resumptions


async def test_deliveries_that_wait_for_a_place_move_when_their_account_is_paused() -> None:
    from tests.settings_builders import build_concurrency_limits

    harness = Harness(limits=build_concurrency_limits(max_per_account=2))
    await harness.run_batches(harness.build_batch(*build_mails(20)))
    assert Counter(harness.get_called()) == {"a": 2, "b": 2}
    harness.respond_to("a", UNAUTHORIZED)
    harness.respond_to("a", UNAUTHORIZED)
    while harness.pending_calls:
        assert set(harness.get_called()) == {"b"}
        harness.respond(ACCEPTED)
    assert Counter(event.status for event in harness.status_events) == {Status.SENT: 20, Status.PENDING: 2}
    for _ in range(10):  # nothing is left at the account that could be called for when it is probed
        harness.advance_clock(60.0)
        assert not harness.pending_calls
        await harness.run_batches()  # raises what went wrong meanwhile
    assert len(harness.all_calls) == 22


async def test_while_all_accounts_are_paused_deliveries_wait_as_with_one() -> None:
    harness = Harness()
    handle = harness.build_batch(*build_mails(6))
    await harness.run_batches(handle)
    while harness.pending_calls:
        harness.respond(UNAUTHORIZED)
    assert {account for account, *_ in harness.observed_pauses} == {"a", "b"}
    harness.advance_clock(1.0)
    assert 1 <= len(harness.pending_calls) <= 2, "one probe for each account that has a delivery"
    while harness.pending_calls:
        harness.respond(ACCEPTED)
        harness.advance_clock(8.0)
    harness.commit()
    assert handle.ack_count == 1
    assert sum(event.status is Status.SENT for event in harness.status_events) == 6


async def test_a_failure_is_tried_at_the_other_account() -> None:
    harness = Harness()
    await harness.run_batches(harness.build_batch(build_delivery()))
    (first,) = harness.get_called()
    harness.respond(NOT_SENT)
    await harness.run_retry()
    assert harness.get_called() == ["b" if first == "a" else "a"]
    harness.respond(ACCEPTED)
    assert [event.provider for event in harness.status_events] == [first, "b" if first == "a" else "a"]


async def test_what_nobody_has_is_sent_again_by_the_other_account() -> None:
    harness = Harness(reconciliation=ReconciliationPolicy({"high": 20.0, "medium": 120.0, "low": 600.0}))
    await harness.run_batches(harness.build_batch(build_delivery()))
    (first,) = harness.get_called()
    harness.respond(MAYBE_SENT)
    harness.commit()
    await harness.run_retry()
    await run_pending_tasks()
    assert harness.get_called() == ["b" if first == "a" else "a"]


async def test_an_interrupted_call_is_searched_for_at_the_account_that_may_have_it() -> None:
    harness = Harness(reconciliation=ReconciliationPolicy({"high": 20.0, "medium": 120.0, "low": 600.0}))
    deliveries = [build_delivery(number=number, at_most_once=True) for number in range(1, 9)]
    handle = harness.build_batch(*deliveries)
    await harness.run_batches(handle)
    harness.commit()
    called = dict(zip(harness.called_ids, harness.get_called(), strict=True))
    assert set(called.values()) == {"a", "b"}
    second = Harness(seed=18, reconciliation=ReconciliationPolicy({"high": 20.0, "medium": 120.0, "low": 600.0}))
    second.rows = dict(harness.rows)
    await second.run_batches(handle.reread())
    assert {event.delivery_id: event.provider for event in second.status_events} == called
