"""The structs of the policy."""

import msgspec

from schemas.policy import Policy, PriorityCase, RateLimit, Rule, Template, TemplateDetails


def test_a_rule_selects_all_usable_channels_by_default() -> None:
    rule = Rule("order.shipped", "transactional", "medium", ("email", "push"))
    assert (rule.strategy, rule.mandatory, rule.template) == ("all", False, "")


def test_a_policy_survives_json() -> None:
    cases = (PriorityCase("user.tier == 'gold'", "high"),)
    rule = Rule("t", "c", None, ("sms",), consent="opt_in", quiet_hours="reject", condition="data.total > 10", priorities=cases)
    template = Template("t", 1, "sms", "default", text="hi")
    policy = Policy(
        {"t": rule},
        (template,),
        (RateLimit("sms", 5, 3600), RateLimit("", 9, 60, "marketing", "gold")),
        3,
        (TemplateDetails("t", 1, "{}"),),
    )
    assert msgspec.json.decode(msgspec.json.encode(policy), type=Policy) == policy
