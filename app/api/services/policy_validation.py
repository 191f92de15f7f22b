"""Validation against rules and templates: rejects what the router would make a dead letter; pure."""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from agents.router.compiled_policy import CompiledPolicy
from agents.router.digests import build_digest_data
from agents.router.gates.recipient import get_explicit_addresses, is_address
from agents.router.gates.rule import UNKNOWN_CATEGORY, UNKNOWN_TYPE
from agents.router.routing_plan import select_candidates
from agents.router.templates.cache import UNKNOWN_TEMPLATE, TemplateFailure
from agents.router.templates.channel_content import INVALID_VARIABLES, build_content, select_template
from agents.router.templates.message_extras import SAMPLE_EXTRAS
from app.api.problems import FieldError, build_field_error
from schemas.channels import ChannelName
from schemas.enums import Priority
from schemas.notification import Notification
from schemas.policy import Policy, Rule

_VARIABLE = re.compile(r"'([^\W\d]\w*(?:\.[^\W\d]\w*)*)' is (?:undefined|null)").search


class PolicyValidator:
    """Validates notifications against one policy; reuses the compiled templates of the `previous` validator."""

    def __init__(self, policy: Policy, previous: "PolicyValidator | None" = None) -> None:
        self.compiled_policy: CompiledPolicy = CompiledPolicy(policy, previous.compiled_policy.templates if previous else None)
        self._template_names = frozenset(template.name for template in policy.templates)

    def get_priority(self, notification_type: str) -> Priority | None:
        """The priority of the rule for a type; None if there is no rule."""
        rule = self.compiled_policy.get_rule(notification_type)
        return rule.priority if rule else None

    def find_field_error(self, notification: Notification) -> FieldError | None:
        """The field error by rules and templates, as far as it is certain without the user's profile; None if there is none."""
        rule = self.compiled_policy.get_rule(notification.type)
        if rule is None:
            return build_field_error(
                "$.type", f"there is no rule for the type {notification.type!r}: add one with `herold policy apply`", UNKNOWN_TYPE
            )
        if problem := self.compiled_policy.find_category_problem(notification):
            return build_field_error("$.category", problem, UNKNOWN_CATEGORY)
        if notification.template is not None and notification.template not in self._template_names:
            return build_field_error(
                "$.template", f"there is no template {notification.template!r}: add one with `herold policy apply`", UNKNOWN_TEMPLATE
            )
        names = [select_template(notification, rule)]
        if rule.digest is not None:  # alone it is a digest of one, and in a digest it is rendered by the digest's template
            notification = replace(notification, data=build_digest_data(notification.data, [notification.data]))
            names.append(rule.digest.template or names[0])
        for name in dict.fromkeys(names):
            violation = self.compiled_policy.templates.find_violation(name, notification.data)
            if violation is not None:
                return build_field_error(violation.path, violation.problem, INVALID_VARIABLES)
        return self._find_content_error(notification, rule)

    def _find_content_error(self, notification: Notification, rule: Rule) -> FieldError | None:
        """The error of a content that cannot be sent on a channel in use: one with an explicit address, or all candidate channels."""
        candidates = select_candidates(notification, rule)
        failures = {channel: failure for channel in candidates if (failure := self._find_failure(notification, rule, channel))}
        for channel, failure in failures.items():
            if len(failures) == len(candidates) or (rule.strategy != "first" and get_explicit_addresses(notification, channel)):
                return _to_field_error(failure)
        return None

    def _find_failure(self, notification: Notification, rule: Rule, channel: ChannelName) -> TemplateFailure | None:
        """Why there is no content in any locale that the user may have; a profile may have another address, with a higher limit."""
        templates = self.compiled_policy.templates
        name, _ = templates.choose_variant(select_template(notification, rule), notification.user_id)
        addresses, first_failure = get_explicit_addresses(notification, channel), None
        for locale in self._iterate_locales(notification, name, channel):
            content = build_content(templates, name, channel, locale, notification, addresses, extras=SAMPLE_EXTRAS)
            if not isinstance(content, TemplateFailure):
                return None
            first_failure = first_failure or content
        return first_failure

    def _iterate_locales(self, notification: Notification, name: str, channel: ChannelName) -> Iterator[str]:
        """The notification's locale; without one the profile has it, and each of the template's is possible."""
        yield notification.locale or ""
        if not (notification.locale or is_address(notification.user_id)):
            yield from self.compiled_policy.templates.get_locales(name, channel)


def _to_field_error(failure: TemplateFailure) -> FieldError:
    path = "$.template" if failure.reason == UNKNOWN_TEMPLATE else f"$.data{_parse_variable_path(failure.error)}"
    return build_field_error(path, failure.error, failure.reason)


def _parse_variable_path(error: str) -> str:
    """The path below `data` of a missing variable, `.name`; the texts are "'name' is undefined" and "'order.name' is null"."""
    match = _VARIABLE(error)
    return f".{match[1]}" if match else ""
