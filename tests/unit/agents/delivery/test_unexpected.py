"""Errors that nobody expected of a provider: before a call they cost a dead letter, after it as well, and never a second call."""

import pytest

from agents.brake import MOST_IN_A_ROW
from agents.providers.sendgrid import SendGrid
from schemas.delivery import Delivery
from schemas.outcome import Attempted
from schemas.ports import Answer, Answered, Prepared
from schemas.words import Outcome, Reason, StatusName
from tests.deliveries import a_delivery
from tests.unit.agents.delivery.world import World


class Broken(SendGrid):
    """A provider with faults: it cannot prepare what goes to `poison`, and cannot read an answer of status 299."""

    def prepare(self, delivery: Delivery, attempt: int, now: float) -> Prepared | Attempted:
        if delivery.address.startswith("poison"):
            raise ArithmeticError(delivery.address)
        return super().prepare(delivery, attempt, now)

    def attempted(self, answer: Answer, now: float) -> Attempted:
        if isinstance(answer, Answered) and answer.status == 299:
            raise ArithmeticError
        return super().attempted(answer, now)


@pytest.fixture
def world() -> World:
    return World(Broken("https://api.sendgrid.com", "key", "shop@example.org"))


def poison(number: int) -> Delivery:
    return a_delivery(number=number, address="poison@example.org")


async def test_what_cannot_be_prepared_is_a_dead_letter_and_the_next_one_goes_out(world: World) -> None:
    held = world.batch(poison(1), a_delivery(number=2))
    await world.take(held)
    assert world.in_flight == [a_delivery(number=2).id]
    world.answer(Answered(202, {}, b""))
    world.commit()
    assert [letter.headers["reason"] for letter in world.letters] == [Reason.UNEXPECTED]
    assert "poison@" not in world.letters[0].headers["error"]
    assert [(event.status, event.reason) for event in world.events] == [(StatusName.FAILED, Reason.UNEXPECTED), (StatusName.SENT, "")]
    assert held.acked


async def test_one_that_goes_out_in_between_releases_the_brake(world: World) -> None:
    await world.take(world.batch(*(poison(n) if n % 2 else a_delivery(number=n) for n in range(3 * MOST_IN_A_ROW))))
    assert len(world.letters) == len(world.in_flight) == 3 * MOST_IN_A_ROW // 2


async def test_too_many_in_a_row_stop_the_worker_and_keep_their_batch(world: World) -> None:
    held = world.batch(*(poison(n) for n in range(MOST_IN_A_ROW + 1)))
    with pytest.raises(ArithmeticError):
        await world.take(held)
    world.commit()
    assert not held.acked


async def test_an_answer_that_cannot_be_read_is_unknown_and_never_asked_for_again(world: World) -> None:
    held = world.batch(*(a_delivery(number=n) for n in range(MOST_IN_A_ROW + 5)))
    await world.take(held)
    while world.calls:
        world.answer(Answered(299, {}, b""))
    world.advance(3600.0)
    world.commit()
    assert len(world.asked) == MOST_IN_A_ROW + 5
    assert {(event.outcome, event.reason) for event in world.events} == {(Outcome.UNKNOWN, Reason.UNEXPECTED)}
    assert len(world.letters) == MOST_IN_A_ROW + 5
    assert held.acked
