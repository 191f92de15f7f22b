"""The user gate: on which channels the user can be reached, by addresses given with the notification or by the profile."""

from functools import lru_cache
from typing import Any

from msgspec import Raw

from agents.router.case import Case, Desk, Ending, dead, refused, step
from schemas.notification import Notification
from schemas.rules import Profile, Rule
from schemas.words import Channel, Reason

GATE = "user"
PUSH_TOPIC = "topic:"  # a user id that is a topic of FCM and has no profile

_UNKNOWN = Profile(user_id="", known=False)


def candidates_of(notification: Notification, rule: Rule) -> tuple[Channel, ...]:
    """The channels in question, each once: those of the notification, else those of the rule."""
    channels = notification.channels
    if channels is None:
        return rule.channels
    return tuple(channels if len(channels) == 1 else dict.fromkeys(channels))


def explicit(notification: Notification, channel: Channel) -> list[str]:
    """The addresses that came with the notification, each once; a push topic is its own address."""
    given = notification.to.get(channel)
    if given is None:
        return [notification.user_id] if channel == "push" and notification.user_id.startswith(PUSH_TOPIC) else []
    return [given] if isinstance(given, str) else list(dict.fromkeys(given))


def prepare(case: Case, rule: Rule) -> bool:
    """Note the channels in question and whether an address is missing; whether the profile would tell something: that, or the locale."""
    notification = case.notification
    case.rule, case.candidates = rule, candidates_of(notification, rule)
    if notification.user_id.startswith(PUSH_TOPIC):
        return False
    for channel in case.candidates:
        if channel not in notification.to:
            case.needs_profile = True
            return True
    return notification.locale is None


def gate(case: Case, desk: Desk) -> Ending | None:
    """Pass a notification with at least one address; channels without one are left out, and the trace says so."""
    notification = case.notification
    if case.rule is None:
        return dead(case, GATE, Reason.UNKNOWN_TYPE, f"there is no rule for the type `{notification.type}`")
    profile = desk.profiles.get(notification.user_id, _UNKNOWN)
    case.locale = notification.locale or profile.locale
    reachable: dict[Channel, list[str]] = {}
    counts = []
    for channel in case.candidates:
        addresses = explicit(notification, channel) or list(dict.fromkeys(profile.addresses.get(channel, ())))
        counts.append(len(addresses))
        if addresses:
            reachable[channel] = addresses
    if reachable:
        case.addresses = reachable
        case.trace.append(_passed(case.candidates, tuple(counts)))
        return None
    known = profile.known or notification.user_id.startswith(PUSH_TOPIC)
    reason = Reason.NO_ADDRESS if known else Reason.UNKNOWN_USER
    return refused(case, GATE, reason, {"channels": case.candidates})


@lru_cache(maxsize=4096)
def _passed(candidates: tuple[Channel, ...], counts: tuple[int, ...]) -> Raw:
    found = dict(zip(candidates, counts, strict=True))
    inputs: dict[str, Any] = {"addresses": {channel: count for channel, count in found.items() if count}}
    if without := [channel for channel, count in found.items() if not count]:
        inputs["without"] = without
    return step(GATE, "pass", "", inputs)
