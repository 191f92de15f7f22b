"""Tests of retries: they leave the worker through the scheduler, and no replay makes a further call."""

from typing import Any

import msgspec
import pytest

from agents.delivery.attempt_records import HANDED_OVER_AGAIN
from schemas.delivery import Delivery
from schemas.delivery_policy import ReconciliationPolicy
from schemas.enums import Outcome, Priority, Reason, Status
from schemas.errors import RecordTooLargeError
from schemas.events import StatusEvent
from schemas.http import HttpResponse, HttpResult
from schemas.scheduled import Scheduled
from tables.attempts import NextAction, decode_row, encode_key
from tests.delivery_builders import NOW, build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, MAYBE_SENT, NOT_SENT, SEND_AGAIN, DeliveryHarness
from tests.unit.agents.delivery.test_invariants import FakeScheduler


@pytest.fixture
def harness() -> DeliveryHarness:
    return DeliveryHarness()


def get_attempts(harness: DeliveryHarness) -> list[tuple[int, Status, Outcome | None, str]]:
    return [(event.attempt, event.status, event.outcome, event.reason) for event in harness.status_events]


def decode_payload(entry: Scheduled) -> Delivery:
    return msgspec.json.decode(entry.payload, type=Delivery)


async def fail_once(harness: DeliveryHarness, **changes: object) -> None:
    """Run a delivery whose first attempt reaches nobody; its retry is scheduled."""
    await harness.run_batches(harness.build_batch(build_delivery(**changes)))
    harness.respond(NOT_SENT)


@pytest.mark.parametrize(
    ("result", "outcome", "code"),
    [(NOT_SENT, Outcome.NOT_SENT, 0), (MAYBE_SENT, Outcome.UNKNOWN, 0), (HttpResponse(503, {}, b""), Outcome.UNKNOWN, 503)],
)
async def test_a_retry_leaves_the_worker(harness: DeliveryHarness, result: HttpResult, outcome: Outcome, code: int) -> None:
    handle = harness.build_batch(build_delivery())
    await harness.run_batches(handle)
    harness.respond(result)
    harness.commit()
    assert handle.ack_count == 1
    row = decode_row(harness.rows[3, encode_key(build_delivery().id)] or b"")
    assert (row.attempt, row.next_action, row.outcome) == (0, NextAction.RETRY, outcome)
    await harness.run_retry()
    harness.respond(ACCEPTED)
    harness.commit()
    assert get_attempts(harness) == [(0, Status.PENDING, outcome, ""), (1, Status.SENT, Outcome.ACCEPTED, "")]
    assert [event.provider_code for event in harness.status_events] == [code, 202]


@pytest.mark.parametrize("priority", ["high", "medium", "low"])
async def test_the_entry_comes_back_to_its_topic_unchanged_but_for_the_counts(priority: Priority) -> None:
    harness = DeliveryHarness(topic_prefix="t1.")
    delivery = build_delivery(attempt=3, counted_attempts=1, redrive_count=2)
    handle = harness.build_batch(delivery, priority=priority, partition=5)
    handle.batch.topic = f"t1.{handle.batch.topic}"
    await harness.run_batches(handle)
    harness.respond(NOT_SENT)
    (entry,) = harness.scheduled
    record = next(record for record in harness.produced if "scheduled" in record.topic)
    assert (record.topic, record.partition, record.key) == (f"t1.scheduled.{priority}", 5, b"u-1")
    assert (entry.id, entry.user_id, entry.target_topic) == (delivery.id, "u-1", handle.batch.topic)
    assert (entry.due_at, entry.expires_at) == (NOW + 2.0, delivery.expires_at)
    assert decode_payload(entry) == msgspec.structs.replace(delivery, attempt=4, counted_attempts=2, account="sendgrid")


async def test_the_event_says_when_the_next_attempt_is(harness: DeliveryHarness) -> None:
    await fail_once(harness)
    await harness.run_retry()
    harness.respond(ACCEPTED)
    assert [event.next_attempt_at for event in harness.status_events] == [NOW + 0.5, 0.0]


async def test_an_entry_replaces_those_of_earlier_attempts_and_redrives(harness: DeliveryHarness) -> None:
    counts = []
    for redrive_count, attempt in ((0, 0), (0, 1), (1, 0), (1, 7), (2, 0), (5000, 2**21), (2**31, 2**31)):
        await fail_once(harness, redrive_count=redrive_count, attempt=attempt)
        counts.append(harness.scheduled[-1].resume_count)
    assert counts == sorted(counts)
    assert len(set(counts[:-1])) == len(counts) - 1
    assert counts[-1] < 2**32 - 1


@pytest.mark.parametrize("results", [(NOT_SENT, MAYBE_SENT), (MAYBE_SENT, NOT_SENT)])
@pytest.mark.parametrize("is_repeatable", [True, False])
async def test_of_two_entries_of_an_attempt_the_one_of_a_call_without_an_answer_counts(
    results: tuple[HttpResult, HttpResult], is_repeatable: bool
) -> None:
    """A worker loses its partition before the claim of the entry is written, and another one makes the call again."""
    scheduler, delivery = FakeScheduler(), build_delivery()
    for result in results:
        harness = DeliveryHarness(reconciliation=ReconciliationPolicy(SEND_AGAIN.graces, is_repeatable))
        await harness.run_batches(harness.build_batch(delivery))
        harness.respond(result)
        scheduler.read_count = 0
        scheduler.read(harness.scheduled)
    payload = decode_payload(scheduler.entries[delivery.id])
    assert payload.possible_duplicate or payload.unanswered is not None


async def test_an_entry_that_was_moved_makes_way_for_the_next_attempt(harness: DeliveryHarness) -> None:
    await fail_once(harness)
    await harness.run_retry()
    harness.respond(NOT_SENT)
    first, second = harness.scheduled
    assert first.resume_count + 7 < second.resume_count


async def test_after_the_last_attempt_a_delivery_becomes_a_dead_letter_with_its_last_value(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery(attempt=4))  # attempts that did not count
    await harness.run_batches(handle)
    for _ in range(2):
        harness.respond(MAYBE_SENT)
        harness.commit()
        handle = await harness.run_retry()
    value = handle.records[0].value
    harness.respond(MAYBE_SENT)
    harness.commit()
    assert get_attempts(harness)[-1] == (6, Status.FAILED, Outcome.UNKNOWN, Reason.RETRIES_EXHAUSTED)
    (dead_letter,) = harness.dead_letters
    assert (dead_letter.stage, dead_letter.reason, dead_letter.attempts) == ("delivery", Reason.RETRIES_EXHAUSTED, 7)
    assert dead_letter.value == value
    assert (dead_letter.source_topic, dead_letter.source_partition) == ("deliveries.email.medium", 3)
    assert dead_letter.source_offset == handle.batch.last_offset
    assert (dead_letter.delivery_id, dead_letter.user_id) == (build_delivery().id, "u-1")
    assert {(record.key, record.partition) for record in harness.produced} == {(b"u-1", 3)}
    assert decode_row(harness.rows[3, encode_key(build_delivery().id)] or b"").next_action is NextAction.DEAD_LETTER
    assert (handle.ack_count, len(harness.scheduled), harness.pending_calls) == (1, 2, [])


async def test_an_attempt_after_an_unknown_outcome_is_a_possible_duplicate(harness: DeliveryHarness) -> None:
    await fail_once(harness)
    for result in (MAYBE_SENT, ACCEPTED):
        await harness.run_retry()
        harness.respond(result)
    assert [event.possible_duplicate for event in harness.status_events] == [False, False, True]


async def test_a_delivery_that_expires_before_its_retry_is_released_is_not_sent(harness: DeliveryHarness) -> None:
    await fail_once(harness, expires_at=NOW + 5)
    harness.now += 6  # the scheduler was away
    await harness.run_retry()
    assert len(harness.all_calls) == 1
    assert get_attempts(harness)[-1] == (1, Status.FAILED, None, Reason.EXPIRED)


async def test_a_retry_that_no_topic_can_take_is_a_dead_letter() -> None:
    class SmallTopics(DeliveryHarness):
        def add(self, topic: str, *values: object, **more: object) -> None:
            if topic.startswith("scheduled."):
                raise RecordTooLargeError(topic, 300_000, 262_144)
            super().add(topic, *values, **more)  # type: ignore[arg-type]

    harness = SmallTopics()
    await fail_once(harness)
    harness.commit()
    assert get_attempts(harness) == [(0, Status.FAILED, Outcome.NOT_SENT, Reason.TOO_LARGE)]
    assert [dead_letter.reason for dead_letter in harness.dead_letters] == [Reason.TOO_LARGE]


# -- replays


async def test_a_replay_of_a_record_whose_retry_is_scheduled_is_skipped(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery())
    await harness.run_batches(handle)
    harness.respond(NOT_SENT)
    harness.commit()
    await harness.run_batches(handle.reread())
    assert len(harness.all_calls) == len(harness.scheduled) == 1


async def test_two_releases_of_a_retry_make_one_call(harness: DeliveryHarness) -> None:
    await fail_once(harness)
    harness.commit()
    first = await harness.run_retry()
    second = await harness.run_retry()
    harness.respond(ACCEPTED)
    harness.commit()
    third = await harness.run_retry()
    harness.commit()
    assert (len(harness.all_calls), first.ack_count, second.ack_count, third.ack_count) == (2, 1, 1, 1)


async def test_a_release_after_the_next_retry_is_scheduled_makes_no_call(harness: DeliveryHarness) -> None:
    await fail_once(harness)
    await harness.run_retry()
    harness.respond(NOT_SENT)
    await harness.run_retry(harness.scheduled[0])
    harness.commit()
    await harness.run_retry(harness.scheduled[0])
    assert len(harness.all_calls) == 2


def restart(harness: DeliveryHarness, **options: Any) -> DeliveryHarness:
    """A new worker with what is committed, after a kill between the outputs and the rows."""
    successor = DeliveryHarness(**options)
    successor.rows, successor.produced, successor.now = dict(harness.rows), list(harness.produced), harness.now
    return successor


def take_over(harness: DeliveryHarness) -> DeliveryHarness:
    """A new worker after one that had lost its partition: the outputs of that one are sent, its claims and rows are not written."""
    harness.rows.clear()
    return restart(harness)


@pytest.mark.parametrize("result", [NOT_SENT, HttpResponse(503, {}, b""), MAYBE_SENT])
@pytest.mark.parametrize("is_repeatable", [True, False])
@pytest.mark.parametrize("is_produced", [True, False])
async def test_after_a_kill_the_same_retry_is_handed_over_without_a_call(
    result: HttpResult, is_repeatable: bool, is_produced: bool
) -> None:
    options = {"reconciliation": ReconciliationPolicy(SEND_AGAIN.graces, is_repeatable)}
    harness = DeliveryHarness(**options)
    handle = harness.build_batch(build_delivery(attempt=3, counted_attempts=1, redrive_count=2))
    await harness.run_batches(handle)
    harness.respond(result)
    (entry,) = harness.scheduled
    successor = restart(harness, **options)
    successor.now += 30
    if not is_produced:
        successor.produced.clear()
    again = handle.reread()
    await successor.run_batches(again)
    assert successor.all_calls == []
    assert successor.scheduled == [entry] * (1 + is_produced)
    event = successor.status_events[-1]
    assert (event.attempt, event.outcome, event.status) == (3, harness.status_events[0].outcome, Status.PENDING)
    assert (event.next_attempt_at, event.detail) == (entry.due_at, HANDED_OVER_AGAIN)
    successor.commit()
    assert again.ack_count == 1
    await successor.run_batches(last := handle.reread())
    successor.commit()
    assert (last.ack_count, len(successor.scheduled)) == (1, 1 + is_produced), "the row says that it is done"


async def test_a_claim_skips_older_records_of_its_delivery_and_no_later_one(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery(attempt=1)))
    harness.respond(NOT_SENT)
    successor = restart(harness)
    await successor.run_batches(successor.build_batch(build_delivery()), successor.build_batch(build_delivery(redrive_count=1)))
    assert [entry.resume_count for entry in successor.scheduled] == [harness.scheduled[0].resume_count] * 2
    assert len(successor.all_calls) == 1, "the redrive"


async def test_a_delivery_that_is_sent_at_most_once_is_tried_again_after_a_kill_if_its_retry_was_claimed(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery(at_most_once=True))
    await harness.run_batches(handle)
    harness.commit()
    harness.respond(NOT_SENT)
    successor = restart(harness)
    await successor.run_batches(handle.reread())
    assert decode_payload(successor.scheduled[-1]).unanswered is None
    assert len(successor.scheduled) == 2


@pytest.mark.parametrize("result", [ACCEPTED, BAD_REQUEST])
async def test_a_retry_is_not_made_if_the_attempt_before_it_was_repeated_and_ended_the_delivery(
    harness: DeliveryHarness, result: HttpResult
) -> None:
    handle = harness.build_batch(build_delivery())
    await harness.run_batches(handle)
    harness.respond(NOT_SENT)
    successor = take_over(harness)
    await successor.run_batches(handle.reread())  # its claim was not written, so the call is made again
    successor.respond(result)
    before_commit = await successor.run_retry()
    successor.commit()
    after_commit = await successor.run_retry()
    successor.commit()
    assert len(successor.all_calls) == 1
    assert (before_commit.ack_count, after_commit.ack_count) == (1, 1)


async def test_a_retry_that_comes_while_the_attempt_before_it_is_repeated_is_skipped_and_scheduled_again(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery())
    await harness.run_batches(handle)
    harness.respond(NOT_SENT)
    successor = take_over(harness)
    await successor.run_batches(handle.reread())
    early = await successor.run_retry()
    assert len(successor.all_calls) == 1
    successor.respond(NOT_SENT)
    successor.commit()
    assert early.ack_count == 1
    await successor.run_retry()
    successor.respond(ACCEPTED)
    assert (len(successor.all_calls), successor.status_events[-1].status) == (2, Status.SENT)


async def test_a_retry_is_sent_although_the_attempt_before_it_is_in_flight_for_a_revoked_partition(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.deliverer.on_partitions_revoked({3})  # another worker makes the attempt, schedules the retry, and gives the partition back
    await harness.run_batches(retry := harness.build_batch(build_delivery(attempt=1)))
    assert len(harness.pending_calls) == 2
    harness.respond(ACCEPTED, 1)
    harness.commit()
    assert retry.ack_count == 1


async def test_a_redrive_is_sent_while_a_retry_waits_and_the_retry_is_skipped(harness: DeliveryHarness) -> None:
    await fail_once(harness)
    harness.commit()
    await harness.run_batches(harness.build_batch(build_delivery(redrive_count=1)))
    harness.respond(ACCEPTED)
    harness.commit()
    await harness.run_retry()
    events: list[StatusEvent] = harness.status_events
    assert [(event.redrive_count, event.status) for event in events] == [(0, Status.PENDING), (1, Status.SENT)]
    assert not harness.pending_calls


async def test_a_rebalance_neither_waits_for_a_retry_nor_repeats_it(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery())
    await harness.run_batches(handle)
    harness.respond(NOT_SENT)
    harness.deliverer.on_partitions_revoked({3})
    harness.drop_uncommitted()
    await harness.run_batches(again := handle.reread())
    harness.commit()
    assert (again.ack_count, len(harness.all_calls), len(harness.scheduled)) == (1, 1, 1)
