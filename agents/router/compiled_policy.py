"""The policy in the form that the router uses: plans by type, channels and category, and compiled templates."""

from collections.abc import Mapping

from agents.router.routing_plan import RoutingPlan, build_plan
from agents.router.templates.cache import TemplateCache
from schemas.categories import ESSENTIAL_CATEGORIES, describe_unknown_category
from schemas.channels import ChannelName
from schemas.email_options import EmailOptions, decode_options, merge_options
from schemas.notification import Notification
from schemas.policy import Policy, Rule
from schemas.projects import DEFAULT_PROJECT
from tables.rate_limit_scopes import LimitScope, ScopeKey, build_scopes

MAX_PLANS = 4096  # a producer may name the same channels in any order, and several times


class CompiledPolicy:
    """One compiled policy; `previous` are the templates of an older policy, of which the unchanged ones are kept as they are compiled."""

    def __init__(self, policy: Policy, previous: TemplateCache | None = None) -> None:
        self.policy = policy
        self._scopes: dict[str, Mapping[ScopeKey, LimitScope]] = {}
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

    def get_plan(
        self,
        notification: Notification,
        routed_channels: tuple[ChannelName, ...] = (),
        resume_count: int = 0,
        project: str = DEFAULT_PROJECT,
    ) -> RoutingPlan | None:
        """The plan for the type, the channels and the category of a notification; None if its project has no such rule.

        `routed_channels`: those on which it has gone out, if it goes on to the next one. `project` is that of its user.
        `resume_count`: how often it was held. What was held had a category that a rule had then, and keeps it.
        """
        channels = notification.channels
        key: tuple[str | None, ...] = (notification.type,) if channels is None else (notification.type, *channels)
        if notification.category is not None:
            key = ("" if resume_count else None, notification.category, *key)  # what comes now needs a rule with the category
        if routed_channels:
            key = (None, None, *routed_channels, None, *key)
        if project:
            key = (project, None, *key)  # a user of another project, who names the same type, does not get this plan
        plan = self._plans.get(key)
        if plan is None and (rule := self._find_rule(notification, resume_count, project)):
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            plan = self._plans[key] = build_plan(notification, rule, self._get_scopes(project), routed_channels)
        return plan

    def find_category_problem(self, notification: Notification) -> str:
        """Why the category that a notification names is none; empty if it is one, or if it names none.

        The rules of the user's project make the categories, beside those that have a meaning of their own.
        """
        category = notification.category
        if category is None or category in ESSENTIAL_CATEGORIES:
            return ""
        project = self.policy.find_project(notification.user_id)
        if project not in self._categories:
            rules = self.policy.rules.values()
            names = {rule.category for rule in rules if self.policy.find_project(rule.type) == project}
            self._categories[project] = ESSENTIAL_CATEGORIES | names
        known = self._categories[project]
        return "" if category in known else describe_unknown_category(category, known)

    def _find_rule(self, notification: Notification, resume_count: int, project: str) -> Rule | None:
        """The rule of the project for a notification whose category is one, or was one before it was held."""
        rule = self.get_rule(notification.type)
        is_usable = rule is not None and self.policy.find_project(rule.type) == project
        return rule if is_usable and (resume_count or not self.find_category_problem(notification)) else None

    def _get_scopes(self, project: str) -> Mapping[ScopeKey, LimitScope]:
        """The scopes of the rate limits of a project."""
        if project not in self._scopes:
            self._scopes[project] = build_scopes(limit for limit in self.policy.rate_limits if limit.project == project)
        return self._scopes[project]
