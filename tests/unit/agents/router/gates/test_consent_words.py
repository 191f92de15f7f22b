"""The words of the gate consent."""

import pytest

from agents.router.gates.consent import describe
from agents.router.gates.order import REMEDIES
from agents.router.gates.wording import Facts, write_sentence
from schemas.policy import Rule
from schemas.profile import ActiveSuppression
from tests.unit.agents.router.gates.test_consent import CLUB, SALE, build_harness, route


@pytest.mark.parametrize(
    ("choices", "suppressions", "rule", "description", "remedy"),
    [
        (
            {"marketing/email": "out", "/": "out"},
            [],
            SALE,
            "sent unless the user has opted out; e-mail: opted out of marketing messages by e-mail; push: opted out of all messages",
            "the user would have to opt in to marketing messages by e-mail and push",
        ),
        (
            {},
            [],
            CLUB,
            "sent only if the user has opted in; e-mail: no opt-in; push: no opt-in",
            "the user would have to opt in to marketing messages by e-mail and push",
        ),
        (
            {},
            [ActiveSuppression("email", "", "", "hard_bounce"), ActiveSuppression("push", "", "", "manual")],
            SALE,
            "sent unless the user has opted out; e-mail: 1 suppressed (hard bounce), 0 left; push: 2 suppressed (manual), 0 left",
            "an operator would have to undo the suppression of the addresses for e-mail and push",
        ),
    ],
)
async def test_the_words_say_which_preference_or_suppression_it_was(
    choices: dict[str, str], suppressions: list[ActiveSuppression], rule: Rule, description: str, remedy: str
) -> None:
    harness = build_harness(choices, *suppressions)
    await route(harness, rule)
    (event,) = harness.decided_events
    facts = Facts(event, harness.get_entry("consent").inputs)
    assert describe(facts) == description
    assert write_sentence(REMEDIES[event.reason], facts) == remedy
