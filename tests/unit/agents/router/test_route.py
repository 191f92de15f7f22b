"""The route gate: all usable channels, or the first."""

import pytest

from schemas.rules import Rule
from tests.unit.agents.router.world import World, notification, policy


@pytest.mark.parametrize(
    ("strategy", "channels"),
    [("all", ["email", "push", "push"]), ("first", ["email"])],
)
async def test_the_strategy_of_the_rule_decides(strategy: str, channels: list[str]) -> None:
    rule = Rule("order.shipped", "c", "low", ("webhook", "email", "push"), strategy, "shipped")  # type: ignore[arg-type]
    world = World(policy(rules=[rule]))
    await world.route(notification())
    assert [delivery.channel for delivery in world.deliveries] == channels
    step = world.accepted[0].trace[6]
    assert step.inputs == {"rule": "order.shipped@1", "strategy": strategy, "channels": list(dict.fromkeys(channels))}
