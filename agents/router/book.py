"""The operator's policy as the router reads it: plans by type and channels, windows by channel, templates that are compiled once."""

from agents.router.plan import Plan, planned
from agents.router.templates import Compiled, Templates
from schemas.notification import Notification
from schemas.rules import Policy, Rule
from tables.rate_windows import windows_of

MAX_PLANS = 4096  # a producer may name the same channels in any order, and several times


class Book:
    """One policy, made ready; one before it may hand over its compiled templates."""

    def __init__(self, policy: Policy, known: Compiled | None = None) -> None:
        self.policy = policy
        self.rules = policy.rules
        self.windows = windows_of(policy.limits)
        self.limits = {
            channel: ", ".join(f"{limit.most} in {limit.seconds} s" for limit in (*windows.exact, *windows.counted))
            for channel, windows in self.windows.items()
        }
        self.templates = Templates(policy.templates, known)
        self._plans: dict[tuple[str, ...], Plan] = {}

    def rule_of(self, notification_type: str) -> Rule | None:
        """The rule for a type of notification."""
        return self.rules.get(notification_type)

    def plan_of(self, notification: Notification) -> Plan | None:
        """The plan for the type and the channels of a notification; none if there is no rule for the type."""
        channels = notification.channels
        key = (notification.type,) if channels is None else (notification.type, *channels)
        plan = self._plans.get(key)
        if plan is None and (rule := self.rule_of(notification.type)):
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            plan = self._plans[key] = planned(notification, rule, self.limits)
        return plan
