"""The operator's policy as the router reads it: rules by type, windows by channel, templates that are compiled once."""

from agents.router.templates import Compiled, Templates
from schemas.rules import Policy, Rule
from tables.rate_windows import windows_of


class Book:
    """One policy, made ready; one before it may hand over its compiled templates."""

    def __init__(self, policy: Policy, known: Compiled | None = None) -> None:
        self.policy = policy
        self.rules = policy.rules
        self.windows = windows_of(policy.limits)
        self.limits = tuple(
            (channel, ", ".join(f"{limit.most} in {limit.seconds} s" for limit in (*windows.exact, *windows.counted)))
            for channel, windows in self.windows.items()
        )
        self.templates = Templates(policy.templates, known)

    def rule_of(self, notification_type: str) -> Rule | None:
        """The rule for a type of notification."""
        return self.rules.get(notification_type)
