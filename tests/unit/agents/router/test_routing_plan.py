"""Plans: computed once, bounded in number, and discarded with their policy."""

import pytest

from agents.router.compiled_policy import MAX_PLANS, CompiledPolicy
from schemas.channels import ChannelName
from schemas.notification import Notification
from schemas.policy import RateLimit
from tables.rate_limit_scopes import describe_limits
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import USER_ID, build_policy

COMPILED = CompiledPolicy(POLICY)


def build_notification(channels: list[ChannelName] | None = None, type_: str = "order.shipped") -> Notification:
    return Notification(USER_ID, type_, channels=channels)


def test_a_plan_is_computed_once() -> None:
    assert COMPILED.get_plan(build_notification(["sms"])) is COMPILED.get_plan(build_notification(["sms"]))
    assert COMPILED.get_plan(build_notification(["sms"])) is not COMPILED.get_plan(build_notification(["sms", "sms"]))


def test_the_channels_of_the_notification_and_those_of_the_rule_have_two_plans() -> None:
    asked, ruled = COMPILED.get_plan(build_notification(["push"])), COMPILED.get_plan(build_notification())
    assert asked is not None
    assert ruled is not None
    assert (asked.candidates, ruled.candidates) == (("push",), ("email", "push"))


def test_a_plan_has_the_rows_and_limits_of_its_channels_only() -> None:
    plan = COMPILED.get_plan(build_notification(["push", "sms"]))
    assert plan is not None
    assert [(scope.label, scope.key_suffix) for scope in plan.scopes] == [("sms", b"\0sms")]
    assert describe_limits(plan.scopes[0].windows) == "2 in 60 s, 3 in 3600 s"


def test_a_plan_has_the_limits_of_its_category_and_over_all_channels() -> None:
    limits = [RateLimit(channel, 5, 60, category) for channel in ("", "sms", "email") for category in ("", "transactional", "security")]
    policy = CompiledPolicy(build_policy(limits=limits))
    for category in (None, "security"):
        plan = policy.get_plan(Notification(USER_ID, "order.shipped", channels=["sms"], category=category))
        assert plan is not None
        name = category or "transactional"
        assert [scope.label for scope in plan.scopes] == ["all channels", f"all channels, {name}", "sms", f"sms, {name}"]


@pytest.mark.parametrize("channels", [None, ["email"]])
def test_without_a_rule_there_is_no_plan(channels: list[ChannelName] | None) -> None:
    assert COMPILED.get_plan(build_notification(channels, "nobody.knows")) is None


def test_another_policy_has_other_plans() -> None:
    before, after = (
        CompiledPolicy(POLICY).get_plan(build_notification()),
        CompiledPolicy(build_policy(limits=())).get_plan(build_notification()),
    )
    assert before is not None
    assert after is not None
    assert (bool(before.scopes), bool(after.scopes)) == (True, False)


def test_the_number_of_plans_is_bounded() -> None:
    policy = CompiledPolicy(POLICY)
    for number in range(MAX_PLANS + 10):
        policy.get_plan(build_notification([("email", "push", "sms", "webhook")[int(digit)] for digit in f"{number:b}".zfill(13)]))
    assert len(policy._plans) <= MAX_PLANS
