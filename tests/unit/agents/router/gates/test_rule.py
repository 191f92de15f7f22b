"""The gate rule: without a rule for the type there is no decision; a rule may have a condition, and choose the priority."""

from typing import Any

import pytest
from msgspec.structs import replace

from agents.router.compiled_policy import CompiledPolicy
from agents.router.expressions import compile_expression
from agents.router.gates.rule import describe_remedy
from agents.router.gates.rule_inputs import describe_values
from agents.router.gates.wording import Facts
from schemas.notification import Notification
from schemas.policy import PriorityCase, Rule
from schemas.profile import Profile
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import (
    NOW,
    USER_ID,
    RouterHarness,
    build_notification,
    build_policy,
    build_record,
    encode_value,
    make_notification_id,
)

GOLD = Profile(USER_ID, True, {"email": ["ada@example.org"], "push": ["phone"]}, tier="gold", attributes={"age": 31})
EXPLICIT = {"email": "a@example.org", "push": "p"}


def build_harness(**fields: Any) -> RouterHarness:
    """A router with one rule; its user is of the tier gold."""
    harness = RouterHarness(
        build_policy(
            rules=[
                Rule(
                    "order.shipped",
                    "transactional",
                    template="shipped",
                    channels=("email", "push"),
                    **{"priority": None, "version": 3, **fields},
                )
            ]
        )
    )
    harness.profiles.profiles[USER_ID] = GOLD
    return harness


def get_entry(harness: RouterHarness) -> Any:
    """The entry of the gate in the last decision log."""
    (entry,) = [entry for entry in harness.decided_events[-1].decision_log if entry.gate == "rule"]
    return entry


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


async def test_a_true_condition_passes() -> None:
    harness = build_harness(condition='user.tier == "gold" && data.order == 17')
    await harness.route(build_notification())
    assert harness.last_state == ("routed", "")
    assert get_entry(harness).inputs == {"rule": "order.shipped@3", "condition": 'user.tier == "gold" && data.order == 17'}


async def test_a_false_condition_rejects_with_the_inputs_that_decided() -> None:
    harness = build_harness(condition='user.tier == "silver" || data.order > 100 || data["name"].startsWith("B")')
    await harness.route(build_notification())
    assert harness.last_state == ("rejected", "condition")
    assert not harness.deliveries
    assert get_entry(harness).inputs["values"] == {"user.tier": "gold", "data.order": 17, "data.name": "Ada"}
    assert get_entry(harness).inputs["rule"] == "order.shipped@3"


async def test_the_remedy_names_the_condition_and_what_it_read() -> None:
    harness = build_harness(condition='user.tier == "silver" || data.total > 100')
    await harness.route(build_notification())
    remedy = describe_remedy(Facts(harness.decided_events[0], get_entry(harness).inputs))
    assert remedy == (
        "`user.tier == \"silver\" || data.total > 100` would have to be true, which read data.total = 'missing', user.tier = 'gold'; "
        'it could not be evaluated: Key not found in map : "total"'
    )


async def test_a_condition_that_cannot_be_evaluated_rejects_with_the_cause() -> None:
    harness = build_harness(condition="data.total > 100")
    await harness.route(build_notification())
    assert harness.last_state == ("rejected", "condition")
    assert get_entry(harness).inputs["cause"] == 'Key not found in map : "total"'
    assert get_entry(harness).inputs["values"] == {"data.total": "missing"}


@pytest.mark.parametrize("topic", ["high", "medium", "low"])
async def test_the_priority_of_the_rule_wins_over_the_topic(topic: str) -> None:
    harness = build_harness(priority="low")
    await harness.route(build_notification(), topic=f"notifications.{topic}")
    assert {record.topic for record in harness.committer.records} == {"deliveries.email.low", "deliveries.push.low", "notifications.status"}
    assert harness.decided_events[0].priority == "low"
    assert get_entry(harness).inputs == {"rule": "order.shipped@3", "priority": "low"}


async def test_without_a_priority_in_the_rule_the_topic_decides() -> None:
    harness = build_harness()
    await harness.route(build_notification(), topic="notifications.high")
    assert (harness.decided_events[0].priority, len(harness.get_records("deliveries.email.high"))) == ("high", 1)


CHOICES = (PriorityCase("data.order > 100", "high"), PriorityCase('user.tier == "gold"', "medium"))


@pytest.mark.parametrize(
    ("order", "tier", "priority", "when"),
    [(101, "gold", "high", "data.order > 100"), (1, "gold", "medium", 'user.tier == "gold"'), (1, "", "low", None)],
)
async def test_the_first_true_choice_sets_the_priority(order: int, tier: str, priority: str, when: str | None) -> None:
    harness = build_harness(priority="low", priorities=CHOICES)
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, GOLD.addresses, tier=tier)
    await harness.route(build_notification(data={"order": order, "name": "Ada"}), topic="notifications.high")
    assert harness.decided_events[0].priority == priority
    assert get_entry(harness).inputs.get("when") == when
    assert len(harness.get_records(f"deliveries.email.{priority}")) == 1


async def test_decisions_with_different_priorities_do_not_share_a_log() -> None:
    harness = build_harness(priorities=CHOICES)
    for number, order in enumerate((101, 1, 102)):
        value = build_notification(id=make_notification_id(number), data={"order": order, "name": "Ada"})
        await harness.route(build_record(encode_value(value), number))
    logs = [[entry.inputs.get("priority") for entry in event.decision_log if entry.gate == "rule"] for event in harness.decided_events]
    assert logs == [["high"], ["medium"], ["high"]]


async def test_a_choice_that_cannot_be_evaluated_is_false_and_named() -> None:
    harness = build_harness(priorities=(PriorityCase("data.missing == 1", "high"), PriorityCase("true", "low")))
    await harness.route(build_notification())
    assert harness.decided_events[0].priority == "low"
    assert get_entry(harness).inputs["faults"] == {"priorities[0].when": 'Key not found in map : "missing"'}


async def test_a_rule_that_was_made_invalid_behind_our_back_is_a_dead_letter() -> None:
    harness = build_harness(condition="data.order >")
    await harness.route(build_notification())
    assert harness.last_state == ("dead", "invalid_rule")
    assert "order.shipped@3 cannot be used: condition line 1, column 13" in get_entry(harness).inputs["error"]


@pytest.mark.parametrize(("condition", "is_read"), [("data.order == 17", False), ("", False), ('user.tier == "gold"', True)])
async def test_a_profile_is_looked_up_only_for_a_condition_that_reads_it(condition: str, is_read: bool) -> None:
    harness = build_harness(condition=condition)
    await harness.route(build_notification(to=EXPLICIT, locale="en"))
    assert (harness.profiles.requested_user_ids == [[USER_ID]]) is is_read
    assert harness.last_state == ("routed", "")


async def test_a_notification_without_expressions_costs_no_evaluation() -> None:
    harness = RouterHarness()
    plans = [harness.router._get_compiled_policy().get_plan(Notification(USER_ID, type_)) for type_ in POLICY.rules]
    assert [plan.expressions for plan in plans if plan] == [None] * len(POLICY.rules)


def test_the_log_shows_what_the_expression_names_and_no_address() -> None:
    expression = compile_expression('data.a.b.startsWith("data.x") && size(data.items) > 1 && data["c"] == 1 && "sms" in addresses')
    values = {"data": {"a": {"b": "x" * 200}, "items": [1, 2], "secret": 1}, "addresses": {"sms": ["+12025550101"]}}
    shown = {"data.a.b": "x" * 100 + "...", "data.items": "2 items", "data.c": "missing", "addresses": {"sms": 1}}
    assert describe_values(expression, values) == shown


async def test_a_category_that_no_rule_has_is_a_dead_letter_which_names_the_nearest() -> None:
    harness = RouterHarness(
        build_policy(rules=[Rule("sale", "marketing", "low", ("webhook",)), Rule("note", "feedback", "low", ("webhook",))])
    )
    await harness.route(*(build_notification(id=None, type="sale", category=category) for category in ("markting", "feedback", "security")))
    assert [(event.state, event.reason, event.category) for event in harness.decided_events] == [
        ("dead", "unknown_category", "markting"),
        ("rejected", "no_address", "feedback"),
        ("rejected", "no_address", "security"),
    ]
    (record,) = harness.get_records("notifications.dlq")
    assert dict(record.headers)["error"] == b"no rule has the category 'markting'; is it 'marketing'?"


@pytest.mark.parametrize(("user_id", "type_", "is_known"), [("u", "sale", False), ("@shop/u", "@shop/sale", True)])
def test_the_rules_of_a_project_make_its_categories(user_id: str, type_: str, is_known: bool) -> None:
    rules = [Rule("sale", "marketing", "low", ("webhook",)), Rule("@shop/sale", "offers", "low", ("webhook",))]
    policy = CompiledPolicy(build_policy(rules=rules))
    problem = policy.find_category_problem(Notification(user_id, type_, category="offers"))
    assert problem == ("" if is_known else "no rule has the category 'offers'; those there are: marketing, security, transactional")


@pytest.mark.parametrize(("user_id", "project"), [(USER_ID, ""), ("@shop/u-1", "@shop/")])
async def test_what_was_held_keeps_its_category_although_its_last_rule_has_another_one_now(user_id: str, project: str) -> None:
    sale, note = Rule(f"{project}sale", "marketing", "low", ("webhook",)), Rule(f"{project}note", "feedback", "low", ("webhook",))
    harness = RouterHarness(build_policy(rules=[sale, note]))
    fields = {"user_id": user_id, "type": "sale", "category": "feedback", "to": {"webhook": "https://a.example/"}}
    await harness.route(build_notification(**fields, id=make_notification_id(1), send_at=NOW + 60))
    harness.policies.policy = build_policy(rules=[sale, replace(note, category="marketing")])
    await harness.release()
    await harness.route(build_notification(**fields, id=make_notification_id(2)))  # after one that was held: it is judged as it comes
    assert [(event.state, event.reason, event.category) for event in harness.decided_events] == [
        ("held", "send_at", "feedback"),
        ("routed", "", "feedback"),
        ("dead", "unknown_category", "feedback"),
    ]
