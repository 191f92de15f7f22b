"""The gate idempotency: replays produce nothing, duplicates are explained."""

import itertools

import pytest

from schemas.ids import compute_partition, to_uuid_hex
from tables.idempotency import decode_row, encode_claim_key_suffix, encode_key
from tests.unit.agents.router.harness import (
    NOW,
    PARTITIONS,
    USER_ID,
    USER_PARTITION,
    RouterHarness,
    build_notification,
    build_record,
    encode_value,
    make_notification_id,
)

DAY = 86_400


async def test_a_replay_produces_and_writes_nothing() -> None:
    harness = RouterHarness()
    await harness.route(build_notification())
    sent, rows = list(harness.committer.records), dict(harness.idempotency.rows[USER_PARTITION])
    await harness.route(build_notification())
    assert (harness.committer.records, harness.idempotency.rows[USER_PARTITION]) == (sent, rows)
    assert len(harness.committer.commits) == 1
    assert harness.routed_batches[-1].replays == 1


async def test_the_same_notification_at_another_place_is_the_same() -> None:
    harness = RouterHarness()
    await harness.route(build_record(encode_value(build_notification()), 5), build_record(encode_value(build_notification()), 6))
    await harness.route(build_record(encode_value(build_notification()), 99), topic="notifications.low")
    assert [event.state for event in harness.decided_events] == ["routed"]
    assert [batch.replays for batch in harness.routed_batches] == [1, 1]


async def test_another_notification_with_the_key_is_rejected_and_names_the_first() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(idempotency_key="k"), build_notification(id=make_notification_id(2), idempotency_key="k"))
    rejected = harness.decided_events[1]
    assert (rejected.id, rejected.state, rejected.reason, rejected.duplicate_of) == (
        make_notification_id(2),
        "rejected",
        "duplicate",
        make_notification_id(1),
    )
    assert rejected.decision_log[-1].inputs["duplicate_of"] == make_notification_id(1)
    assert len({delivery.notification_id for delivery in harness.deliveries}) == 1


SAME_CONTENT = (
    {"data": {"name": "Ada", "order": 17.0}},
    {"created_at": NOW - 60},
    {"send_at": "2025-10-09T08:53:20Z"},
    {"schema_version": 2},
)
OTHER_CONTENT = (
    {"data": {"order": 18, "name": "Ada"}},
    {"data": {"order": "17", "name": "Ada"}},
    {"type": "payment.failed"},
    {"to": {"email": "b@example.org"}},
    {"channels": ["email"]},
    {"locale": "en-GB"},
    {"send_at": NOW - 1},
    {"expires_at": NOW + 60},
    {"mandatory": True},
    {"category": "security"},
    {"template": "order-late"},
)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [*((fields, "duplicate") for fields in SAME_CONTENT), *((fields, "duplicate_with_other_content") for fields in OTHER_CONTENT)],
)
@pytest.mark.parametrize("lost_row", [False, True])
async def test_a_duplicate_says_whether_its_content_is_the_same(fields: dict[str, object], reason: str, lost_row: bool) -> None:
    harness = RouterHarness()
    await harness.route(build_notification(idempotency_key="k", send_at=NOW))
    if lost_row:  # the claim is left
        del harness.idempotency.rows[USER_PARTITION][encode_key(USER_ID, "k")]
    second = {"id": make_notification_id(2), "idempotency_key": "k", "send_at": NOW, **fields}
    await harness.route(build_notification(**second))
    event = harness.decided_events[-1]
    assert (event.reason, event.duplicate_of) == (reason, make_notification_id(1))
    assert (event.decision_log[-1].gate, event.decision_log[-1].reason) == ("idempotency", reason)


async def test_a_row_of_an_older_release_makes_a_plain_duplicate() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(idempotency_key="k"))
    rows = harness.idempotency.rows[USER_PARTITION]
    rows.update({key: row[:35] for key, row in rows.items()})
    await harness.route(build_notification(id=make_notification_id(2), idempotency_key="k", data={"order": 1}))
    assert harness.last_state == ("rejected", "duplicate")


async def test_a_rejected_duplicate_does_not_become_the_first() -> None:
    harness = RouterHarness()
    await harness.route(*(build_notification(id=make_notification_id(number), idempotency_key="k") for number in (1, 2, 3)))
    assert [event.duplicate_of for event in harness.decided_events] == ["", make_notification_id(1), make_notification_id(1)]


async def test_a_key_is_free_again_after_a_day_of_broker_time() -> None:
    harness = RouterHarness()
    later = build_record(
        encode_value(build_notification(id=make_notification_id(2, NOW + DAY), idempotency_key="k")), timestamp=int((NOW + DAY + 1) * 1000)
    )
    await harness.route(build_notification(idempotency_key="k"))
    harness.now += DAY + 1
    await harness.route(later)
    assert [event.state for event in harness.decided_events] == ["routed", "routed"]


async def test_a_replay_days_later_is_still_one() -> None:
    harness = RouterHarness()
    await harness.route(build_notification())
    harness.now += 3 * DAY
    await harness.route(build_notification())
    assert len(harness.decided_events) == 1


async def test_users_do_not_share_keys() -> None:
    harness = RouterHarness()
    other = next(user_id for user_id in map("u-{}".format, itertools.count()) if is_on_same_partition(user_id))
    await harness.route(build_notification(idempotency_key="k", to={"email": "a@x.org"}))
    await harness.route(build_notification(id=make_notification_id(2), user_id=other, idempotency_key="k", to={"email": "a@x.org"}))
    assert [(event.user_id, event.state) for event in harness.decided_events] == [(USER_ID, "routed"), (other, "routed")]


def is_on_same_partition(user_id: str) -> bool:
    return user_id != USER_ID and compute_partition(user_id, PARTITIONS) == USER_PARTITION


async def test_a_rejected_or_dead_notification_is_a_replay_the_next_time() -> None:
    harness = RouterHarness()
    dead, rejected = build_notification(type="nobody.knows"), build_notification(id=make_notification_id(2), expires_at=NOW - 1)
    await harness.route(dead, rejected)
    await harness.route(dead, rejected)
    assert [event.state for event in harness.decided_events] == ["dead", "rejected"]
    assert harness.routed_batches[-1].replays == 2


async def test_the_row_names_the_first_notification_and_its_position() -> None:
    harness = RouterHarness()
    await harness.route(build_record(encode_value(build_notification(idempotency_key="k")), 7))
    rows = harness.idempotency.rows[USER_PARTITION]
    first = decode_row(rows[USER_ID.encode() + b"\0k"])
    assert (first.notification_id, first.received_at, first.priority, first.partition, first.offset) == (
        make_notification_id(1),
        NOW,
        "medium",
        USER_PARTITION,
        7,
    )
    assert len(to_uuid_hex(first.notification_id)) == 32


async def test_a_key_is_claimed_before_its_outputs_so_that_after_a_crash_another_priority_finds_the_same_first() -> None:
    harness = RouterHarness()
    first, second = build_notification(idempotency_key="k"), build_notification(id=make_notification_id(2), idempotency_key="k")
    await harness.route(first)
    del harness.idempotency.rows[USER_PARTITION][encode_key(USER_ID, "k")]  # its outputs are out, its row is lost
    await harness.route(second, topic="notifications.high")
    await harness.route(first)
    assert [(event.id, event.state, event.duplicate_of) for event in harness.decided_events] == [
        (make_notification_id(1), "routed", ""),
        (make_notification_id(2), "rejected", make_notification_id(1)),
        (make_notification_id(1), "routed", ""),
    ]
    assert {delivery.notification_id for delivery in harness.deliveries} == {make_notification_id(1)}


async def test_only_a_key_that_others_may_have_is_claimed() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(idempotency_key="k"), build_notification(id=make_notification_id(2)))
    assert set(harness.idempotency.rows[USER_PARTITION]) == {
        encode_key(USER_ID, "k"),
        USER_ID.encode() + encode_claim_key_suffix("k"),
        encode_key(USER_ID, make_notification_id(2)),
    }
    assert harness.committer.commits == [(USER_PARTITION, ["rate_windows", "idempotency"], ["idempotency"])]


async def test_a_claim_of_yesterday_counts_for_nothing() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(idempotency_key="k"))
    del harness.idempotency.rows[USER_PARTITION][encode_key(USER_ID, "k")]
    harness.now += DAY + 1
    later = build_record(
        encode_value(build_notification(id=make_notification_id(2, NOW + DAY), idempotency_key="k")), timestamp=int((NOW + DAY + 1) * 1000)
    )
    await harness.route(later)
    assert [event.state for event in harness.decided_events] == ["routed", "routed"]
