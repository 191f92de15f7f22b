"""The expiry gate: 24 h at most, and never after the time asked for."""

import pytest

from agents.router.expiry import expiry_of
from tests.unit.agents.router.world import NOW, Read, World, json, notification

DAY = 86_400


@pytest.mark.parametrize(
    ("asked", "expires_at"),
    [
        (None, NOW + DAY),
        (NOW + 60, NOW + 60),
        (NOW + DAY + 1, NOW + DAY),  # never beyond the idempotency horizon
        (NOW - 1, NOW - 1),
        (-1e300, 0.0),  # PostgreSQL has no such time
    ],
)
def test_expiry_is_as_asked_within_a_day_of_due(asked: float | None, expires_at: float) -> None:
    assert expiry_of(asked, NOW) == expires_at


@pytest.mark.parametrize(("expires_at", "state"), [(NOW + 0.001, "routed"), (NOW, "refused"), (NOW - 5, "refused")])
async def test_what_has_expired_is_refused(expires_at: float, state: str) -> None:
    world = World()
    await world.route(notification(expires_at=expires_at))
    assert world.accepted[0].state == state
    assert world.accepted[0].expires_at == expires_at


async def test_deliveries_carry_the_expiry() -> None:
    world = World()
    await world.route(notification(expires_at=NOW + 60))
    assert {delivery.expires_at for delivery in world.deliveries} == {NOW + 60}


async def test_what_lay_in_kafka_for_a_day_is_refused() -> None:
    world = World()
    world.now = NOW + DAY
    await world.route(Read(json(notification())))
    assert world.outcome == ("refused", "expired")
    assert world.accepted[0].trace[-1].inputs == {"expires_at": NOW + DAY, "now": NOW + DAY}
