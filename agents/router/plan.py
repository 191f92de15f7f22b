"""What of a decision does not depend on the user: worked out once per type and choice of channels, as long as a policy is in force."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct

from schemas.notification import Notification
from schemas.rules import Rule
from schemas.words import Channel
from tables.rate_windows import key_end


class Plan(Struct, frozen=True, eq=False, gc=False):
    """The rule and the channels in question; of those with limits, how the keys of their rows end, and the limits in words.

    `traces` are those of notifications that were routed by this plan, by what they differ in (agents/router/trace.py).
    """

    rule: Rule
    candidates: tuple[Channel, ...]
    key_ends: tuple[tuple[Channel, bytes], ...]
    limits: Mapping[Channel, str]
    traces: dict[Any, Raw]


def planned(notification: Notification, rule: Rule, limits: Mapping[Channel, str]) -> Plan:
    """The plan for all notifications of this type and these channels; `limits` are those of all channels, in words."""
    candidates = candidates_of(notification, rule)
    key_ends = tuple((channel, key_end(channel)) for channel in candidates if channel in limits)
    return Plan(rule, candidates, key_ends, {channel: limit for channel, limit in limits.items() if channel in candidates}, {})


def candidates_of(notification: Notification, rule: Rule) -> tuple[Channel, ...]:
    """The channels in question, each once: those of the notification, else those of the rule."""
    return rule.channels if notification.channels is None else tuple(dict.fromkeys(notification.channels))
