"""The gate consent: the channels on which the user's preferences and suppressions allow the notification.

What a rule makes mandatory passes preferences and suppressions, but not a hard bounce.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.gates.recipient import get_explicit_addresses, is_address
from agents.router.gates.wording import NOT_RECORDED, Facts, get_channel_word, join_words
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, Reject, Verdict
from schemas.addresses import NORMALIZERS
from schemas.categories import ESSENTIAL_CATEGORIES, Consent
from schemas.channels import ChannelName
from schemas.consent import find_choice, find_preference_objection, find_suppression
from schemas.enums import Reason
from schemas.profile import ActiveSuppression, Profile, build_address_key

NAME = "consent"
SOME_REMOVED = "some_removed"
NOT_CHECKED = "not_checked"

_NOBODY = Profile(user_id="", known=False)
_NOTHING: Mapping[ChannelName, dict[str, Any]] = {}
_NO_EVENTS: Mapping[ChannelName, str] = {}
_CONSENT_WORDS = {
    "none": "no preference is asked",
    "opt_out": "sent unless the user has opted out",
    "opt_in": "sent only if the user has opted in",
}
_MANDATORY = "the rule makes it mandatory, so that no preference counts"
_MODES: tuple[Consent, ...] = ("none", "opt_out", "opt_in")
_PASSED: Mapping[Consent, Raw] = {mode: encode_pass(NAME, "", {"consent": mode}) for mode in _MODES}
_PASSED_MANDATORY: Mapping[Consent, Raw] = {mode: encode_pass(NAME, "", {"consent": mode, "mandatory": True}) for mode in _MODES}


def prefetch(state: RoutingState) -> None:
    """Note whose word counts, and if it is the user's, that the profile is needed, and the suppressions of the addresses that are given."""
    state.consent, state.address_keys = "none", ()
    if state.plan is None:
        return
    notification = state.notification
    state.consent = _resolve_consent(notification.category, state.plan.consent)
    if state.consent == "none":
        return
    state.needs_profile = True
    state.reads_profile = not is_address(notification.user_id)
    state.address_keys = [
        build_address_key(channel, address)
        for channel in state.plan.candidates
        for text in get_explicit_addresses(notification, channel)
        if isinstance(address := NORMALIZERS[channel](text), str)
    ]


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a notification with at least one channel and address that consent leaves."""
    state.removed, state.consent_events, state.is_consent_checked = _NOTHING, _NO_EVENTS, True
    if not state.reads_profile and not state.address_keys:
        return PASS
    profile = context.profiles.get(state.notification.user_id)
    if profile is None:
        # a mandatory notification does not wait for profiles that are unavailable; nothing else comes here without one
        state.is_consent_checked = state.consent == "none" or (not state.reads_profile and state.address_keys[0] in context.profiles)
        profile = _NOBODY
    has_suppressions = profile.suppressions or state.address_keys
    if not has_suppressions and (state.consent == "none" or (state.consent == "opt_out" and not profile.choices)):
        return PASS
    return _judge_channels(state, profile, _collect_suppressions(state, profile, context))


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: whose word counts, and what was removed."""
    if not state.is_consent_checked:
        return encode_pass(NAME, NOT_CHECKED, {"consent": state.consent})
    if state.removed:
        return encode_pass(NAME, SOME_REMOVED, _describe(state, state.removed))
    if state.consent != "none" and state.plan is not None and state.plan.rule.mandatory:
        return _PASSED_MANDATORY[state.consent]
    return _PASSED[state.consent]


def describe(facts: Facts) -> str:
    """Whose word counts, and for each channel that was removed, which preference or suppression did it."""
    removed = facts.inputs.get("removed", {})
    words = [f"{get_channel_word(channel)}: {_describe_removal(entry)}" for channel, entry in removed.items()]
    mode = _MANDATORY if facts.inputs.get("mandatory") else _CONSENT_WORDS.get(facts.inputs.get("consent", ""), "")
    return "; ".join([mode, *words]).removeprefix("; ")


GATE = Gate(
    NAME,
    check,
    explain,
    prefetch=prefetch,
    reasons={
        Reason.OPTED_OUT: "the user has opted out of such messages",
        Reason.NOT_OPTED_IN: "such messages need the user's opt-in, and there is none",
        Reason.SUPPRESSED: "its addresses are on the suppression list",
    },
    remedies={
        Reason.OPTED_OUT: lambda facts: f"the user would have to opt in to {_name_messages(facts, Reason.OPTED_OUT)}",
        Reason.NOT_OPTED_IN: lambda facts: f"the user would have to opt in to {_name_messages(facts, Reason.NOT_OPTED_IN)}",
        Reason.SUPPRESSED: lambda facts: f"an operator would have to undo the suppression of {_name_addresses(facts)}",
    },
    describe=describe,
)


def _describe_removal(entry: Mapping[str, Any]) -> str:
    if "suppressions" not in entry:
        return f"opted out of {_name_preference(entry['preference'])}" if entry["reason"] == Reason.OPTED_OUT else "no opt-in"
    reasons = join_words([*dict.fromkeys(one["reason"].replace("_", " ") for one in entry["suppressions"])])
    return f"{len(entry['suppressions'])} suppressed ({reasons}), {entry['addresses_left']} left"


def _name_preference(key: str) -> str:
    """The messages that a preference is about, by its key `category/channel`."""
    category, _, channel = key.partition("/")
    return f"{category or 'all'} messages{f' by {get_channel_word(channel)}' if channel else ''}"


def _list_removed(facts: Facts, reason: str) -> str:
    """The channels that were removed for a reason, as words."""
    removed = facts.inputs.get("removed", {})
    return join_words([get_channel_word(channel) for channel, entry in removed.items() if entry["reason"] == reason]) or NOT_RECORDED


def _name_messages(facts: Facts, reason: str) -> str:
    return f"{facts.inputs.get('category') or 'such'} messages by {_list_removed(facts, reason)}"


def _name_addresses(facts: Facts) -> str:
    return f"the addresses for {_list_removed(facts, Reason.SUPPRESSED)}"


def _resolve_consent(category: str | None, consent: Consent) -> Consent:
    """A producer's category can ask for more consent than the rule, never for less."""
    if consent == "none" and category is not None and category not in ESSENTIAL_CATEGORIES:
        return "opt_out"
    return consent


def _get_category(state: RoutingState) -> str:
    assert state.plan is not None
    return state.notification.category or state.plan.rule.category


def _collect_suppressions(state: RoutingState, profile: Profile, context: GateContext) -> list[ActiveSuppression]:
    suppressions = list(profile.suppressions)
    for key in state.address_keys:
        if (found := context.profiles.get(key)) is not None:
            suppressions += found.suppressions
    return suppressions


def _judge_channels(state: RoutingState, profile: Profile, suppressions: Sequence[ActiveSuppression]) -> Verdict:
    """Leave out what consent forbids; the state keeps for each channel why, and the event of consent that allows it if one does."""
    assert state.plan is not None
    category, mandatory = _get_category(state), state.plan.rule.mandatory
    consent: Consent = "none" if mandatory else state.consent
    left: dict[ChannelName, list[str]] = {}
    removed: dict[ChannelName, dict[str, Any]] = {}
    events: dict[ChannelName, str] = {}
    for channel, addresses in state.addresses.items():
        choice = find_choice(profile.choices, category, channel)
        if objection := find_preference_objection(choice, consent):
            removed[channel] = {"reason": objection, "preference": choice.key}
            continue
        if consent != "none" and choice.choice == "in" and (event := profile.consent_events.get(choice.key)):
            events[channel] = event
        if not suppressions:  # nearly always
            left[channel] = addresses
            continue
        found = [find_suppression(suppressions, channel, address, category, mandatory=mandatory) for address in addresses]
        kept = [address for address, suppression in zip(addresses, found, strict=True) if suppression is None]
        if kept:
            left[channel] = kept
        if len(kept) < len(addresses):
            removed[channel] = _describe_suppressions(found, len(kept))
    state.consent_events = events
    if not removed:
        return PASS
    if not left:
        return Reject(_choose_reason(removed), _describe(state, removed))
    state.addresses, state.removed = left, removed
    return PASS


def _choose_reason(removed: Mapping[ChannelName, Mapping[str, Any]]) -> str:
    """The reason of the first that the user can change: a preference before a suppression."""
    reasons = [entry["reason"] for entry in removed.values()]
    return next(reason for reason in (Reason.OPTED_OUT, Reason.NOT_OPTED_IN, Reason.SUPPRESSED) if reason in reasons)


def _describe(state: RoutingState, removed: Mapping[ChannelName, Mapping[str, Any]]) -> dict[str, Any]:
    return {"consent": state.consent, "category": _get_category(state), "removed": removed}


def _describe_suppressions(found: Sequence[ActiveSuppression | None], kept: int) -> dict[str, Any]:
    """How many addresses are suppressed, why, and for which category; addresses are in no log."""
    suppressions = [{"reason": one.reason, "category": one.category} for one in found if one is not None]
    return {"reason": Reason.SUPPRESSED, "suppressions": suppressions, "addresses_left": kept}
