"""Whether a user's preferences and suppressions allow a message; pure. The router asks it, and the delivery workers again before a call."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from schemas.addresses import build_comparison_key
from schemas.categories import Consent
from schemas.channels import ChannelName
from schemas.enums import Reason
from schemas.profile import ActiveSuppression

MAX_CONSENT_AGE = 2.0
"""Seconds between the confirmation of a profile and its last use for consent without another one, outside of the cache in Redis."""

HARD_BOUNCE = "hard_bounce"


class Choice(Struct, frozen=True):
    """The preference that decides, by its key in Profile.choices: "in" or "out"; both empty if the user has none."""

    key: str
    choice: str


NO_CHOICE = Choice("", "")


def find_choice(choices: Mapping[str, str], category: str, channel: ChannelName) -> Choice:
    """The most specific preference: of category and channel, of the category, of the channel, of everything."""
    for key in (f"{category}/{channel}", f"{category}/", f"/{channel}", "/"):
        choice = choices.get(key)
        if choice:
            return Choice(key, choice)
    return NO_CHOICE


def find_preference_objection(choice: Choice, consent: Consent) -> str:
    """Why the deciding preference forbids a message: `opted_out`, `not_opted_in`, or nothing."""
    if consent == "none" or choice.choice == "in":
        return ""
    if choice.choice == "out":
        return Reason.OPTED_OUT
    return Reason.NOT_OPTED_IN if consent == "opt_in" else ""


def find_suppression(
    suppressions: Iterable[ActiveSuppression], channel: ChannelName, address: str, category: str, *, mandatory: bool = False
) -> ActiveSuppression | None:
    """The first suppression of an address in normal form; what is mandatory is stopped by a hard bounce only."""
    for suppression in suppressions:
        if suppression.channel != channel or suppression.category not in ("", category):
            continue
        if mandatory and suppression.reason != HARD_BOUNCE:
            continue
        if not suppression.address or build_comparison_key(channel, suppression.address) == build_comparison_key(channel, address):
            return suppression
    return None


def find_objection(
    choices: Mapping[str, str],
    suppressions: Iterable[ActiveSuppression],
    channel: ChannelName,
    address: str,
    category: str,
    consent: Consent,
) -> str:
    """Why consent forbids a delivery to an address: a reason, or nothing."""
    if objection := find_preference_objection(find_choice(choices, category, channel), consent):
        return objection
    return Reason.SUPPRESSED if find_suppression(suppressions, channel, address, category) else ""
