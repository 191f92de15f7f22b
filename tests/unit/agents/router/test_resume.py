"""A held notification comes back: it resumes at the gate that held it, once, with its first time, id and expiry."""

import msgspec
import pytest

from agents.router.gates.decode import REPARTITION_HEADER
from agents.router.gates.order import BATCH_GATES, RESUME_GATES
from schemas.ids import derive_id
from schemas.ports import Header
from schemas.scheduled import ORIGINAL_TIME_HEADER, RESUME_COUNT_HEADER, RESUME_GATE_HEADER, Scheduled
from schemas.topics import MAX_NOTIFICATION_BYTES
from tests.unit.agents.router.harness import (
    NOW,
    USER_PARTITION,
    RouterHarness,
    build_notification,
    build_record,
    build_release,
    encode_value,
    make_notification_id,
)

AWAY = (USER_PARTITION + 1) % 4
DAY = 86_400


def read_scheduled(harness: RouterHarness) -> Scheduled:
    (record,) = harness.get_records("scheduled.medium")
    return msgspec.json.decode(record.value or b"", type=Scheduled)


async def test_a_release_has_what_the_router_needs_to_go_on() -> None:
    harness = RouterHarness()
    await harness.route(build_record(encode_value(build_notification(id=None, send_at=NOW + 60, category="security")), offset=9))
    scheduled = read_scheduled(harness)
    assert (scheduled.resume_count, scheduled.resume_gate, scheduled.record_time) == (1, "schedule", NOW * 1000)
    assert (scheduled.category, scheduled.expires_at, scheduled.target_topic) == ("security", NOW + 60 + DAY, "notifications.medium")
    await harness.release()
    held, routed = harness.decided_events
    assert held.id == routed.id == derive_id("ntf_", NOW, "notifications.medium", str(USER_PARTITION), "9")
    assert (held.resume_count, routed.resume_count) == (0, 1)
    assert [entry.gate for entry in routed.decision_log][:4] == ["resume", "decode", "repartition", "idempotency"]
    assert harness.get_entry("resume").inputs == {"resume_count": 1, "gate": "schedule"}
    assert (routed.created_at, routed.expires_at, routed.decided_at) == (NOW, held.expires_at, NOW + 60)


async def test_two_copies_of_a_release_are_decided_once_and_a_copy_of_the_first_record_never_again() -> None:
    harness = RouterHarness()
    first = build_notification(send_at=NOW + 60, idempotency_key="k")
    await harness.route(first)
    await harness.release()
    await harness.release()
    await harness.route(first)
    assert [event.state for event in harness.decided_events] == ["held", "routed"]
    assert [batch.replays for batch in harness.routed_batches] == [0, 0, 1, 1]


async def test_a_release_is_no_replay_after_a_month_and_its_own_copy_still_is() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(send_at=NOW + 30 * DAY, idempotency_key="k"))
    await harness.release()
    harness.now += 3600
    await harness.release()
    assert [event.state for event in harness.decided_events] == ["held", "routed"]


async def test_two_notifications_that_had_the_same_key_a_day_apart_are_both_sent() -> None:
    harness = RouterHarness()
    for number in (1, 2):
        id_time = NOW + (number - 1) * (DAY + 1)
        notification = build_notification(id=make_notification_id(number, id_time), send_at=NOW + 3 * DAY, idempotency_key="k")
        await harness.route(build_record(encode_value(notification), number, int(id_time * 1000)))
        harness.now = NOW + DAY + 1
    for record in harness.get_records("scheduled.medium"):
        harness.now = NOW + 3 * DAY
        await harness.route(build_release(record))
    assert [event.state for event in harness.decided_events] == ["held", "held", "routed", "routed"]


async def test_a_notification_that_was_moved_far_ahead_is_sent_then() -> None:
    harness = RouterHarness()
    at = NOW + 30 * DAY + 60
    headers: list[Header] = [
        (RESUME_COUNT_HEADER, b"2"),
        (RESUME_GATE_HEADER, b"schedule"),
        (ORIGINAL_TIME_HEADER, b"%d" % int(NOW * 1000)),
    ]
    harness.now = at
    await harness.route(build_record(encode_value(build_notification(send_at=at)), timestamp=int(at * 1000), headers=headers))
    assert harness.last_state == ("routed", "")
    assert harness.decided_events[0].expires_at == at + DAY


async def test_a_rule_that_is_gone_is_noticed() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(send_at=NOW + 60))
    harness.policies.policy = msgspec.structs.replace(harness.policies.get_current(), rules={})
    await harness.release()
    assert harness.last_state == ("dead", "unknown_type")


@pytest.mark.parametrize(
    "headers",
    [
        [(RESUME_COUNT_HEADER, b"0"), (RESUME_GATE_HEADER, b"schedule")],
        [(RESUME_COUNT_HEADER, b"-1"), (RESUME_GATE_HEADER, b"schedule")],
        [(RESUME_COUNT_HEADER, b"40000"), (RESUME_GATE_HEADER, b"schedule")],
        [(RESUME_COUNT_HEADER, None), (RESUME_GATE_HEADER, b"schedule")],
        [(RESUME_GATE_HEADER, b"schedule")],
    ],
)
async def test_a_record_without_a_possible_count_is_a_new_one(headers: list[Header]) -> None:
    harness = RouterHarness()
    await harness.route(build_record(encode_value(build_notification(send_at=NOW + 60)), headers=headers))
    assert harness.last_state == ("held", "send_at")
    assert harness.decided_events[0].resume_count == 0


async def test_a_gate_that_this_release_does_not_have_leaves_none_out() -> None:
    harness = RouterHarness()
    headers: list[Header] = [(RESUME_COUNT_HEADER, b"1"), (RESUME_GATE_HEADER, b"\xff"), (ORIGINAL_TIME_HEADER, b"x")]
    await harness.route(build_record(encode_value(build_notification(send_at=NOW + 60)), headers=headers))
    assert harness.last_state == ("held", "send_at")
    assert read_scheduled(harness).resume_count == 2


async def test_a_release_on_a_wrong_partition_keeps_its_count_and_its_first_time() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(send_at=NOW + 60))
    release = build_release(harness.get_records("scheduled.medium")[0])
    await harness.route(release, partition=AWAY)
    (moved,) = harness.get_records("notifications.medium")
    assert (REPARTITION_HEADER, b"1") in moved.headers
    harness.now = NOW + 61
    await harness.route(build_record(moved.value, 3, int(harness.now * 1000), moved.key, moved.headers))
    assert harness.last_state == ("routed", "")
    assert (harness.decided_events[-1].resume_count, harness.decided_events[-1].expires_at) == (1, NOW + 60 + DAY)


async def test_what_is_too_large_to_be_held_is_a_dead_letter() -> None:
    harness = RouterHarness()
    value = encode_value(build_notification(send_at=NOW + 60, data={"x": "y" * (MAX_NOTIFICATION_BYTES - 300)}))
    assert len(value or b"") <= MAX_NOTIFICATION_BYTES
    await harness.route(value)
    assert harness.last_state == ("dead", "too_large")
    assert harness.get_records("scheduled.medium") == []


def test_only_gates_that_let_what_is_due_pass_are_left_out() -> None:
    left_out = {name: {gate.name for gate in BATCH_GATES} - {gate.name for gate in gates} for name, gates in RESUME_GATES.items()}
    names = [gate.name for gate in BATCH_GATES]
    after_schedule = {*names[names.index("schedule") + 1 :], "escalation"}
    assert left_out == {name: {"schedule"} if name in after_schedule else set() for name in (*names, "escalation")}
