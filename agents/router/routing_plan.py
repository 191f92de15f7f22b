"""The part of a decision that does not depend on the user: computed once per type and choice of channels, for each policy."""

from collections.abc import Container, Mapping
from typing import Any

from msgspec import Raw, Struct

from agents.router.rule_expressions import RuleExpressions, compile_rule
from schemas.categories import Consent, QuietHoursPolicy, resolve_consent, resolve_quiet_hours
from schemas.channels import ChannelName
from schemas.notification import Notification
from schemas.policy import Rule
from tables.rate_limit_scopes import LimitScope, ScopeKey, select_scopes


class RoutingPlan(Struct, frozen=True, eq=False, gc=False):
    """The rule with its expressions, the candidate channels, and the scopes of the rate limits that count it.

    `reads_tier`: a limit is for the users of a tier.

    `consent` says whose word counts and `quiet_hours` what happens then, unless the notification's own category asks for more.
    `decision_logs` caches the logs of notifications routed by this plan (agents/router/decision_log.py).
    """

    rule: Rule
    expressions: RuleExpressions | None
    candidates: tuple[ChannelName, ...]
    scopes: tuple[LimitScope, ...]
    reads_tier: bool
    decision_logs: dict[Any, Raw]
    consent: Consent
    quiet_hours: QuietHoursPolicy


def build_plan(
    notification: Notification, rule: Rule, scopes: Mapping[ScopeKey, LimitScope], routed_channels: Container[ChannelName] = ()
) -> RoutingPlan:
    """Build the plan for all notifications of this type and these channels; `scopes` are those of all rate limits.

    What has gone out on `routed_channels` goes on with the others, and limits over all channels have counted it.
    """
    candidates = select_candidates(notification, rule)
    selected = select_scopes(scopes, candidates, notification.category or rule.category)
    if routed_channels:
        candidates = tuple(channel for channel in candidates if channel not in routed_channels)
        selected = tuple(scope for scope in selected if scope.channel in candidates)
    consent, quiet_hours = resolve_consent(rule.category, rule.consent), resolve_quiet_hours(rule.category, rule.quiet_hours)
    reads_tier = any(scope.tier_windows for scope in selected)
    return RoutingPlan(rule, compile_rule(rule), candidates, selected, reads_tier, {}, consent, quiet_hours)


def select_candidates(notification: Notification, rule: Rule) -> tuple[ChannelName, ...]:
    """The candidate channels, each once: those of the notification, else those of the rule."""
    return rule.channels if notification.channels is None else tuple(dict.fromkeys(notification.channels))
