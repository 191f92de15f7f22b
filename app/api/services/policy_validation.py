"""The operator's rules as the gateway applies them: it refuses what the router would have to declare dead; pure."""

from agents.router.compiled_policy import CompiledPolicy
from agents.router.gates.recipient import get_explicit_addresses
from agents.router.gates.rule import UNKNOWN_TYPE
from agents.router.routing_plan import select_candidates
from agents.router.templates.cache import UNKNOWN_TEMPLATE, TemplateFailure, render
from app.api.problems import FieldError, build_field_error
from schemas.enums import Channel, Priority
from schemas.notification import Notification
from schemas.policy import Policy, Rule


class PolicyValidator:
    """One policy; one before it hands over its compiled templates."""

    def __init__(self, policy: Policy, previous: "PolicyValidator | None" = None) -> None:
        self._compiled_policy: CompiledPolicy = CompiledPolicy(policy, previous._compiled_policy.templates.compiled if previous else None)
        self._template_names = frozenset(template.name for template in policy.templates)

    def get_priority(self, notification_type: str) -> Priority | None:
        """The priority of the rule for a type."""
        rule = self._compiled_policy.get_rule(notification_type)
        return rule.priority if rule else None

    def find_field_error(self, notification: Notification) -> FieldError | None:
        """What the rules and templates have against a notification, as far as it can be told without the user's profile."""
        rule = self._compiled_policy.get_rule(notification.type)
        if rule is None:
            return build_field_error("$.type", f"there is no rule for the type {notification.type!r}", UNKNOWN_TYPE)
        if notification.template is not None and notification.template not in self._template_names:
            return build_field_error("$.template", f"there is no template {notification.template!r}", UNKNOWN_TEMPLATE)
        return self._find_content_error(notification, rule)

    def _find_content_error(self, notification: Notification, rule: Rule) -> FieldError | None:
        """A template that fails on a channel that will be used: one with an address of its own, or each one there is."""
        candidates = select_candidates(notification, rule)
        failures = {channel: failure for channel in candidates if (failure := self._find_render_failure(notification, rule, channel))}
        for channel, failure in failures.items():
            if len(failures) == len(candidates) or (rule.strategy == "all" and get_explicit_addresses(notification, channel)):
                return _to_field_error(failure)
        return None

    def _find_render_failure(self, notification: Notification, rule: Rule, channel: Channel) -> TemplateFailure | None:
        if channel == "webhook":
            return None
        name = notification.template or rule.template or notification.type
        ready = self._compiled_policy.templates.get(name, channel, notification.locale or "")
        content = ready if isinstance(ready, TemplateFailure) else render(ready, channel, notification.data)
        return content if isinstance(content, TemplateFailure) else None


def _to_field_error(failure: TemplateFailure) -> FieldError:
    path = "$.template" if failure.reason == UNKNOWN_TEMPLATE else f"$.data{_parse_variable_path(failure.error)}"
    return build_field_error(path, failure.error, failure.reason)


def _parse_variable_path(error: str) -> str:
    """The name of a variable that is missing at the top of `data`; Jinja says "'name' is undefined"."""
    before, quote, _ = error.rpartition("' is undefined")
    name = before.rpartition("'")[2]
    return f".{name}" if quote and name.isidentifier() else ""
