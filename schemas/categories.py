"""What a category means for a rule that does not say it: whether consent is asked, and what quiet hours do; pure."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Literal

Consent = Literal["none", "opt_out", "opt_in"]
QuietHoursPolicy = Literal["ignore", "hold", "reject"]

ESSENTIAL_CATEGORIES = frozenset({"security", "transactional"})
"""Messages that a user needs whatever the preferences say: a sign-in code, the state of an order."""


def resolve_consent(category: str, choice: Literal["", Consent] = "") -> Consent:
    """Whose word counts: `none` asks no preference, `opt_out` sends unless the user opted out, `opt_in` only if the user opted in."""
    return choice or ("none" if category in ESSENTIAL_CATEGORIES else "opt_out")


def resolve_quiet_hours(category: str, choice: Literal["", QuietHoursPolicy] = "") -> QuietHoursPolicy:
    """What becomes of a notification that comes in the user's quiet hours."""
    return choice or ("ignore" if category in ESSENTIAL_CATEGORIES else "hold")


def describe_unknown_category(category: str, known: Collection[str]) -> str:
    """What is wrong with a category that no rule has, so that no preference and no limit names it, and which one is nearest."""
    nearest = get_close_matches(category, sorted(known), n=1)
    advice = f"is it {nearest[0]!r}?" if nearest else f"those there are: {', '.join(sorted(known))}"
    return f"no rule has the category {category!r}; {advice}"
