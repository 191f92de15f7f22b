"""Notifications of the sample to guests: users without a profile, whose addresses are in the notification."""

from typing import Any

from dev.sample import catalog
from dev.sample.draft import Draft, build_http_draft, build_kafka_draft
from dev.sample.expected_result import compute_delivery_statuses
from schemas.enums import Priority
from tables.postgres.seed import load_seed_policy, load_seed_profiles

POLICY, PROFILES = load_seed_policy(), load_seed_profiles()
PRIORITIES: dict[str, Priority] = {rule.type: rule.priority or "medium" for rule in POLICY.rules.values()}


def list_reachable_users() -> list[str]:
    """The stored users who get e-mails or push messages of any category at any time."""
    available = {user: profile for user, profile in PROFILES.items() if not profile.suppressions and not profile.quiet_hours}
    wanting = {user: profile for user, profile in available.items() if "out" not in profile.choices.values()}
    return sorted(user for user, profile in wanting.items() if {"email", "push"} & set(profile.addresses))


def expect_routed(notification: dict[str, Any]) -> list[str]:
    """Compute the expected result of a valid notification."""
    return ["routed", *compute_delivery_statuses(notification, POLICY, PROFILES)]


def build_guest_notification(number: int, type_: str, **fields: Any) -> dict[str, Any]:
    """Build a notification to a user without a profile: it contains the addresses."""
    locale = catalog.LOCALES[number % len(catalog.LOCALES)]
    notification = {
        "user_id": f"guest-{{run}}-{number}",
        "type": type_,
        "data": catalog.build_template_data(type_, number),
        "to": _build_addresses(number, type_),
        **fields,
    }
    return {**notification, "locale": locale} if locale else notification


def build_guest_draft(by_http: bool, notification: dict[str, Any], expected: list[str], after: Draft | None = None, **fields: Any) -> Draft:
    """Build a draft over HTTP or Kafka, with the priority of the rule; `fields` are those of SampleLine."""
    if by_http:
        return build_http_draft(notification, expected, after=after, **fields)
    return build_kafka_draft(PRIORITIES[notification["type"]], expected, notification=notification, after=after, **fields)


def _build_addresses(number: int, type_: str) -> dict[str, Any]:
    addresses: dict[str, Any] = {
        "email": f"guest{number}@example.org",
        "sms": f"+1202555{100 + number % 100:04d}",
        "push": [f"push-guest-{number}-{device}" for device in range(1 + (number % 10 == 0))],
        "webhook": f"{{simulators}}/hooks/partner/{number % 7}",
    }
    return {channel: addresses[channel] for channel in POLICY.rules[type_].channels}
