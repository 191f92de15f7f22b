"""What the rule and the user say of digests: what is gathered together, by which template, when, and what is not."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from schemas.profile import Profile
from tests.unit.agents.router.digest_harness import DAY, build_alert, build_harness, get_event, list_scheduled, read_texts, release
from tests.unit.agents.router.harness import (
    NOW,
    USER_ID,
    USER_PARTITION,
    RouterHarness,
    build_record,
    encode_value,
    make_notification_id,
)


@pytest.mark.parametrize(
    ("fields", "is_together"),
    [
        ({}, True),
        ({"digest": "a"}, False),
        ({"locale": "de"}, False),
        ({"to": {"email": "other@example.org"}}, False),
        ({"category": "security"}, False),
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
