"""The operator's rules as the gateway applies them: it refuses what the router would have to declare dead; pure."""

from agents.router.book import Book
from agents.router.plan import candidates_of
from agents.router.templates import Failure, rendered
from agents.router.user import explicit
from app.api.problems import Flaw, flaw_at
from schemas.notification import Notification
from schemas.rules import Policy, Rule
from schemas.words import Channel, Lane, Reason


class Rulebook:
    """One policy; one before it hands over its compiled templates."""

    def __init__(self, policy: Policy, known: "Rulebook | None" = None) -> None:
        self._book: Book = Book(policy, known._book.templates.compiled if known else None)
        self._names = frozenset(template.name for template in policy.templates)

    def lane_of(self, notification_type: str) -> Lane | None:
        """The lane of the rule for a type."""
        rule = self._book.rule_of(notification_type)
        return rule.lane if rule else None

    def flaw_in(self, notification: Notification) -> Flaw | None:
        """What the rules and templates have against a notification, as far as it can be told without the user's profile."""
        rule = self._book.rule_of(notification.type)
        if rule is None:
            return flaw_at("$.type", f"there is no rule for the type {notification.type!r}", Reason.UNKNOWN_TYPE)
        if notification.template is not None and notification.template not in self._names:
            return flaw_at("$.template", f"there is no template {notification.template!r}", Reason.UNKNOWN_TEMPLATE)
        return self._flaw_in_content(notification, rule)

    def _flaw_in_content(self, notification: Notification, rule: Rule) -> Flaw | None:
        """A template that fails on a channel that will be used: one with an address of its own, or each one there is."""
        candidates = candidates_of(notification, rule)
        failures = {channel: failure for channel in candidates if (failure := self._failure(notification, rule, channel))}
        for channel, failure in failures.items():
            if len(failures) == len(candidates) or (rule.strategy == "all" and explicit(notification, channel)):
                return _flaw_of(failure)
        return None

    def _failure(self, notification: Notification, rule: Rule, channel: Channel) -> Failure | None:
        if channel == "webhook":
            return None
        name = notification.template or rule.template or notification.type
        ready = self._book.templates.of(name, channel, notification.locale or "")
        content = ready if isinstance(ready, Failure) else rendered(ready, channel, notification.data)
        return content if isinstance(content, Failure) else None


def _flaw_of(failure: Failure) -> Flaw:
    path = "$.template" if failure.reason == Reason.UNKNOWN_TEMPLATE else f"$.data{_variable(failure.error)}"
    return flaw_at(path, failure.error, failure.reason)


def _variable(error: str) -> str:
    """The name of a variable that is missing at the top of `data`; Jinja says "'name' is undefined"."""
    before, quote, _ = error.rpartition("' is undefined")
    name = before.rpartition("'")[2]
    return f".{name}" if quote and name.isidentifier() else ""
