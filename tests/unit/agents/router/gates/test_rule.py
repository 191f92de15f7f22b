"""The gate rule: without a rule for the type there is no decision."""

from tests.unit.agents.router.harness import RouterHarness, build_notification


async def test_a_type_with_a_rule_passes_and_the_log_names_the_rule() -> None:
    harness = RouterHarness()
    await harness.route(build_notification())
    entry = harness.get_entry("rule", 0)
    assert (entry.gate, entry.verdict, entry.inputs) == ("rule", "pass", {"rule": "order.shipped@1"})


async def test_a_type_without_a_rule_is_a_dead_letter_that_names_the_type() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(type="nobody.knows"))
    assert harness.last_state == ("dead", "unknown_type")
    assert "`nobody.knows`" in harness.decided_events[0].decision_log[-1].inputs["error"]
