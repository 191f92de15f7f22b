"""The gate digest: what is gathered joins one digest, which comes back with all of it and is judged as any notification."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from schemas.profile import QuietHours
from schemas.scheduled import Scheduled
from tests.unit.agents.router.digest_harness import (
    DAY,
    HOUR,
    build_alert,
    build_harness,
    get_event,
    list_moves,
    list_scheduled,
    read_texts,
    release,
)
from tests.unit.agents.router.harness import (
    NOW,
    USER_ID,
    USER_PARTITION,
    build_release,
    make_notification_id,
)


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
