"""What of a decision does not depend on the user: worked out once per type and choice of channels, as long as a policy is in force."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct

from schemas.enums import Channel
from schemas.notification import Notification
from schemas.policy import Rule
from tables.rate_windows import encode_key_suffix


class RoutingPlan(Struct, frozen=True, eq=False, gc=False):
    """The rule and the channels in question; of those with limits, how the keys of their rows end, and the limits in words.

    `traces` are those of notifications that were routed by this plan, by what they differ in (agents/router/decision_log.py).
    """

    rule: Rule
    candidates: tuple[Channel, ...]
    window_key_suffixes: tuple[tuple[Channel, bytes], ...]
    limit_texts: Mapping[Channel, str]
    decision_logs: dict[Any, Raw]


def build_plan(notification: Notification, rule: Rule, limits: Mapping[Channel, str]) -> RoutingPlan:
    """The plan for all notifications of this type and these channels; `limits` are those of all channels, in words."""
    candidates = select_candidates(notification, rule)
    key_ends = tuple((channel, encode_key_suffix(channel)) for channel in candidates if channel in limits)
    return RoutingPlan(rule, candidates, key_ends, {channel: limit for channel, limit in limits.items() if channel in candidates}, {})


def select_candidates(notification: Notification, rule: Rule) -> tuple[Channel, ...]:
    """The channels in question, each once: those of the notification, else those of the rule."""
    return rule.channels if notification.channels is None else tuple(dict.fromkeys(notification.channels))
