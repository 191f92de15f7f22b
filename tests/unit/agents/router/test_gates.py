"""The order of the gates decides which reason is told when there are several."""

from typing import Any

import pytest

from tests.unit.agents.router.world import HOME, NOW, World, an_id, notification

EXPIRED = {"expires_at": NOW - 1}
DUPLICATE = {"id": an_id(9), "idempotency_key": "k"}
UNKNOWN = {"type": "nobody.knows"}
AWAY = (HOME + 1) % 4


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"digest": "daily", **DUPLICATE}, "unsupported"),
        ({**DUPLICATE, **EXPIRED, **UNKNOWN}, "duplicate"),
        ({**EXPIRED, **UNKNOWN}, "expired"),
        ({**UNKNOWN, "template": "none"}, "unknown_type"),
        ({"channels": ["webhook"], "template": "none"}, "no_address"),
        ({"channels": ["sms"], "template": "none"}, "rate_limited"),
        ({"template": "none"}, "unknown_template"),
    ],
)
async def test_the_first_gate_that_stops_says_why(fields: dict[str, Any], reason: str) -> None:
    world = World()
    for number in (1, 2):  # the channel sms is full then, and the key is taken
        await world.route(notification(id=an_id(number), channels=["sms"], idempotency_key="k" if number == 1 else None))
    await world.route(notification(**{"id": an_id(3), **fields}))
    assert world.accepted[-1].reason == reason


async def test_the_owner_comes_before_any_row() -> None:
    world = World()
    await world.route(notification(**EXPIRED), partition=AWAY)
    assert world.accepted == []
    assert world.batches[0].forwarded == 1
