"""The policy in the form that the router uses: plans by type and channels, windows by channel, compiled templates."""

from agents.router.routing_plan import RoutingPlan, build_plan
from agents.router.templates.cache import TemplateCache
from schemas.notification import Notification
from schemas.policy import Policy, Rule
from tables.rate_windows import build_channel_windows

MAX_PLANS = 4096  # a producer may name the same channels in any order, and several times


class CompiledPolicy:
    """One compiled policy; `previous` are the templates of an older policy, of which the unchanged ones are kept as they are compiled."""

    def __init__(self, policy: Policy, previous: TemplateCache | None = None) -> None:
        self.policy = policy
        self.windows = build_channel_windows(policy.rate_limits)
        self.limit_texts = {
            channel: ", ".join(
                f"{limit.max_count} in {limit.window_seconds} s" for limit in (*windows.exact_limits, *windows.sliced_limits)
            )
            for channel, windows in self.windows.items()
        }
        self.templates = TemplateCache(policy.templates, previous, policy.template_details, policy.partials)
        self._plans: dict[tuple[str, ...], RoutingPlan] = {}

    def get_rule(self, notification_type: str) -> Rule | None:
        """The rule for a type of notification; None if there is none."""
        return self.policy.rules.get(notification_type)

    def get_plan(self, notification: Notification) -> RoutingPlan | None:
        """The plan for the type and the channels of a notification; None if there is no rule for the type."""
        channels = notification.channels
        key = (notification.type,) if channels is None else (notification.type, *channels)
        plan = self._plans.get(key)
        if plan is None and (rule := self.get_rule(notification.type)):
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            plan = self._plans[key] = build_plan(notification, rule, self.limit_texts)
        return plan
