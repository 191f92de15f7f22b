"""The policy in the form that the router uses: plans by type, channels and category, and compiled templates."""

from agents.router.routing_plan import RoutingPlan, build_plan
from agents.router.templates.cache import TemplateCache
from schemas.categories import ESSENTIAL_CATEGORIES, describe_unknown_category
from schemas.channels import ChannelName
from schemas.email_options import EmailOptions, decode_options, merge_options
from schemas.notification import Notification
from schemas.policy import Policy, Rule
from schemas.projects import find_project
from tables.rate_limit_scopes import build_scopes

MAX_PLANS = 4096  # a producer may name the same channels in any order, and several times


class CompiledPolicy:
    """One compiled policy; `previous` are the templates of an older policy, of which the unchanged ones are kept as they are compiled."""

    def __init__(self, policy: Policy, previous: TemplateCache | None = None) -> None:
        self.policy = policy
        self._scopes = build_scopes(policy.rate_limits)
        self.templates = TemplateCache(policy.templates, previous, policy.template_details, policy.partials)
        self._plans: dict[tuple[str | None, ...], RoutingPlan] = {}
        self._email_options: dict[tuple[str, str], EmailOptions | None] = {}
        self._categories: dict[str, frozenset[str]] = {}

    def get_rule(self, notification_type: str) -> Rule | None:
        """The rule for a type of notification; None if there is none."""
        return self.policy.rules.get(notification_type)

    def get_email_options(self, rule: Rule, template: str) -> EmailOptions | None:
        """What e-mails of a rule have beside the text of this template; None for nothing."""
        key = rule.email_options, template
        if key not in self._email_options:
            if len(self._email_options) >= MAX_PLANS:
                self._email_options.clear()
            self._email_options[key] = merge_options(self.templates.email_options.get(template), decode_options(rule.email_options))
        return self._email_options[key]

    def get_plan(self, notification: Notification, routed_channels: tuple[ChannelName, ...] = ()) -> RoutingPlan | None:
        """The plan for the type, the channels and the category of a notification; None if no rule has the type or the category.

        `routed_channels`: those on which it has gone out, if it goes on to the next one.
        """
        channels = notification.channels
        key: tuple[str | None, ...] = (notification.type,) if channels is None else (notification.type, *channels)
        if notification.category is not None:
            key = (None, notification.category, *key)
        if routed_channels:
            key = (None, None, *routed_channels, None, *key)
        plan = self._plans.get(key)
        if plan is None and (rule := self.get_rule(notification.type)) and not self.find_category_problem(notification):
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            plan = self._plans[key] = build_plan(notification, rule, self._scopes, routed_channels)
        return plan

    def find_category_problem(self, notification: Notification) -> str:
        """Why the category that a notification names is none; empty if it is one, or if it names none.

        The rules of the project make the categories, beside those that have a meaning of their own.
        """
        category, project = notification.category, find_project(notification.type)
        if category is None or category in ESSENTIAL_CATEGORIES:
            return ""
        if project not in self._categories:
            rules = self.policy.rules.values()
            self._categories[project] = ESSENTIAL_CATEGORIES | {rule.category for rule in rules if find_project(rule.type) == project}
        known = self._categories[project]
        return "" if category in known else describe_unknown_category(category, known)
