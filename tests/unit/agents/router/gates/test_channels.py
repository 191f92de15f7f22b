"""The gate channels: all usable channels, or the first."""

import pytest

from schemas.policy import Rule
from tests.unit.agents.router.harness import RouterHarness, build_notification, build_policy


@pytest.mark.parametrize(
    ("strategy", "channels"),
    [("all", ["email", "push", "push"]), ("first", ["email"])],
)
async def test_the_strategy_of_the_rule_decides(strategy: str, channels: list[str]) -> None:
    rule = Rule("order.shipped", "c", "low", ("webhook", "email", "push"), strategy, "shipped")  # type: ignore[arg-type]
    harness = RouterHarness(build_policy(rules=[rule]))
    await harness.route(build_notification())
    assert [delivery.channel for delivery in harness.deliveries] == channels
    step = harness.get_entry("channels", 0)
    assert step.inputs == {"strategy": strategy, "channels": list(dict.fromkeys(channels))}
