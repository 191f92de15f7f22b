"""The user gate: on which channels the user can be reached, by addresses given with the notification or by the profile."""

from collections.abc import Container, Iterable
from typing import Any

from msgspec import Raw

from agents.router.case import Case, Desk, Ending, dead, passed, refused
from agents.router.plan import Plan
from schemas.notification import Notification
from schemas.rules import Profile
from schemas.words import Channel, Reason

GATE = "user"
PUSH_TOPIC = "topic:"  # a user id that is a topic of FCM and has no profile

_UNKNOWN = Profile(user_id="", known=False)


def explicit(notification: Notification, channel: Channel) -> list[str]:
    """The addresses that came with the notification, each once; a push topic is its own address."""
    given = notification.to.get(channel)
    if given is None:
        return [notification.user_id] if channel == "push" and notification.user_id.startswith(PUSH_TOPIC) else []
    return [given] if isinstance(given, str) else list(dict.fromkeys(given))


def prepare(case: Case, plan: Plan) -> bool:
    """Note whether an address is missing; whether the profile would tell something: that, or the locale."""
    notification = case.notification
    case.needs_profile = _any_missing(plan.candidates, notification.to)
    if not case.needs_profile and notification.locale is not None:
        return False
    if notification.user_id.startswith(PUSH_TOPIC):
        case.needs_profile = False
        return False
    return True


def gate(case: Case, desk: Desk) -> Ending | None:
    """Pass a notification with at least one address; channels without one are left out, and the trace says so."""
    notification = case.notification
    if case.plan is None:
        return dead(GATE, Reason.UNKNOWN_TYPE, f"there is no rule for the type `{notification.type}`")
    profile = desk.profiles.get(notification.user_id, _UNKNOWN)
    case.locale = notification.locale or profile.locale
    reachable: dict[Channel, list[str]] = {}
    case.counts = counts = []
    for channel in case.plan.candidates:
        addresses = explicit(notification, channel) or list(dict.fromkeys(profile.addresses.get(channel, ())))
        counts.append(len(addresses))
        if addresses:
            reachable[channel] = addresses
    case.addresses = reachable
    if reachable:
        return None
    known = profile.known or notification.user_id.startswith(PUSH_TOPIC)
    return refused(GATE, Reason.NO_ADDRESS if known else Reason.UNKNOWN_USER, {"channels": case.plan.candidates})


def told(case: Case) -> Raw:
    """The step of a case that passed: how many addresses each channel has, and which have none."""
    assert case.plan is not None
    found = dict(zip(case.plan.candidates, case.counts, strict=True))
    inputs: dict[str, Any] = {"addresses": {channel: count for channel, count in found.items() if count}}
    if without := [channel for channel, count in found.items() if not count]:
        inputs["without"] = without
    return passed(GATE, "", inputs)


def _any_missing(candidates: Iterable[Channel], given: Container[Channel]) -> bool:
    for channel in candidates:  # noqa: SIM110 any() with a generator takes three times as long
        if channel not in given:
            return True
    return False
