"""Plans: worked out once, bounded, and gone with their policy."""

import pytest

from agents.router.compiled_policy import MAX_PLANS, CompiledPolicy
from schemas.enums import Channel
from schemas.notification import Notification
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import USER_ID, build_policy

BOOK = CompiledPolicy(POLICY)


def told(channels: list[Channel] | None = None, type_: str = "order.shipped") -> Notification:
    return Notification(USER_ID, type_, channels=channels)


def test_a_plan_is_worked_out_once() -> None:
    assert BOOK.get_plan(told(["sms"])) is BOOK.get_plan(told(["sms"]))
    assert BOOK.get_plan(told(["sms"])) is not BOOK.get_plan(told(["sms", "sms"]))


def test_what_is_asked_and_what_the_rule_says_are_two_plans() -> None:
    asked, ruled = BOOK.get_plan(told(["push"])), BOOK.get_plan(told())
    assert asked is not None
    assert ruled is not None
    assert (asked.candidates, ruled.candidates) == (("push",), ("email", "push"))


def test_a_plan_knows_the_rows_and_limits_of_its_channels_only() -> None:
    plan = BOOK.get_plan(told(["push", "sms"]))
    assert plan is not None
    assert plan.window_key_suffixes == (("sms", b"\0sms"),)
    assert plan.limit_texts == {"sms": "2 in 60 s, 3 in 3600 s"}


@pytest.mark.parametrize("channels", [None, ["email"]])
def test_without_a_rule_there_is_no_plan(channels: list[Channel] | None) -> None:
    assert BOOK.get_plan(told(channels, "nobody.knows")) is None


def test_another_policy_has_other_plans() -> None:
    before, after = CompiledPolicy(POLICY).get_plan(told()), CompiledPolicy(build_policy(limits=())).get_plan(told())
    assert before is not None
    assert after is not None
    assert (bool(before.limit_texts), bool(after.limit_texts)) == (True, False)


def test_made_up_lists_of_channels_do_not_fill_the_memory() -> None:
    book = CompiledPolicy(POLICY)
    for number in range(MAX_PLANS + 10):
        book.get_plan(told([("email", "push", "sms", "webhook")[int(digit)] for digit in f"{number:b}".zfill(13)]))
    assert len(book._plans) <= MAX_PLANS
