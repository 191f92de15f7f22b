"""A test goes to the test account, whatever happens there, and without one to nobody."""

from random import Random

import pytest

from agents.delivery.account_set import AccountSet, WeightedProvider
from agents.delivery.provider_errors import CheckedProvider
from agents.delivery.provider_set import ProviderSet
from agents.providers.sendgrid import SendGrid
from schemas.delivery import UnansweredCall
from schemas.enums import Reason, Status
from schemas.http import HttpResponse, HttpResult
from schemas.outcome import AttemptResult
from tests.delivery_builders import NOW, build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, NOT_SENT, DeliveryHarness


def build_providers(harness: DeliveryHarness, *live: str, test: str = "") -> ProviderSet:
    """Providers with these live accounts and this account for tests."""
    test_provider = CheckedProvider(SendGrid("https://test.example.org", "key", "a@example.org"), harness, test, takes_tests=True)
    provider = SendGrid("https://api.sendgrid.com", "key", "a@example.org")
    accounts = [WeightedProvider(CheckedProvider(provider, harness, name), 1) for name in live]
    if len(accounts) == 1:
        return ProviderSet(accounts[0].provider, test_provider if test else None)
    return AccountSet(accounts, harness.get_time, Random(1).random, 30.0, test_provider if test else None)


@pytest.fixture(params=[("a",), ("a", "b")], ids=["one account", "several accounts"])
def live(request: pytest.FixtureRequest) -> tuple[str, ...]:
    accounts: tuple[str, ...] = request.param
    return accounts


def test_only_tests_choose_the_test_account(live: tuple[str, ...]) -> None:
    providers = build_providers(DeliveryHarness(), *live, test="t")
    assert {providers.choose(build_delivery(number=number, is_test=True)).name for number in range(100)} == {"t"}
    assert {providers.choose(build_delivery(number=number)).name for number in range(100)} == {*live}
    unanswered = UnansweredCall(0, NOW)
    assert providers.choose(build_delivery(is_test=True, account="a", unanswered=unanswered)).name == "t"
    assert providers.get("t").name == "t"
    assert providers.get("a").name == "a"


def test_a_live_account_refuses_a_test(live: tuple[str, ...]) -> None:
    provider = build_providers(DeliveryHarness(), *live).choose(build_delivery(is_test=True))
    refused = provider.build_request(build_delivery(is_test=True), 0, NOW)
    assert isinstance(refused, AttemptResult)
    assert refused.reason == Reason.NO_TEST_ACCOUNT
    assert not isinstance(provider.build_request(build_delivery(), 0, NOW), AttemptResult)


async def test_without_a_test_account_a_test_ends_without_a_call_and_a_dead_letter() -> None:
    harness = DeliveryHarness()
    await harness.run_batches(harness.build_batch(build_delivery(is_test=True)))
    assert harness.all_calls == []
    [event] = harness.status_events
    assert (event.status, event.reason, event.is_test) == (Status.FAILED, Reason.NO_TEST_ACCOUNT, True)
    assert harness.observed_dead_letters == []


@pytest.mark.parametrize("answer", [NOT_SENT, HttpResponse(503, {}, b""), HttpResponse(401, {}, b""), HttpResponse(429, {}, b""), ACCEPTED])
def test_no_answer_of_the_test_account_moves_a_test_to_a_live_one(answer: HttpResult) -> None:
    providers = build_providers(DeliveryHarness(), "a", "b", test="t")
    assert isinstance(providers, AccountSet)
    assert providers.choose_other("t") is None
    result = providers.choose(build_delivery(is_test=True)).parse_result(answer, NOW)
    providers.on_result(providers.get("t"), result, NOW)
    assert {*providers.get_weights(NOW)} == {"a", "b"}
