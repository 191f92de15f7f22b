"""The structs of the policy."""

import msgspec

from schemas.policy import Policy, RateLimit, Rule, Template


def test_a_rule_selects_all_usable_channels_by_default() -> None:
    rule = Rule("order.shipped", "transactional", "medium", ("email", "push"))
    assert (rule.strategy, rule.mandatory, rule.template) == ("all", False, "")


def test_a_policy_survives_json() -> None:
    rule, template = Rule("t", "c", "low", ("sms",)), Template("t", 1, "sms", "default", text="hi")
    policy = Policy({"t": rule}, (template,), (RateLimit("sms", 5, 3600),), 3)
    assert msgspec.json.decode(msgspec.json.encode(policy), type=Policy) == policy
