"""The gate consent: preferences by category and channel, the suppression list, and what needs no look-up."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.categories import Consent
from schemas.channels import CHANNEL_NAMES
from schemas.consent import NO_CHOICE, find_choice, find_preference_objection
from schemas.ids import compute_partition
from schemas.policy import Rule
from schemas.profile import ActiveSuppression, Profile, build_address_key
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import PARTITIONS, USER_ID, RouterHarness, build_notification, build_policy

EXPLICIT: dict[str, Any] = {"to": {"email": "Ada@example.org", "push": "phone"}, "locale": "de"}
SALE = Rule("shop.sale", "marketing", "low", ("email", "push"), template="shipped")
ALARM = msgspec.structs.replace(SALE, type="shop.alarm", mandatory=True)
CLUB = msgspec.structs.replace(SALE, type="shop.club", consent="opt_in")
BARE = msgspec.structs.replace(SALE, type="shop.bare", consent="none", quiet_hours="ignore")
POLICY_WITH_CONSENT = build_policy(rules=[*POLICY.rules.values(), SALE, ALARM, CLUB, BARE])


def build_harness(choices: dict[str, str] | None = None, *suppressions: ActiveSuppression) -> RouterHarness:
    harness = RouterHarness(POLICY_WITH_CONSENT)
    ada = harness.profiles.profiles[USER_ID]
    harness.profiles.profiles[USER_ID] = msgspec.structs.replace(ada, choices=choices or {}, suppressions=list(suppressions))
    return harness


async def route(harness: RouterHarness, rule: Rule = SALE, **fields: Any) -> list[str]:
    """The channels of the deliveries, each once."""
    await harness.route(build_notification(type=rule.type, **fields))
    return list(dict.fromkeys(delivery.channel for delivery in harness.deliveries))


@pytest.mark.parametrize(
    ("choices", "rule", "left"),
    [
        ({}, SALE, ["email", "push"]),
        ({"marketing/": "out"}, SALE, []),
        ({"/": "out"}, SALE, []),
        ({"marketing/email": "out"}, SALE, ["push"]),
        ({"/email": "out"}, SALE, ["push"]),
        ({"marketing/": "out", "marketing/email": "in"}, SALE, ["email"]),
        ({"marketing/": "in", "/email": "out"}, SALE, ["email", "push"]),
        ({"/": "out", "/push": "in"}, SALE, ["push"]),
        ({"news/": "out"}, SALE, ["email", "push"]),
        ({}, CLUB, []),
        ({"news/": "in"}, CLUB, []),
        ({"marketing/push": "in"}, CLUB, ["push"]),
        ({"/": "in"}, CLUB, ["email", "push"]),
        ({"/": "in", "marketing/email": "out"}, CLUB, ["push"]),
        ({"/": "out"}, BARE, ["email", "push"]),
        ({"/": "out"}, ALARM, ["email", "push"]),
    ],
)
@pytest.mark.parametrize("fields", [{}, EXPLICIT])
async def test_the_most_specific_preference_decides(choices: dict[str, str], rule: Rule, left: list[str], fields: dict[str, Any]) -> None:
    assert await route(build_harness(choices), rule, **fields) == left


keys = st.sampled_from([f"{category}/{channel}" for category in ("marketing", "news", "") for channel in ("email", "push", "")])


@given(st.dictionaries(keys, st.sampled_from(["in", "out"])), st.sampled_from(CHANNEL_NAMES), st.sampled_from(["opt_out", "opt_in"]))
def test_the_choice_equals_that_of_a_sorted_search(choices: dict[str, str], channel: Any, consent: Consent) -> None:
    matching = [key for key in choices if key.split("/")[0] in ("marketing", "") and key.split("/")[1] in (channel, "")]
    matching.sort(key=lambda key: (bool(key.split("/")[0]), bool(key.split("/")[1])))
    found = find_choice(choices, "marketing", channel)
    assert (found.key, found.choice) == ((matching[-1], choices[matching[-1]]) if matching else ("", ""))
    assert (find_preference_objection(found, consent) == "") == (found.choice == "in" or (found == NO_CHOICE and consent == "opt_out"))


@pytest.mark.parametrize(
    ("suppression", "rule", "left"),
    [
        (ActiveSuppression("email", "ada@EXAMPLE.org".lower(), "", "complaint"), SALE, ["push"]),
        (ActiveSuppression("email", "ADA@example.org", "", "complaint"), SALE, ["push"]),
        (ActiveSuppression("email", "", "", "manual"), SALE, ["push"]),
        (ActiveSuppression("email", "", "marketing", "stop"), SALE, ["push"]),
        (ActiveSuppression("email", "", "news", "stop"), SALE, ["email", "push"]),
        (ActiveSuppression("email", "bob@example.org", "", "complaint"), SALE, ["email", "push"]),
        (ActiveSuppression("push", "phone", "", "hard_bounce"), SALE, ["email", "push"]),
        (ActiveSuppression("email", "", "", "complaint"), BARE, ["push"]),
        (ActiveSuppression("email", "", "", "complaint"), ALARM, ["email", "push"]),
        (ActiveSuppression("email", "", "", "hard_bounce"), ALARM, ["push"]),
    ],
)
async def test_a_suppression_removes_its_addresses(suppression: ActiveSuppression, rule: Rule, left: list[str]) -> None:
    harness = build_harness({}, suppression)
    assert await route(harness, rule) == left
    assert "phone" not in [d.address for d in harness.deliveries] or suppression.address != "phone"


async def test_what_was_removed_is_in_the_decision_log_without_addresses() -> None:
    harness = build_harness({"marketing/email": "out"}, ActiveSuppression("push", "phone", "", "hard_bounce"))
    await route(harness)
    assert harness.get_entry("consent").reason == "some_removed"
    assert harness.get_entry("consent").inputs == {
        "consent": "opt_out",
        "category": "marketing",
        "removed": {
            "email": {"reason": "opted_out", "preference": "marketing/email"},
            "push": {"reason": "suppressed", "suppressions": [{"reason": "hard_bounce", "category": ""}], "addresses_left": 1},
        },
    }
    assert [delivery.address for delivery in harness.deliveries] == ["tablet"]


async def test_the_log_of_one_user_is_not_given_to_another() -> None:
    harness = build_harness({"marketing/email": "out"})
    await route(harness)
    harness.profiles.profiles[USER_ID] = msgspec.structs.replace(harness.profiles.profiles[USER_ID], choices={})
    await harness.route(build_notification(id=None, type=SALE.type))
    assert [harness.get_entry("consent", number).reason for number in (0, 1)] == ["some_removed", ""]


@pytest.mark.parametrize(
    ("choices", "suppressions", "rule", "reason"),
    [
        ({"/": "out"}, (), SALE, "opted_out"),
        ({}, (), CLUB, "not_opted_in"),
        ({"/push": "out"}, (ActiveSuppression("email"),), SALE, "opted_out"),
        ({}, (ActiveSuppression("email"), ActiveSuppression("push")), SALE, "suppressed"),
    ],
)
async def test_nothing_left_is_rejected_with_the_reason(choices: Any, suppressions: Any, rule: Rule, reason: str) -> None:
    harness = build_harness(choices, *suppressions)
    assert await route(harness, rule) == []
    assert harness.last_state == ("rejected", reason)
    assert list(harness.get_entry("consent").inputs["removed"]) == ["email", "push"]


async def test_the_first_usable_channel_is_the_next_one() -> None:
    rule = msgspec.structs.replace(SALE, strategy="first")
    harness = RouterHarness(build_policy(rules=[rule]))
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, {"email": ["a@x.org"], "push": ["p"]}, choices={"/email": "out"})
    assert await route(harness, rule) == ["push"]


@pytest.mark.parametrize(("rule_type", "reads"), [("order.shipped", False), (BARE.type, False), (SALE.type, True), (ALARM.type, True)])
async def test_only_what_needs_consent_costs_a_look_up(rule_type: str, reads: bool) -> None:
    harness = build_harness({"/": "out"})
    await harness.route(build_notification(type=rule_type, **EXPLICIT))
    assert bool(harness.profiles.requested_user_ids) == reads
    assert harness.get_entry("consent").inputs["consent"] == ("opt_out" if reads else "none")


@pytest.mark.parametrize(("category", "left"), [(None, ["email"]), ("transactional", ["email"]), ("marketing", [])])
async def test_a_category_of_the_producer_asks_for_more_consent_never_for_less(category: str | None, left: list[str]) -> None:
    harness = build_harness({"marketing/": "out", "transactional/": "out"})
    assert await route(harness, POLICY.rules["order.shipped"], category=category, channels=["email"]) == left
    assert await route(build_harness({"/": "out"}), SALE, category="security") == []


async def test_a_given_address_is_suppressed_for_whoever_has_it_with_one_look_up() -> None:
    harness = build_harness()
    key = build_address_key("email", "bob@example.org")
    harness.profiles.profiles[key] = Profile(key, known=False, suppressions=[ActiveSuppression("email", "bob@example.org")])
    assert await route(harness, user_id="u-49", to={"email": "bob@EXAMPLE.org", "push": "p"}) == ["push"]
    assert harness.profiles.requested_user_ids == [["u-49", key, build_address_key("push", "p")]]


async def test_a_topic_has_no_profile_but_suppressions() -> None:
    harness = build_harness()
    await harness.route(
        build_notification(type=SALE.type, user_id="topic:sale", channels=["push"]), partition=compute_partition("topic:sale", PARTITIONS)
    )
    assert harness.profiles.requested_user_ids == [[build_address_key("push", "topic:sale")]]


@pytest.mark.parametrize(("rule", "consent"), [(SALE, "opt_out"), (CLUB, "opt_in"), (BARE, ""), (ALARM, "")])
async def test_a_delivery_says_what_its_worker_checks_again(rule: Rule, consent: str) -> None:
    harness = build_harness({"/": "in"})
    await route(harness, rule)
    assert {delivery.consent for delivery in harness.deliveries} == {consent}
    value = next(record.value for record in harness.committer.records if record.topic.startswith("deliveries."))
    assert (b'"consent"' in (value or b"")) == bool(consent)


EVENTS = {"/": "cev_" + "1" * 32, "marketing/push": "cev_" + "2" * 32}


async def find_consent_events(choices: dict[str, str], rule: Rule = SALE, **fields: Any) -> dict[str, str]:
    """The event of consent of each delivery by its channel."""
    harness = build_harness(choices)
    ada = harness.profiles.profiles[USER_ID]
    harness.profiles.profiles[USER_ID] = msgspec.structs.replace(ada, consent_events=EVENTS)
    await route(harness, rule, **fields)
    return {delivery.channel: delivery.consent_event_id for delivery in harness.deliveries}


@pytest.mark.parametrize(
    ("choices", "rule", "expected"),
    [
        ({"/": "in"}, CLUB, {"email": EVENTS["/"], "push": EVENTS["/"]}),
        ({"/": "in", "marketing/push": "in"}, CLUB, {"email": EVENTS["/"], "push": EVENTS["marketing/push"]}),
        ({"/": "in"}, SALE, {"email": EVENTS["/"], "push": EVENTS["/"]}),
        ({"marketing/push": "in"}, SALE, {"email": "", "push": EVENTS["marketing/push"]}),
        ({"news/": "out"}, SALE, {"email": "", "push": ""}),
        ({}, SALE, {"email": "", "push": ""}),
        ({"/": "in"}, ALARM, {"email": "", "push": ""}),
        ({"/": "in"}, BARE, {"email": "", "push": ""}),
        ({"/email": "in"}, CLUB, {"email": ""}),  # written by SQL, so that no event is known
    ],
)
@pytest.mark.parametrize("fields", [{}, EXPLICIT])
async def test_a_delivery_has_the_event_of_consent_that_allowed_it(
    choices: dict[str, str], rule: Rule, expected: dict[str, str], fields: dict[str, Any]
) -> None:
    assert await find_consent_events(choices, rule, **fields) == expected


@pytest.mark.parametrize(
    ("rule", "inputs"), [(SALE, {"consent": "opt_out"}), (BARE, {"consent": "none"}), (ALARM, {"consent": "opt_out", "mandatory": True})]
)
async def test_the_decision_log_says_why_no_event_was_needed(rule: Rule, inputs: dict[str, Any]) -> None:
    harness = build_harness()
    await route(harness, rule)
    assert harness.get_entry("consent").inputs == inputs
