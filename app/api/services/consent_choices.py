"""What a user can choose to get, and which preferences follow from a choice; pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from schemas.categories import resolve_consent
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.consent import find_choice
from schemas.policy import Rule
from schemas.users import Choice, Digest, Preference, PreferenceChange


class Offer(NamedTuple):
    """A category on a channel that a user may choose; `is_default`: some of it is sent to who chose nothing."""

    category: str
    channel: ChannelName
    is_default: bool

    @property
    def key(self) -> str:
        """Its name in a form: no channel has a slash."""
        return f"{self.category}/{self.channel}"


def list_offers(rules: Iterable[Rule]) -> list[Offer]:
    """The categories and channels of rules whose messages need consent, by category; what is mandatory is not offered."""
    defaults: dict[tuple[str, ChannelName], bool] = {}
    for rule in rules:
        consent = resolve_consent(rule.category, rule.consent)
        if consent == "none" or rule.mandatory:
            continue
        for channel in rule.channels:
            place = rule.category, channel
            defaults[place] = defaults.get(place, False) or consent == "opt_out"
    places = sorted(defaults, key=lambda place: (place[0], CHANNEL_NAMES.index(place[1])))
    return [Offer(*place, defaults[place]) for place in places]


def is_chosen(offer: Offer, choices: Mapping[str, str]) -> bool:
    """Whether the user gets such messages, by the most specific preference."""
    choice = find_choice(choices, offer.category, offer.channel).choice
    return choice == "in" or (choice == "" and offer.is_default)


def build_choices(preferences: Iterable[Preference]) -> dict[str, str]:
    """The choices of preferences as a profile has them."""
    return {f"{one.category}/{one.channel}": one.choice for one in preferences}


def plan_changes(
    offers: Iterable[Offer], preferences: Iterable[Preference], shown: Collection[str], chosen: Collection[str]
) -> list[PreferenceChange]:
    """The changes after which the user gets what was chosen of what was shown; nothing for what stays as it is.

    An offer that the form did not show, because its rule is newer than the page, is not taken for one that the user left out.
    """
    choices = build_choices(preferences)
    changes = []
    for offer in offers:
        if offer.key in shown and (offer.key in chosen) != is_chosen(offer, choices):
            choice: Choice = "in" if offer.key in chosen else "out"
            changes.append(PreferenceChange(choice, offer.category, offer.channel))
    return changes


def plan_opt_out_of_all(preferences: Iterable[Preference]) -> list[PreferenceChange]:
    """The changes after which the user gets nothing that needs consent: no more specific choice may say otherwise."""
    kept = [one for one in preferences if one.choice == "in" and (one.category or one.channel)]
    general: Digest = next((one.digest for one in preferences if not one.category and not one.channel), "")
    return [PreferenceChange("out", digest=general), *(PreferenceChange("out", one.category, one.channel, one.digest) for one in kept)]
