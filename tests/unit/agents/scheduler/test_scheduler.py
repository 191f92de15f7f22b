"""Entries are stored, cancelled and moved exactly once, also if their records are read again; what is invalid is a dead letter."""

import re

import msgspec
import pytest
from msgspec import Raw, Struct
from msgspec.structs import replace

from agents.scheduler.changes import Changes
from schemas.dead_letter import decode_dead_letter
from schemas.delivery import Delivery
from schemas.enums import Outcome, Status
from schemas.events import StatusEvent, compute_precedence
from schemas.lifetimes import DAY, MAX_CREATED_AT_ERROR, MAX_SEND_AHEAD
from schemas.ports import Batch
from schemas.scheduled import Cancel, Reschedule
from tables.due import CANCELLED_ROWS
from tests.delivery_builders import build_delivery
from tests.unit.agents.scheduler.harness import NOW, PARTITION, TARGET, SchedulerHarness, build_scheduled

LATEST = NOW + MAX_SEND_AHEAD + MAX_CREATED_AT_ERROR


async def test_a_released_record_has_the_payload_and_the_headers() -> None:
    harness, scheduled = SchedulerHarness(), build_scheduled()
    assert await harness.store(scheduled) == {"stored": 1}
    assert await harness.release(NOW + 60) == ["ntf_1"]
    (record,) = harness.released
    assert (record.key, record.value) == (b"u-1", bytes(scheduled.payload))
    assert dict(record.headers) == {
        "herold-resume-count": b"1",
        "herold-resume-gate": b"schedule",
        "herold-original-timestamp": b"1760000000000",
    }
    assert harness.entry_count == 0


async def test_a_delivery_is_released_without_headers_to_its_own_topic() -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled("dlv_1", NOW, 0, target_topic="t1.deliveries.sms.low", resume_gate=""))
    harness.kafka.topics.pop((TARGET, PARTITION), None)
    await harness.release(NOW)
    (record,) = harness.kafka.get_records("t1.deliveries.sms.low", PARTITION)
    assert record.headers == ()


async def test_a_cancelled_entry_is_not_released_and_its_event_says_so() -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled())
    assert await harness.store(Cancel("ntf_1", "u-1"), priority="high") == {"cancelled": 1}
    assert await harness.store(Cancel("ntf_1", "u-1"), priority="low") == {"not_found": 1}
    assert await harness.release(NOW + 61) == []
    (event,) = harness.events
    assert (event.state, event.reason, event.resume_count, event.priority) == ("rejected", "cancelled", 1, "low")
    assert (event.type, event.category, event.created_at, event.expires_at) == ("order.shipped", "marketing", NOW, NOW + 86_400)
    assert [(result.gate, result.verdict, result.inputs) for result in event.decision_log] == [("schedule", "reject", {"due_at": NOW + 60})]


@pytest.mark.parametrize("change", [Cancel("ntf_1", "u-1"), Reschedule("ntf_1", "u-1", NOW + 90)])
async def test_the_event_of_a_test_that_is_changed_is_of_a_test_too(change: Cancel | Reschedule) -> None:
    harness = SchedulerHarness()
    payload = Raw(msgspec.json.encode({"user_id": "u-1", "type": "order.shipped", "id": "ntf_1", "is_test": True}))
    await harness.store(build_scheduled(payload=payload), change)
    assert [event.is_test for event in harness.events] == [True]


async def test_a_cancelled_delivery_has_failed_at_its_next_attempt() -> None:
    harness, delivery = SchedulerHarness(), build_delivery(attempt=2, redrive_count=1, possible_duplicate=True, variant="a/b")
    entry = build_scheduled(delivery.id, NOW + 60, resume_gate="", target_topic="t1.deliveries.sms.low")
    await harness.store(msgspec.structs.replace(entry, payload=msgspec.Raw(msgspec.json.encode(delivery))))
    assert await harness.store(Cancel(delivery.id, "u-1", "delivery")) == {"cancelled": 1}
    assert await harness.release(NOW + 61) == []
    (record,) = harness.kafka.get_records("t1.notifications.status", PARTITION)
    event = msgspec.json.decode(record.value or b"", type=StatusEvent)
    assert (event.delivery_id, event.notification_id, event.user_id) == (delivery.id, delivery.notification_id, "u-1")
    assert (event.status, event.reason, event.outcome, event.attempt, event.redrive_count) == ("FAILED", "cancelled", None, 2, 1)
    assert (event.channel, event.created_at, event.possible_duplicate, event.variant) == ("email", NOW, True, "a/b")
    waiting = msgspec.structs.replace(event, status=Status.PENDING, attempt=1, outcome=Outcome.UNKNOWN)
    assert compute_precedence(event) > compute_precedence(waiting)


async def test_a_cancelled_delivery_of_an_ordered_endpoint_is_given_back_so_that_its_worker_ends_it() -> None:
    harness, delivery, topic = SchedulerHarness(), build_delivery("webhook", is_ordered=True, attempt=1), "t1.deliveries.webhook.low"
    entry = build_scheduled(delivery.id, NOW + 60, resume_gate="", target_topic=topic)
    stored = msgspec.structs.replace(entry, payload=msgspec.Raw(msgspec.json.encode(delivery)))
    await harness.store(stored)
    assert await harness.store(Cancel(delivery.id, "u-1", "delivery"), stored) == {"cancelled": 1, "replayed": 1}
    (record,) = harness.kafka.get_records(topic, PARTITION)
    assert record.key == b"u-1"
    assert msgspec.json.decode(record.value or b"", type=Delivery) == replace(delivery, is_cancelled=True)
    assert harness.kafka.get_records("t1.notifications.status", PARTITION) == []
    assert await harness.release(NOW + 61) == []


async def test_the_next_step_of_an_escalation_names_the_channels_before_and_stays_routed_whatever_becomes_of_it() -> None:
    harness, step = SchedulerHarness(), build_scheduled(resume_gate="escalation", routed_channels=("push", "email"))
    await harness.store(step)
    assert await harness.store(Reschedule("ntf_1", "u-1", NOW + 90)) == {"rescheduled": 1}
    assert await harness.release(NOW + 89) == []
    assert await harness.release(NOW + 90) == ["ntf_1"]
    (record,) = harness.released
    assert dict(record.headers)["herold-routed-channels"] == b"push,email"
    assert record.value == bytes(step.payload), "a notification that has gone out expires as it did"
    await harness.store(msgspec.structs.replace(step, resume_count=3), Reschedule("ntf_1", "u-1", NOW + 10**7), Cancel("ntf_1", "u-1"))
    assert [(event.state, event.reason) for event in harness.events] == [
        ("routed", "rescheduled"),
        ("routed", "rescheduled"),
        ("routed", "cancelled"),
    ]
    assert harness.events[1].decision_log[0].inputs == {"until": NOW + 86_400}, "it waits until it expires at most"


async def test_the_next_step_follows_at_once_if_the_one_before_has_failed_and_only_that_step() -> None:
    harness, step = SchedulerHarness(), build_scheduled(resume_gate="escalation", routed_channels=("push",))
    failed = Reschedule("ntf_1", "u-1", NOW + 5, resume_count=step.resume_count, after_failure=True)
    await harness.store(step)
    assert await harness.store(failed, failed) == {"rescheduled": 1, "replayed": 1}
    assert await harness.release(NOW + 5) == ["ntf_1"]
    assert [(event.state, event.reason, event.decision_log[0].inputs) for event in harness.events] == [
        ("routed", "step_failed", {"until": NOW + 5})
    ]
    await harness.store(msgspec.structs.replace(step, resume_count=2, routed_channels=("push", "sms")))
    assert await harness.store(failed) == {"outdated": 1}, "a replay does not move the step after it"
    assert await harness.release(NOW + 59) == []
    assert await harness.release(NOW + 60) == ["ntf_1"]
    assert await harness.store(failed) == {"not_found": 1}


async def test_a_failed_step_moves_nothing_else_and_nothing_back() -> None:
    harness, step = SchedulerHarness(), build_scheduled(resume_gate="escalation", routed_channels=("push",))
    await harness.store(step, build_scheduled("ntf_2"))
    late = Reschedule("ntf_1", "u-1", step.due_at + 1, resume_count=step.resume_count, after_failure=True)
    assert await harness.store(late, Reschedule("ntf_2", "u-1", NOW, resume_count=1, after_failure=True)) == {"outdated": 2}
    assert harness.events == []


async def test_a_cancelled_digest_is_released_at_once_so_that_the_router_closes_it() -> None:
    harness = SchedulerHarness()
    await harness.store(replace(build_scheduled(), is_digest=True))
    assert await harness.store(Cancel("ntf_1", "u-1"), Cancel("ntf_1", "u-1")) == {"cancelled": 1, "replayed": 1}
    assert await harness.store(Reschedule("ntf_1", "u-1", NOW + 90)) == {"replayed": 1}
    assert await harness.release(NOW) == ["ntf_1"]
    (record,) = harness.released
    assert (dict(record.headers)["herold-digest"], dict(record.headers)["herold-resume-count"]) == (b"cancelled", b"1")
    assert (harness.events, harness.entry_count) == ([], 0)


async def test_a_digest_is_released_as_one() -> None:
    harness = SchedulerHarness()
    await harness.store(replace(build_scheduled(), is_digest=True))
    await harness.store(Reschedule("ntf_1", "u-1", NOW + 30))
    assert await harness.release(NOW + 30) == ["ntf_1"]
    (record,) = harness.released
    assert (dict(record.headers)["herold-digest"], dict(record.headers)["herold-resume-count"]) == (b"due", b"2")


async def test_a_cancelled_entry_that_is_written_again_is_not_stored_again() -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled())
    await harness.store(Cancel("ntf_1", "u-1"))
    harness.restart()
    assert await harness.store(build_scheduled()) == {"replayed": 1}, "by a router that was killed before it recorded the hold"
    assert await harness.store(Cancel("ntf_1", "u-1"), Reschedule("ntf_1", "u-1", NOW + 90)) == {"not_found": 2}
    assert await harness.release(NOW + 60) == []
    assert harness.entry_count == 2
    assert await harness.release(NOW + CANCELLED_ROWS + 1) == []
    assert harness.entry_count == 0
    assert len(harness.events) == 1


async def test_a_cancelled_entry_is_not_replaced_by_one_that_counts_more() -> None:
    """As when a worker that lost its partition makes an attempt again, and its call gets no answer."""
    harness = SchedulerHarness()
    await harness.store(build_scheduled(), Cancel("ntf_1", "u-1"))
    assert await harness.store(build_scheduled(resume_count=2), build_scheduled(resume_count=9)) == {"replayed": 2}
    assert await harness.release(NOW + 60) == []
    assert await harness.release(NOW + CANCELLED_ROWS + 1) == []
    assert await harness.store(build_scheduled(due_at=NOW + CANCELLED_ROWS + 9, resume_count=2)) == {"stored": 1}


async def test_a_cancel_after_the_release_finds_nothing() -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled())
    await harness.release(NOW + 60)
    assert await harness.store(Cancel("ntf_1", "u-1")) == {"not_found": 1}
    assert harness.events == []


async def test_an_entry_whose_release_was_claimed_before_a_crash_is_released_and_not_cancelled(monkeypatch) -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled())
    await harness.crash_in_release(NOW + 60, monkeypatch, is_produced=False)
    assert await harness.store(Cancel("ntf_1", "u-1")) == {"not_found": 1}
    assert await harness.release(NOW + 60) == ["ntf_1"]


async def test_an_entry_that_is_held_again_after_a_crash_can_be_cancelled_although_the_release_before_is_repeated(monkeypatch) -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled())
    await harness.crash_in_release(NOW + 60, monkeypatch, is_produced=True)
    harness.broker_time = None  # nothing is released before the router's hold is stored
    assert await harness.store(build_scheduled(due_at=NOW + 90, resume_count=2, resume_gate="quiet_hours")) == {"stored": 1}
    assert await harness.release(NOW + 61) == ["ntf_1"]
    assert await harness.store(Cancel("ntf_1", "u-1")) == {"cancelled": 1}
    assert await harness.release(NOW + 90) == []


async def test_a_moved_entry_is_released_at_its_new_time_with_a_count_of_its_own() -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled())
    move = Reschedule("ntf_1", "u-1", NOW + 90)
    assert await harness.store(move, priority="high") == {"rescheduled": 1}
    assert await harness.store(move, move, priority="low") == {"replayed": 2}
    assert await harness.release(NOW + 89.9) == []
    assert await harness.release(NOW + 90) == ["ntf_1"]
    assert dict(harness.released[0].headers)["herold-resume-count"] == b"2"
    (event,) = harness.events
    assert (event.state, event.reason, event.resume_count) == ("held", "rescheduled", 1)
    assert event.decision_log[0].inputs == {"until": NOW + 90}


async def test_a_copy_of_a_request_does_not_undo_what_another_one_has_changed_since() -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled())
    requested, of_router = Reschedule("ntf_1", "u-1", NOW + 90, resume_count=1), Reschedule("ntf_1", "u-1", NOW + 5)
    assert await harness.store(requested, priority="high") == {"rescheduled": 1}
    assert await harness.store(of_router, priority="medium") == {"rescheduled": 1}
    assert await harness.store(requested, priority="low") == {"outdated": 1}
    assert await harness.release(NOW + 5) == ["ntf_1"]


@pytest.mark.parametrize("send_at", ["", '"send_at":"2025-10-09T08:54:20Z",'])
async def test_the_new_time_of_a_notification_is_its_send_at_so_that_it_expires_later(send_at: str) -> None:
    harness = SchedulerHarness()
    payload = Raw(b'{"user_id":"u-1",%b"id":"ntf_1","data":{"send_at":7}}' % send_at.encode())
    await harness.store(build_scheduled(payload=payload), Reschedule("ntf_1", "u-1", NOW + 90))
    await harness.release(NOW + 90)
    (record,) = harness.released
    assert msgspec.json.decode(record.value or b"") == {"user_id": "u-1", "id": "ntf_1", "send_at": NOW + 90, "data": {"send_at": 7}}


async def test_no_notification_is_moved_further_than_the_latest_send_at() -> None:
    harness = SchedulerHarness()
    move = Reschedule("ntf_1", "u-1", NOW + 40 * DAY)
    assert await harness.store(build_scheduled(), move, move) == {"stored": 1, "rescheduled": 1, "replayed": 1}
    assert [event.decision_log[0].inputs for event in harness.events] == [{"until": LATEST}]
    assert await harness.release(LATEST) == ["ntf_1"]
    assert msgspec.json.decode(harness.released[0].value or b"")["send_at"] == LATEST


async def test_a_producer_whose_clock_is_ahead_can_move_its_notification_as_far_as_the_gateway_lets_it() -> None:
    harness, created_at = SchedulerHarness(), NOW + MAX_CREATED_AT_ERROR
    payload = Raw(msgspec.json.encode({"user_id": "u-1", "type": "t", "id": "ntf_1", "created_at": created_at}))
    await harness.store(build_scheduled(payload=payload), Reschedule("ntf_1", "u-1", created_at + MAX_SEND_AHEAD))
    assert [(event.created_at, event.decision_log[0].inputs) for event in harness.events] == [(created_at, {"until": LATEST})]


async def test_what_waits_beyond_the_latest_send_at_is_not_moved_before_its_new_time() -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled(due_at=LATEST + 90), Reschedule("ntf_1", "u-1", LATEST + 60))
    assert await harness.release(LATEST + 59) == []
    assert await harness.release(LATEST + 60) == ["ntf_1"]


async def test_records_of_one_batch_see_each_other() -> None:
    harness = SchedulerHarness()
    values = [build_scheduled("a"), Reschedule("a", "u-1", NOW + 5), Cancel("a", "u-1"), build_scheduled("b"), build_scheduled("b")]
    assert await harness.store(*values) == {"stored": 2, "rescheduled": 1, "cancelled": 1, "replayed": 1}
    assert await harness.release(NOW + 100) == ["b"]


async def test_an_entry_that_was_resumed_more_often_replaces_the_one_that_waits() -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled(resume_count=2))
    assert await harness.store(build_scheduled(resume_count=1)) == {"replayed": 1}
    assert await harness.store(build_scheduled(resume_count=3, due_at=NOW + 70)) == {"stored": 1}
    assert await harness.release(NOW + 61) == []
    assert await harness.release(NOW + 70) == ["ntf_1"]


async def test_records_that_are_read_again_change_nothing() -> None:
    harness = SchedulerHarness()
    batch = harness.build_batch(build_scheduled("a", NOW), build_scheduled("b"), Cancel("b", "u-1"))
    await harness.store_batch(batch)
    await harness.release(NOW)
    harness.restart()
    handle = await harness.store_batch(batch)
    assert handle.calls == ["acknowledged"]
    assert harness.batches[-1].results == {"replayed": 3}
    assert await harness.release(NOW + 100) == []
    assert len(harness.events) == 1


async def test_records_of_a_topic_that_was_made_anew_are_stored() -> None:
    harness = SchedulerHarness()
    harness.offset = 1000
    await harness.store(build_scheduled("a"))
    harness.broker_time, harness.offset = NOW + 1, 0
    assert await harness.store(build_scheduled("b")) == {"stored": 1}


@pytest.mark.parametrize(
    ("value", "reason", "error"),
    [
        (None, "null_value", "no value"),
        (b"{", "undecodable", ""),
        (b'{"kind":"cancel","id":"x"}', "invalid", "user_id"),
        (build_scheduled(""), "invalid", r"\$.id"),
        (build_scheduled("a\0b"), "invalid", r"\$.id"),
        (build_scheduled(due_at=NOW * 1000), "invalid", "milliseconds"),
        (Reschedule("a", "u-1", 5.0), "invalid", r"\$.due_at"),
        (build_scheduled(target_topic="t1.elsewhere"), "invalid", "t1.elsewhere"),
        (build_scheduled(resume_count=2**32), "invalid", r"\$.resume_count"),
    ],
)
async def test_an_invalid_record_is_a_dead_letter_and_costs_no_other(value: Struct | bytes | None, reason: str, error: str) -> None:
    harness = SchedulerHarness()
    assert await harness.store(value, build_scheduled("good")) == {"stored": 1, reason: 1}
    (record,) = harness.kafka.get_records("t1.notifications.dlq", PARTITION)
    dead_letter = decode_dead_letter(record.key, record.value, list(record.headers))
    assert (dead_letter.stage, dead_letter.reason, dead_letter.source_topic) == ("scheduler", reason, "t1.scheduled.low")
    assert re.search(error, dead_letter.error)


async def test_an_unexpected_error_costs_its_record_only(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = SchedulerHarness()
    await harness.store(build_scheduled("a"), build_scheduled("bad", payload=Raw(b'{"type":7}')))
    assert await harness.store(Cancel("bad", "u-1"), Cancel("a", "u-1")) == {"unexpected_error": 1, "cancelled": 1}
    monkeypatch.setattr(Changes, "cancel", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await harness.store(*[Cancel(f"n{number}", "u-1") for number in range(11)])


async def test_a_batch_of_a_lost_partition_is_released() -> None:
    harness = SchedulerHarness()
    harness.kafka.lost_partitions.add(PARTITION)
    batch: Batch = harness.build_batch(build_scheduled())
    handle = await harness.store_batch(batch)
    assert handle.calls == ["released"]
    assert harness.entry_count == 0
