"""A router with a rule that gathers notifications, and what the tests of digests read of its outputs."""

from typing import Any

import msgspec

from schemas.events import DecidedEvent
from schemas.policy import DigestPolicy, Policy, Rule, Template, TemplateDetails
from schemas.scheduled import Reschedule, Scheduled
from tests.fakes import FakeRecord
from tests.unit.agents.router.harness import (
    NOW,
    USER_ID,
    RouterHarness,
    build_release,
    make_notification_id,
)

HOUR, DAY = 3600, 86_400
TEMPLATES = (
    Template("alert", 1, "email", "default", "{{ digest.count }} alerts", "{% for one in digest.events %}{{ one.n }} {% endfor %}"),
    Template("other", 1, "email", "default", "Other", "{{ n }} of {{ digest.count }}"),
)


def build_harness(category: str = "transactional", fields: dict[str, Any] | None = None, **digest: Any) -> RouterHarness:
    """A router with a rule that gathers notifications for an hour, unless `digest` says otherwise."""
    policy = DigestPolicy(**{"window": HOUR, **digest})
    rule = Rule(**{"type": "alert", "category": category, "priority": None, "channels": ("email",), "digest": policy, **(fields or {})})
    details = TemplateDetails("alert", 1, '{"type": "object", "properties": {"n": {"type": "integer"}}}')
    return RouterHarness(Policy({"alert": rule}, TEMPLATES, (), 1, (details,)))


def build_alert(number: int, **fields: Any) -> dict[str, Any]:
    """The notification with this number, created so many seconds after the first."""
    base = {"id": make_notification_id(number), "user_id": USER_ID, "type": "alert", "data": {"n": number}, "created_at": NOW + number}
    return base | fields


def list_scheduled(harness: RouterHarness) -> list[Scheduled]:
    return [
        msgspec.json.decode(record.value or b"", type=Scheduled)
        for record in harness.committer.records
        if record.topic.startswith("scheduled.") and b'"kind":"scheduled"' in (record.value or b"")
    ]


def list_moves(harness: RouterHarness) -> list[Reschedule]:
    return [
        msgspec.json.decode(record.value or b"", type=Reschedule)
        for record in harness.committer.records
        if record.topic.startswith("scheduled.") and b'"kind":"reschedule"' in (record.value or b"")
    ]


def get_release(harness: RouterHarness, number: int = -1) -> FakeRecord:
    """The record with which the scheduler gives a digest back, by default that which was held last."""
    records = [
        record for record in harness.committer.records if record.topic.startswith("scheduled.") and b"payload" in (record.value or b"")
    ]
    return build_release(records[number])


async def release(harness: RouterHarness, number: int = -1) -> None:
    record = get_release(harness, number)
    harness.now = max(harness.now, record.timestamp / 1000)
    await harness.route(record)


def read_texts(harness: RouterHarness) -> list[tuple[str, list[int]]]:
    """The subject and the numbers in the text of each delivery."""
    contents = [msgspec.to_builtins(delivery.content) for delivery in harness.deliveries]
    return [(content["subject"], [int(number) for number in content["text"].split()]) for content in contents]


def get_event(harness: RouterHarness, notification_id: str) -> DecidedEvent:
    return [event for event in harness.decided_events if event.id == notification_id][-1]
