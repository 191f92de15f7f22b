"""The gate digest: what is gathered joins one digest, which comes back with all of it and is judged as any notification."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from schemas.events import DecidedEvent
from schemas.policy import DigestPolicy, Policy, Rule, Template, TemplateDetails
from schemas.profile import Profile, QuietHours
from schemas.scheduled import Reschedule, Scheduled
from tests.fakes import FakeRecord
from tests.unit.agents.router.harness import (
    NOW,
    USER_ID,
    USER_PARTITION,
    RouterHarness,
    build_record,
    build_release,
    encode_value,
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


async def test_the_first_opens_a_window_the_rest_join_and_one_message_has_them_in_their_order() -> None:
    harness = build_harness()
    await harness.route(build_alert(3), build_alert(1))
    await harness.route(build_alert(2))
    (digest,) = list_scheduled(harness)
    assert (digest.due_at, digest.resume_gate, digest.resume_count, digest.is_digest) == (NOW + HOUR, "digest", 1, True)
    assert [(event.state, event.reason) for event in harness.decided_events if event.id != digest.id] == 3 * [("merged", "digest")]
    assert {event.duplicate_of for event in harness.decided_events if event.state == "merged"} == {digest.id}
    held = get_event(harness, digest.id)
    assert (held.state, held.expires_at, harness.deliveries) == ("held", NOW + HOUR + DAY, [])
    await release(harness)
    assert read_texts(harness) == [("3 alerts", [1, 2, 3])]
    (delivery,) = harness.deliveries
    assert (delivery.notification_id, delivery.expires_at) == (digest.id, NOW + HOUR + DAY)
    routed = get_event(harness, digest.id)
    assert (routed.state, routed.resume_count) == ("routed", 1)
    ids = [make_notification_id(number) for number in (1, 2, 3)]
    assert harness.get_entry("digest").inputs == {"count": 3, "cause": "window", "events": ids}
    assert harness.digests.rows[USER_PARTITION] == {}
    assert harness.routed_batches[-1].digests == {"window": 1}


async def test_what_comes_after_a_digest_is_decided_opens_another_one() -> None:
    harness = build_harness()
    await harness.route(build_alert(1))
    await release(harness)
    await harness.route(build_alert(2))
    await release(harness)
    assert read_texts(harness) == [("1 alerts", [1]), ("1 alerts", [2])]


async def test_two_copies_of_a_release_are_one_message() -> None:
    harness = build_harness()
    await harness.route(build_alert(1))
    await release(harness)
    await release(harness)
    harness.idempotency.rows[USER_PARTITION] = {
        key: row for key, row in harness.idempotency.rows[USER_PARTITION].items() if not key.endswith(b"\0" + b"1")
    }
    await release(harness)  # the row that proves it is lost, and the claim says the same
    assert len(harness.deliveries) == 1


@pytest.mark.parametrize(
    ("fields", "is_together"),
    [
        ({}, True),
        ({"digest": "a"}, False),
        ({"locale": "de"}, False),
        ({"to": {"email": "other@example.org"}}, False),
        ({"category": "marketing"}, False),
        ({"template": "other"}, False),
        ({"channels": ["email"]}, False),
        ({"mandatory": True}, False),
    ],
)
async def test_only_what_goes_the_same_way_is_gathered_together(fields: dict[str, Any], is_together: bool) -> None:
    harness = build_harness()
    await harness.route(build_alert(1), build_alert(2, **fields))
    assert len(list_scheduled(harness)) == (1 if is_together else 2)


async def test_an_expression_tells_digests_apart_and_a_fault_is_in_the_log() -> None:
    harness = build_harness(key="data.team")
    teams = [{"team": "a"}, {"team": "b"}, {"team": "a"}, {"team": 7}]
    await harness.route(*[build_alert(number, data={"n": number, **data}) for number, data in enumerate(teams)])
    assert [msgspec.json.decode(one.payload).get("digest") for one in list_scheduled(harness)] == ["a", "b", None]
    assert harness.get_entry("digest", 2).inputs["key"] == "b"
    assert get_event(harness, make_notification_id(3)).decision_log[-1].inputs["key_fault"] == "it gives INT, not text"


async def test_a_full_digest_is_sent_at_once_and_the_next_one_opens_another() -> None:
    harness = build_harness(max_count=2)
    await harness.route(*map(build_alert, (1, 2, 3)))
    first, second = list_scheduled(harness)
    assert [(move.id, move.due_at) for move in list_moves(harness)] == [(first.id, NOW)]
    await release(harness, 0)
    await release(harness, 1)
    assert [numbers for _, numbers in read_texts(harness)] == [[1, 2], [3]]
    assert [batch.digests for batch in harness.routed_batches] == [{}, {"count": 1}, {"window": 1}]
    assert second.due_at == NOW + HOUR


async def test_a_digest_whose_data_is_large_is_sent_at_once() -> None:
    harness = build_harness()
    await harness.route(*[build_alert(number, data={"n": number, "x": 17_000 * "x"}) for number in (1, 2)])
    first, _ = list_scheduled(harness)
    assert [(move.id, move.due_at) for move in list_moves(harness)] == [(first.id, NOW)]


async def test_a_digest_is_sent_before_something_in_it_expires() -> None:
    harness = build_harness()
    await harness.route(build_alert(1))
    await harness.route(build_alert(2, expires_at=NOW + 600), build_alert(3, expires_at=NOW + 900))
    (digest,) = list_scheduled(harness)
    assert [(move.id, move.due_at) for move in list_moves(harness)] == [(digest.id, NOW + 540)]
    assert get_event(harness, make_notification_id(2)).decision_log[-1].inputs["sent_at"] == NOW + 540


@pytest.mark.parametrize(("alert", "fields"), [({"expires_at": NOW + 600}, {}), ({}, {"expires_after": 600})])
async def test_the_first_one_can_expire_before_the_window_ends(alert: dict[str, Any], fields: dict[str, Any]) -> None:
    harness = build_harness(fields=fields)
    await harness.route(build_alert(1, **alert))
    assert [one.due_at for one in list_scheduled(harness)] == [NOW + 540]


async def test_what_has_expired_is_left_out_and_named() -> None:
    harness = build_harness()
    await harness.route(build_alert(1, expires_at=NOW + 600), build_alert(2))
    harness.now = NOW + 700
    await release(harness)
    assert read_texts(harness) == [("1 alerts", [2])]
    assert harness.get_entry("digest").inputs["expired"] == [make_notification_id(1)]


async def test_a_digest_of_which_all_has_expired_is_rejected() -> None:
    harness = build_harness()
    await harness.route(build_alert(1, expires_at=NOW + 600))
    harness.now = NOW + 700
    await release(harness)
    assert harness.last_state == ("rejected", "expired")
    assert harness.digests.rows[USER_PARTITION] == {}


async def test_while_quiet_hours_hold_a_digest_its_window_is_open() -> None:
    harness = build_harness("marketing")
    quiet = QuietHours("09:00", "12:00")  # NOW is 08:53 UTC
    harness.profiles.profiles[USER_ID] = replace(harness.profiles.profiles[USER_ID], quiet_hours=quiet)
    await harness.route(build_alert(1))
    await release(harness)
    assert harness.last_state == ("held", "quiet_hours")
    held = list_scheduled(harness)[-1]
    assert (held.resume_gate, held.resume_count, held.is_digest) == ("quiet_hours", 2, True)
    await harness.route(build_alert(2))
    assert len(list_scheduled(harness)) == 2
    await release(harness)
    assert read_texts(harness) == [("2 alerts", [1, 2])]


async def test_a_digest_that_was_cancelled_closes_its_window() -> None:
    harness = build_harness()
    await harness.route(build_alert(1))
    record = next(record for record in harness.committer.records if record.topic == "scheduled.medium")
    scheduled = msgspec.json.decode(record.value or b"", type=Scheduled)
    cancelled = record._replace(value=msgspec.json.encode(replace(scheduled, is_cancelled=True)))
    await harness.route(build_release(cancelled))
    assert harness.last_state == ("rejected", "cancelled")
    assert harness.get_entry("digest").inputs["events"] == [make_notification_id(1)]
    await harness.route(build_alert(2))
    await release(harness)
    assert read_texts(harness) == [("1 alerts", [2])]


async def test_what_does_not_fit_the_template_is_a_dead_letter_and_not_in_the_digest() -> None:
    harness = build_harness()
    await harness.route(build_alert(1), build_alert(2, data={"n": "two"}))
    assert harness.last_state == ("dead", "invalid_variables")
    await release(harness)
    assert read_texts(harness) == [("1 alerts", [1])]


async def test_the_dead_letter_of_a_digest_has_all_that_is_in_it() -> None:
    harness = build_harness()
    await harness.route(build_alert(1), build_alert(2))
    harness.policies.policy = replace(harness.policies.get_current(), rules={})
    await release(harness)
    assert harness.last_state == ("dead", "unknown_type")
    (dead,) = harness.get_records("notifications.dlq")
    assert msgspec.json.decode(dead.value or b"")["data"] == {"n": 1, "digest": {"count": 2, "events": [{"n": 1}, {"n": 2}]}}
    assert harness.digests.rows[USER_PARTITION] == {}


async def test_a_digest_that_no_table_knows_is_a_dead_letter() -> None:
    harness = build_harness()
    await harness.route(build_alert(1))
    harness.digests.rows.clear()
    await release(harness)
    assert harness.last_state == ("dead", "digest_lost")


async def test_a_digest_has_a_template_of_its_own_and_a_condition_of_its_rule() -> None:
    harness = build_harness(template="other", fields={"condition": "data.n > 0"})
    await harness.route(build_alert(0), build_alert(1), build_alert(2))
    await release(harness)
    assert [msgspec.to_builtins(delivery.content)["text"] for delivery in harness.deliveries] == ["1 of 2"]


@pytest.mark.parametrize(
    ("digests", "by_default", "reason"),
    [({"": "off"}, True, "off"), ({"": "daily", "transactional": "off"}, True, "off"), ({}, False, "not_chosen")],
)
async def test_what_is_sent_alone_is_a_digest_of_one(digests: dict[str, str], by_default: bool, reason: str) -> None:
    harness = build_harness(by_default=by_default)
    harness.profiles.profiles[USER_ID] = replace(harness.profiles.profiles[USER_ID], digests=digests)
    await harness.route(build_alert(1))
    assert (read_texts(harness), harness.get_entry("digest").reason) == ([("1 alerts", [1])], reason)


@pytest.mark.parametrize(
    ("choice", "zone", "ends_at"),
    [
        ("hourly", "", "2025-10-09T09:00:00Z"),
        ("daily", "Europe/Vienna", "2025-10-10T06:00:00Z"),
        ("weekly", "Asia/Kolkata", "2025-10-13T02:30:00Z"),
        ("", "America/New_York", "2025-10-09T12:00:00Z"),
    ],
)
async def test_the_user_chooses_when_and_the_rule_says_it_else(choice: str, zone: str, ends_at: str) -> None:
    harness = build_harness(window=0, cron="0 8 * * *", by_default=not choice)
    profile = Profile(USER_ID, True, {"email": ["ada@example.org"]}, time_zone=zone, digests={"transactional": choice})
    harness.profiles.profiles[USER_ID] = profile
    await harness.route(build_alert(1))
    (digest,) = list_scheduled(harness)
    assert digest.due_at == datetime.fromisoformat(ends_at).timestamp()


async def test_a_digest_goes_out_on_the_next_channel_with_all_that_is_in_it() -> None:
    harness = build_harness(fields={"channels": ("email", "webhook"), "strategy": "escalate", "escalate_after": 60, "mandatory": True})
    to = {"email": "ada@example.org", "webhook": "https://example.org/hook"}
    await harness.route(build_alert(1, to=to), build_alert(2, to=to))
    await release(harness)
    await harness.route(build_alert(3, to=to))  # opens another one
    await release(harness, -2)
    first, second = harness.deliveries
    assert (first.channel, second.channel) == ("email", "webhook")
    assert msgspec.to_builtins(second.content)["data"]["digest"] == {"count": 2, "events": [{"n": 1}, {"n": 2}]}
    await release(harness)
    await release(harness)
    assert [msgspec.to_builtins(delivery.content)["data"]["digest"]["count"] for delivery in harness.deliveries[3:]] == [1]
    assert harness.digests.rows[USER_PARTITION] == {}


async def test_the_field_of_a_notification_whose_rule_gathers_nothing_is_ignored() -> None:
    harness = RouterHarness()
    await harness.route({"user_id": USER_ID, "type": "order.shipped", "data": {"order": 1, "name": "Ada"}, "digest": "x"})
    assert (harness.last_state, harness.get_entry("digest").reason) == (("routed", ""), "field_ignored")


async def test_a_digest_may_begin_with_a_notification_that_was_held_for_a_month() -> None:
    harness = build_harness(window=30 * DAY)
    await harness.route(build_record(encode_value(build_alert(1, send_at=NOW + 30 * DAY))))
    await release(harness)
    await release(harness)
    assert (harness.last_state, harness.now) == (("routed", ""), NOW + 60 * DAY)
