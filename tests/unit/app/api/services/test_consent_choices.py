"""What users can choose, and the smallest change of preferences that a choice needs."""

from typing import Any

import pytest

from app.api.services.consent_choices import Offer, build_choices, is_chosen, list_offers, plan_changes, plan_opt_out_of_all
from schemas.consent import find_choice, find_preference_objection
from schemas.policy import Rule
from schemas.users import Preference, PreferenceChange

MARKETING = Offer("marketing", "email", True)
CLUB = Offer("club", "email", False)


def build_rule(category: str, *channels: Any, **fields: Any) -> Rule:
    return Rule(f"{category}.{len(channels)}", category, None, channels, **fields)


def test_what_needs_consent_is_offered_once_in_order() -> None:
    rules = [
        build_rule("marketing", "push", "email"),
        build_rule("marketing", "email", consent="opt_in"),
        build_rule("club", "email", consent="opt_in"),
        build_rule("security", "email", "sms"),
        build_rule("transactional", "email", consent="opt_out"),
        build_rule("news", "email", consent="none"),
        build_rule("alarm", "email", mandatory=True),
    ]
    assert list_offers(rules) == [CLUB, MARKETING, Offer("marketing", "push", True), Offer("transactional", "email", True)]


@pytest.mark.parametrize(
    ("choices", "chosen"),
    [
        ({}, [True, False]),
        ({"/": "out"}, [False, False]),
        ({"/": "in"}, [True, True]),
        ({"/": "out", "marketing/email": "in"}, [True, False]),
        ({"/email": "out", "club/": "in"}, [False, True]),
    ],
)
def test_the_most_specific_preference_decides_else_the_rules(choices: dict[str, str], chosen: list[bool]) -> None:
    assert [is_chosen(one, choices) for one in (MARKETING, CLUB)] == chosen


def plan(preferences: list[Preference], shown: set[str], chosen: set[str]) -> list[PreferenceChange]:
    return plan_changes([MARKETING, CLUB], preferences, shown, chosen)


def test_only_what_differs_is_changed() -> None:
    shown = {MARKETING.key, CLUB.key}
    assert plan([], shown, {MARKETING.key}) == []
    assert plan([], shown, {CLUB.key}) == [PreferenceChange("out", "marketing", "email"), PreferenceChange("in", "club", "email")]
    assert plan([Preference("out")], shown, {MARKETING.key}) == [PreferenceChange("in", "marketing", "email")]


def test_what_the_page_did_not_show_stays_as_it_is() -> None:
    assert plan([], {CLUB.key}, set()) == []
    assert plan([], {"other/email"}, {"other/email", MARKETING.key}) == []


def test_an_opt_out_of_all_leaves_no_choice_that_says_otherwise() -> None:
    preferences = [
        Preference("in", "", "", "weekly"),
        Preference("in", "marketing", "", "daily"),
        Preference("in", "club", "email"),
        Preference("out", "feedback"),
    ]
    changes = plan_opt_out_of_all(preferences)
    assert PreferenceChange("out", "", "", "weekly") in changes, "how messages are gathered stays as it was chosen"
    kept = {(one.category, one.channel): one for one in preferences}
    after = build_choices([*kept.values(), *(Preference("out", one.category, one.channel) for one in changes)])
    for category in ("marketing", "club", "feedback", "new"):
        for channel in ("email", "sms"):
            assert find_preference_objection(find_choice(after, category, channel), "opt_out"), (category, channel)  # type: ignore[arg-type]
    assert plan_opt_out_of_all([]) == [PreferenceChange("out")]
