"""What an operator decides has defaults that need no thought."""

import msgspec

from schemas.policy import Policy, Profile, RateLimit, Rule, Template


def test_a_rule_takes_all_usable_channels_unless_told_otherwise() -> None:
    rule = Rule("order.shipped", "transactional", "medium", ("email", "push"))
    assert (rule.strategy, rule.mandatory, rule.template) == ("all", False, "")


def test_a_profile_survives_the_cache() -> None:
    profile = Profile("u", addresses={"email": ["a@x"], "push": ["t1", "t2"]}, locale="de-AT", version=7)
    assert msgspec.json.decode(msgspec.json.encode(profile), type=Profile) == profile
    assert msgspec.json.decode(msgspec.json.encode(Profile("ghost", known=False)), type=Profile).known is False


def test_a_policy_survives_json() -> None:
    rule, template = Rule("t", "c", "low", ("sms",)), Template("t", 1, "sms", "default", text="hi")
    policy = Policy({"t": rule}, (template,), (RateLimit("sms", 5, 3600),), 3)
    assert msgspec.json.decode(msgspec.json.encode(policy), type=Policy) == policy
