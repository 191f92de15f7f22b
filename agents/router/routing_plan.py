"""The part of a decision that does not depend on the user: computed once per type and choice of channels, for each policy."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct

from agents.router.rule_expressions import RuleExpressions, compile_rule
from schemas.categories import Consent, QuietHoursPolicy, resolve_consent, resolve_quiet_hours
from schemas.channels import ChannelName
from schemas.notification import Notification
from schemas.policy import Rule
from tables.rate_windows import encode_key_suffix


class RoutingPlan(Struct, frozen=True, eq=False, gc=False):
    """The rule with its expressions, the candidate channels, and for those with limits the suffix of their row keys and the limits as text.

    `consent` says whose word counts and `quiet_hours` what happens then, unless the notification's own category asks for more.
    `decision_logs` caches the logs of notifications routed by this plan (agents/router/decision_log.py).
    """

    rule: Rule
    expressions: RuleExpressions | None
    candidates: tuple[ChannelName, ...]
    window_key_suffixes: tuple[tuple[ChannelName, bytes], ...]
    limit_texts: Mapping[ChannelName, str]
    decision_logs: dict[Any, Raw]
    consent: Consent
    quiet_hours: QuietHoursPolicy


def build_plan(notification: Notification, rule: Rule, limit_texts: Mapping[ChannelName, str]) -> RoutingPlan:
    """Build the plan for all notifications of this type and these channels; `limit_texts` are those of all channels."""
    candidates = select_candidates(notification, rule)
    suffixes = tuple((channel, encode_key_suffix(channel)) for channel in candidates if channel in limit_texts)
    texts = {channel: text for channel, text in limit_texts.items() if channel in candidates}
    consent, quiet_hours = resolve_consent(rule.category, rule.consent), resolve_quiet_hours(rule.category, rule.quiet_hours)
    return RoutingPlan(rule, compile_rule(rule), candidates, suffixes, texts, {}, consent, quiet_hours)


def select_candidates(notification: Notification, rule: Rule) -> tuple[ChannelName, ...]:
    """The candidate channels, each once: those of the notification, else those of the rule."""
    return rule.channels if notification.channels is None else tuple(dict.fromkeys(notification.channels))
