"""Errors that nobody expected of a provider: before a call they cost a dead letter, after it as well, and never a second call."""

import pytest

from agents.consecutive_failure_limit import MAX_CONSECUTIVE_FAILURES
from agents.providers.sendgrid import SendGrid
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason, Status
from schemas.outcome import AttemptResult
from schemas.ports import HttpRequest, HttpResponse, HttpResult
from tests.delivery_builders import build_delivery
from tests.unit.agents.delivery.harness import DeliveryHarness


class FaultyProvider(SendGrid):
    """A provider with faults: it cannot prepare what goes to `poison`, and cannot read an answer of status 299."""

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


async def test_what_cannot_be_prepared_is_a_dead_letter_and_the_next_one_goes_out(harness: DeliveryHarness) -> None:
    held = harness.build_batch(build_poison_delivery(1), build_delivery(number=2))
    await harness.run_batches(held)
    assert harness.called_ids == [build_delivery(number=2).id]
    harness.respond(HttpResponse(202, {}, b""))
    harness.commit()
    assert [letter.headers["reason"] for letter in harness.dead_letters] == [Reason.UNEXPECTED_ERROR]
    assert "poison@" not in harness.dead_letters[0].headers["error"]
    assert [(event.status, event.reason) for event in harness.status_events] == [
        (Status.FAILED, Reason.UNEXPECTED_ERROR),
        (Status.SENT, ""),
    ]
    assert held.ack_count


async def test_one_that_goes_out_in_between_releases_the_brake(harness: DeliveryHarness) -> None:
    await harness.run_batches(
        harness.build_batch(*(build_poison_delivery(n) if n % 2 else build_delivery(number=n) for n in range(3 * MAX_CONSECUTIVE_FAILURES)))
    )
    assert len(harness.dead_letters) == len(harness.called_ids) == 3 * MAX_CONSECUTIVE_FAILURES // 2


async def test_too_many_in_a_row_stop_the_worker_and_keep_their_batch(harness: DeliveryHarness) -> None:
    held = harness.build_batch(*(build_poison_delivery(n) for n in range(MAX_CONSECUTIVE_FAILURES + 1)))
    with pytest.raises(ArithmeticError):
        await harness.run_batches(held)
    harness.commit()
    assert not held.ack_count


async def test_an_answer_that_cannot_be_read_is_unknown_and_never_asked_for_again(harness: DeliveryHarness) -> None:
    held = harness.build_batch(*(build_delivery(number=n) for n in range(MAX_CONSECUTIVE_FAILURES + 5)))
    await harness.run_batches(held)
    while harness.pending_calls:
        harness.respond(HttpResponse(299, {}, b""))
    harness.advance_clock(3600.0)
    harness.commit()
    assert len(harness.all_calls) == MAX_CONSECUTIVE_FAILURES + 5
    assert {(event.outcome, event.reason) for event in harness.status_events} == {(Outcome.UNKNOWN, Reason.UNEXPECTED_ERROR)}
    assert len(harness.dead_letters) == MAX_CONSECUTIVE_FAILURES + 5
    assert held.ack_count
