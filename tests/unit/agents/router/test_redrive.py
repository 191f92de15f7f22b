"""A dead notification comes back from a redrive: it is decided again, once, with its first time, id and expiry."""

import msgspec
import pytest

from agents.redrives.judge import judge
from schemas.dead_letter import DeadLetter, decode_dead_letter
from schemas.dead_letters import DeadLetterContent
from schemas.history import HistoryBatch
from schemas.ids import derive_id
from schemas.policy import Rule, Template
from schemas.redrives import RedriveFacts, RedriveOptions, RedriveRecord, RedriveResult, Replacement
from schemas.scheduled import RESUME_COUNT_HEADER, RESUME_GATE_HEADER
from tests.event_builders import build_decided_row
from tests.fakes import FakeRecord
from tests.unit.agents.redrives.test_judge import build_content
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import (
    NOW,
    USER_PARTITION,
    RouterHarness,
    build_notification,
    build_policy,
    build_record,
    encode_value,
    make_notification_id,
)

DAY = 86_400
BROKEN = build_policy(templates=[Template("shipped", 7, channel, "default", "{{ missing }}", "x") for channel in ("email", "push")])


def read_dead_letter(harness: RouterHarness) -> DeadLetter:
    """The last dead letter."""
    record = harness.get_records("notifications.dlq")[-1]
    return decode_dead_letter(record.key, record.value, record.headers)


def build_stored(harness: RouterHarness) -> DeadLetterContent:
    """What is stored of the last dead letter; its topic has no prefix here."""
    dead_letter = read_dead_letter(harness)
    return build_content(dead_letter, source_topic=dead_letter.source_topic)


def build_redriven(harness: RouterHarness, options: RedriveOptions | None = None) -> FakeRecord | RedriveResult:
    """The record of the last dead letter, as a redrive produces it now."""
    judged = judge(build_stored(harness), RedriveFacts(), options or RedriveOptions(), harness.now, "")
    if not isinstance(judged, RedriveRecord):
        return judged
    return build_record(judged.value, 1000, round(harness.now * 1000), judged.key, judged.headers)


async def redrive(harness: RouterHarness, options: RedriveOptions | None = None, topic: str = "notifications.medium") -> None:
    record = build_redriven(harness, options)
    assert isinstance(record, FakeRecord), record
    await harness.route(record, topic=topic)


async def test_what_died_of_a_template_is_sent_once_when_the_template_is_mended() -> None:
    harness = RouterHarness(BROKEN)
    await harness.route(build_record(encode_value(build_notification(id=None)), offset=9))
    harness.policies.policy = POLICY
    harness.now += 3600
    await redrive(harness)
    await redrive(harness)
    dead, routed = harness.decided_events
    assert (dead.state, routed.state) == ("dead", "routed")
    assert dead.id == routed.id == derive_id("ntf_", NOW, "notifications.medium", str(USER_PARTITION), "9")
    assert (dead.redrive_count, routed.redrive_count) == (0, 1)
    assert (routed.created_at, routed.expires_at) == (NOW, NOW + DAY)
    assert [batch.replays for batch in harness.routed_batches] == [0, 0, 1]
    assert routed.decision_log[0].gate == "redrive"
    assert routed.decision_log[0].inputs == {"redrive_count": 1}
    assert len({one.id for one in harness.deliveries}) == len(harness.deliveries)


async def test_each_redrive_counts_and_the_history_joins_them() -> None:
    harness = RouterHarness(BROKEN)
    await harness.route(build_notification(idempotency_key="k"))
    for count in (1, 2, 3):
        harness.policies.policy = POLICY if count == 3 else BROKEN
        await redrive(harness)
        assert harness.decided_events[-1].redrive_count == count
    for event in reversed(harness.decided_events):  # in any order
        await harness.history.write(HistoryBatch([build_decided_row(event)]))
    await harness.route(build_notification(id=make_notification_id(2), idempotency_key="k"))
    assert harness.last_state == ("rejected", "duplicate"), "a key that was redriven still counts"
    (row,) = harness.history.notifications.values()
    assert (row.state, row.redrive_count) == ("routed", 3)


async def test_a_key_that_another_notification_has_by_now_is_not_sent_twice() -> None:
    harness = RouterHarness(BROKEN)
    await harness.route(build_notification(idempotency_key="k"))
    harness.policies.policy = POLICY
    harness.now += DAY + 1
    other = build_notification(id=make_notification_id(2, harness.now), idempotency_key="k")
    await harness.route(build_record(encode_value(other), 7, round(harness.now * 1000)))
    assert harness.last_state == ("routed", "")
    await redrive(harness, RedriveOptions(extend_expiry=600))
    assert harness.last_state == ("rejected", "duplicate_with_other_content")  # its expiry was extended
    assert harness.decided_events[-1].duplicate_of == other["id"]


async def test_one_that_was_held_goes_on_at_its_gate_and_can_be_held_again() -> None:
    harness = RouterHarness(BROKEN)
    await harness.route(build_notification(send_at=NOW + 60))
    await harness.release()
    dead_letter = read_dead_letter(harness)
    assert dict(dead_letter.source_headers)[RESUME_COUNT_HEADER] == b"1"
    assert dict(dead_letter.source_headers)[RESUME_GATE_HEADER] == b"schedule"
    assert dead_letter.source_time == NOW
    harness.policies.policy = POLICY
    await redrive(harness)
    held, dead, routed = harness.decided_events
    assert [(one.state, one.resume_count, one.redrive_count) for one in (held, dead, routed)] == [
        ("held", 0, 0), ("dead", 1, 0), ("routed", 1, 1),
    ]  # fmt: skip
    assert [entry.gate for entry in routed.decision_log][:3] == ["redrive", "resume", "decode"]


async def test_an_id_that_is_days_old_is_no_obstacle_and_its_expiry_is() -> None:
    harness = RouterHarness(BROKEN)
    await harness.route(build_notification())
    harness.policies.policy = POLICY
    harness.now += 3 * DAY
    assert build_redriven(harness) == "expired"
    await redrive(harness, RedriveOptions(extend_expiry=600))
    assert harness.last_state == ("routed", "")
    assert {one.expires_at for one in harness.deliveries} == {harness.now + 600}
    assert harness.decided_events[-1].id == make_notification_id(1)


async def test_another_value_is_decided_by_all_gates_under_the_same_id() -> None:
    harness = RouterHarness()
    await harness.route(b'{"user_id": "u-42"}')
    dead = harness.decided_events[-1]
    harness.now += 2 * DAY
    mended = msgspec.json.encode(build_notification(id=dead.id))
    await redrive(harness, RedriveOptions(replacement=Replacement(mended, "high")), "notifications.high")
    routed = harness.decided_events[-1]
    assert (dead.state, routed.state, routed.id, routed.redrive_count) == ("dead", "routed", dead.id, 1)
    assert routed.expires_at == harness.now + DAY


async def test_one_that_dies_again_is_a_dead_letter_with_the_next_count() -> None:
    harness = RouterHarness(build_policy(rules=[Rule("other", "transactional", None, ("email",), template="shipped")]))
    await harness.route(build_notification())
    assert read_dead_letter(harness).redrive_count == 0
    await redrive(harness)
    assert (read_dead_letter(harness).redrive_count, read_dead_letter(harness).notification_id) == (1, make_notification_id(1))


@pytest.mark.parametrize("count", [b"", b"0", b"-1", b"x", b"999999"])
async def test_a_count_that_is_none_makes_no_redrive(count: bytes) -> None:
    harness = RouterHarness()
    await harness.route(build_record(encode_value(build_notification()), headers=[("herold-redrive-count", count)]))
    assert harness.decided_events[-1].redrive_count == 0
