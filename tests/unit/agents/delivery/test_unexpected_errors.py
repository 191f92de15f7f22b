"""Tests of unexpected errors of a provider: each becomes a dead letter, without a second call."""

import pytest

from agents.consecutive_failure_limit import MAX_CONSECUTIVE_FAILURES
from agents.providers.sendgrid import SendGrid
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason, Status
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.outcome import AttemptResult
from tests.delivery_builders import build_delivery
from tests.unit.agents.delivery.harness import DeliveryHarness


class FaultyProvider(SendGrid):
    """A provider that raises in build_request for addresses with `poison`, and in parse_result for status 299."""

    def build_request(self, delivery: Delivery, attempt: int, now: float) -> HttpRequest | AttemptResult:
        if delivery.address.startswith("poison"):
            raise ArithmeticError(delivery.address)
        return super().build_request(delivery, attempt, now)

    def parse_result(self, result: HttpResult, now: float) -> AttemptResult:
        if isinstance(result, HttpResponse) and result.status_code == 299:
            raise ArithmeticError
        return super().parse_result(result, now)


@pytest.fixture
def harness() -> DeliveryHarness:
    return DeliveryHarness(FaultyProvider("https://api.sendgrid.com", "key", "shop@example.org"))


def build_poison_delivery(number: int) -> Delivery:
    return build_delivery(number=number, address="poison@example.org")


async def test_an_error_before_the_call_becomes_a_dead_letter_and_the_next_delivery_is_sent(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_poison_delivery(1), build_delivery(number=2))
    await harness.run_batches(handle)
    assert harness.called_ids == [build_delivery(number=2).id]
    harness.respond(HttpResponse(202, {}, b""))
    harness.commit()
    assert [dead_letter.reason for dead_letter in harness.dead_letters] == [Reason.UNEXPECTED_ERROR]
    assert "poison@" not in harness.dead_letters[0].error
    assert [(event.status, event.reason) for event in harness.status_events] == [
        (Status.FAILED, Reason.UNEXPECTED_ERROR),
        (Status.SENT, ""),
    ]
    assert handle.ack_count


async def test_a_success_in_between_resets_the_failure_limit(harness: DeliveryHarness) -> None:
    await harness.run_batches(
        harness.build_batch(*(build_poison_delivery(n) if n % 2 else build_delivery(number=n) for n in range(3 * MAX_CONSECUTIVE_FAILURES)))
    )
    assert len(harness.dead_letters) == len(harness.called_ids) == 3 * MAX_CONSECUTIVE_FAILURES // 2


async def test_too_many_errors_in_a_row_stop_the_worker_without_an_acknowledgement(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(*(build_poison_delivery(n) for n in range(MAX_CONSECUTIVE_FAILURES + 1)))
    with pytest.raises(ArithmeticError):
        await harness.run_batches(handle)
    harness.commit()
    assert not handle.ack_count


async def test_an_error_after_the_call_is_unknown_and_not_retried(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(*(build_delivery(number=n) for n in range(MAX_CONSECUTIVE_FAILURES + 5)))
    await harness.run_batches(handle)
    while harness.pending_calls:
        harness.respond(HttpResponse(299, {}, b""))
    harness.advance_clock(3600.0)
    harness.commit()
    assert len(harness.all_calls) == MAX_CONSECUTIVE_FAILURES + 5
    assert {(event.outcome, event.reason) for event in harness.status_events} == {(Outcome.UNKNOWN, Reason.UNEXPECTED_ERROR)}
    assert len(harness.dead_letters) == MAX_CONSECUTIVE_FAILURES + 5
    assert handle.ack_count
