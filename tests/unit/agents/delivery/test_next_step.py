"""A delivery that fails asks for the next channel of its escalation."""

from typing import Any

import msgspec
import pytest

from schemas.delivery import NextStep, UnansweredCall
from schemas.delivery_policy import ReconciliationPolicy
from schemas.http import HttpResponse, HttpResult
from schemas.scheduled import Reschedule
from tests.delivery_builders import NOW, build_delivery
from tests.fakes import run_pending_tasks
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, NOT_SENT, DeliveryHarness

STEP = NextStep("low", 3)
UNREGISTERED = HttpResponse(400, {}, b'{"errors":[{"field":"personalizations.0.to.0.email","message":"x"}]}')


def list_moves(harness: DeliveryHarness) -> list[tuple[str, int, Reschedule]]:
    """Topic, partition and value of each request for a next step."""
    found = [record for record in harness.produced if "scheduled." in record.topic and b'"reschedule"' in (record.value or b"")]
    return [(record.topic, record.partition, msgspec.json.decode(record.value or b"", type=Reschedule)) for record in found]


async def deliver(result: HttpResult, **changes: Any) -> DeliveryHarness:
    harness = DeliveryHarness(topic_prefix="t1.")
    await harness.run_batches(harness.build_batch(build_delivery(**{"next_step": STEP, **changes}), priority="high"))
    harness.respond(result)
    return harness


@pytest.mark.parametrize("result", [BAD_REQUEST, UNREGISTERED])
async def test_a_failed_delivery_asks_for_the_step_that_waits_for_it(result: HttpResult) -> None:
    harness = await deliver(result)
    delivery = build_delivery()
    move = Reschedule(delivery.notification_id, delivery.user_id, NOW, 3, after_failure=True)
    assert list_moves(harness) == [("t1.scheduled.low", 3, move)], "in the topic of the entry, whatever its own priority is"


async def test_one_that_was_sent_or_goes_on_asks_for_nothing() -> None:
    assert list_moves(await deliver(ACCEPTED)) == []
    assert list_moves(await deliver(NOT_SENT)) == []
    assert list_moves(await deliver(BAD_REQUEST, next_step=None)) == []


async def test_after_the_last_attempt_it_asks() -> None:
    harness = await deliver(NOT_SENT, attempt=2, counted_attempts=2)
    assert [dead_letter.reason for dead_letter in harness.dead_letters] == ["retries_exhausted"]
    assert len(list_moves(harness)) == 1


async def test_what_has_expired_asks_for_nothing() -> None:
    harness = DeliveryHarness()
    await harness.run_batches(harness.build_batch(build_delivery(next_step=STEP, expires_at=NOW)))
    assert [event.reason for event in harness.status_events] == ["expired"]
    assert list_moves(harness) == []


async def test_a_call_without_an_answer_asks_when_it_is_given_up() -> None:
    harness = DeliveryHarness(reconciliation=ReconciliationPolicy({"high": 20.0, "medium": 20.0, "low": 20.0}))
    delivery = build_delivery(next_step=STEP, at_most_once=True, attempt=1, unanswered=UnansweredCall(0, NOW - 20))
    await harness.run_batches(harness.build_batch(delivery))
    await run_pending_tasks()
    assert [event.reason for event in harness.status_events] == ["unknown"]
    assert [move.resume_count for _, _, move in list_moves(harness)] == [3]
