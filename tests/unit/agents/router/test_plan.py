"""Plans: worked out once, bounded, and gone with their policy."""

import pytest

from agents.router.book import MAX_PLANS, Book
from schemas.notification import Notification
from schemas.words import Channel
from tests.unit.agents.router.policy import POLICY
from tests.unit.agents.router.world import USER, policy

BOOK = Book(POLICY)


def told(channels: list[Channel] | None = None, type_: str = "order.shipped") -> Notification:
    return Notification(USER, type_, channels=channels)


def test_a_plan_is_worked_out_once() -> None:
    assert BOOK.plan_of(told(["sms"])) is BOOK.plan_of(told(["sms"]))
    assert BOOK.plan_of(told(["sms"])) is not BOOK.plan_of(told(["sms", "sms"]))


def test_what_is_asked_and_what_the_rule_says_are_two_plans() -> None:
    asked, ruled = BOOK.plan_of(told(["push"])), BOOK.plan_of(told())
    assert asked is not None
    assert ruled is not None
    assert (asked.candidates, ruled.candidates) == (("push",), ("email", "push"))


def test_a_plan_knows_the_rows_and_limits_of_its_channels_only() -> None:
    plan = BOOK.plan_of(told(["push", "sms"]))
    assert plan is not None
    assert plan.key_ends == (("sms", b"\0sms"),)
    assert plan.limits == {"sms": "2 in 60 s, 3 in 3600 s"}


@pytest.mark.parametrize("channels", [None, ["email"]])
def test_without_a_rule_there_is_no_plan(channels: list[Channel] | None) -> None:
    assert BOOK.plan_of(told(channels, "nobody.knows")) is None


def test_another_policy_has_other_plans() -> None:
    before, after = Book(POLICY).plan_of(told()), Book(policy(limits=())).plan_of(told())
    assert before is not None
    assert after is not None
    assert (bool(before.limits), bool(after.limits)) == (True, False)


def test_made_up_lists_of_channels_do_not_fill_the_memory() -> None:
    book = Book(POLICY)
    for number in range(MAX_PLANS + 10):
        book.plan_of(told([("email", "push", "sms", "webhook")[int(digit)] for digit in f"{number:b}".zfill(13)]))
    assert len(book._plans) <= MAX_PLANS
