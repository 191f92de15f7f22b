"""The delivery worker on one record, and on the neighbours that it must not hold up."""

import asyncio
import gc

import msgspec
import pytest

from agents.delivery.in_flight import InFlight, InFlightBatch
from schemas.dead_letter import decode_dead_letter
from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import Outcome, Priority, Reason, Status
from schemas.events import StatusEvent
from schemas.ports import HttpResponse, HttpResult
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC
from tables.attempts import AttemptRow, NextAction, decode_row, encode_key, encode_row
from tests.delivery_builders import NOW, build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, MAYBE_SENT, NOT_SENT, THROTTLED, DeliveryHarness, iterate_forever


@pytest.fixture
def harness() -> DeliveryHarness:
    return DeliveryHarness()


def read_row(world: DeliveryHarness, number: int = 1) -> AttemptRow:
    packed = world.rows[3, encode_key(build_delivery(number=number).id)]
    assert packed is not None
    return decode_row(packed)


def get_attempts(world: DeliveryHarness) -> list[tuple[int, Status, Outcome | None, str]]:
    return [(event.attempt, event.status, event.outcome, event.reason) for event in world.status_events]


async def test_an_accepted_mail_leaves_one_event_and_a_row(harness: DeliveryHarness) -> None:
    delivery = build_delivery(created_at=NOW - 2)
    await harness.run_batches(harness.build_batch(delivery))
    harness.now += 0.25
    harness.respond(ACCEPTED)
    harness.commit()
    (event,) = harness.status_events
    assert (event.delivery_id, event.notification_id, event.user_id) == (delivery.id, delivery.notification_id, "u-1")
    assert (event.status, event.outcome, event.attempt, event.provider_code) == (Status.SENT, Outcome.ACCEPTED, 0, 202)
    assert (event.occurred_at, event.created_at, event.duration_ms) == (NOW + 0.25, NOW - 2, 250.0)
    assert (event.provider, event.provider_message_id, event.possible_duplicate) == ("sendgrid", "m-17", False)
    assert read_row(harness) == AttemptRow(0, 0, Outcome.ACCEPTED, Status.SENT, NextAction.DONE, 202, NOW + 0.25, "m-17")


async def test_events_keep_the_partition_and_the_users_key(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery(), partition=11))
    harness.respond(ACCEPTED)
    assert [(sent.topic, sent.partition, sent.key) for sent in harness.produced] == [(STATUS_TOPIC, 11, b"u-1")]


async def test_topics_stand_behind_the_prefix() -> None:
    world = DeliveryHarness(topic_prefix="t1.")
    await world.run_batches(world.build_batch(build_delivery(), b"junk"))
    world.respond(ACCEPTED)
    assert {sent.topic for sent in world.produced} == {f"t1.{STATUS_TOPIC}", f"t1.{DEAD_LETTER_TOPIC}"}


async def test_a_batch_is_acknowledged_once_after_its_last_record_and_the_commit(harness: DeliveryHarness) -> None:
    held = harness.build_batch(build_delivery(number=1), build_delivery(number=2))
    await harness.run_batches(held)
    harness.respond(ACCEPTED, 1)
    harness.commit()
    assert not held.ack_count
    harness.respond(ACCEPTED)
    assert not held.ack_count
    harness.commit()
    harness.commit()
    assert held.ack_count == 1


async def test_a_batch_that_is_over_leaves_nothing_to_the_garbage_collector(harness: DeliveryHarness) -> None:
    gc.collect()
    gc.disable()
    try:
        await harness.run_batches(harness.build_batch(build_delivery(number=1), build_delivery(number=2)))
        harness.respond(ACCEPTED)
        harness.respond(ACCEPTED)
        harness.commit()
        harness.all_calls.clear()
        assert [type(left) for left in gc.get_objects() if isinstance(left, (InFlightBatch, InFlight))] == []
    finally:
        gc.enable()


async def test_batches_end_in_any_order(harness: DeliveryHarness) -> None:
    slow, fast = harness.build_batch(build_delivery(number=1)), harness.build_batch(build_delivery(number=2))
    await harness.run_batches(slow, fast)
    harness.respond(ACCEPTED, 1)
    harness.commit()
    assert (slow.ack_count, fast.ack_count) == (0, 1)


@pytest.mark.parametrize(
    ("answer", "outcome", "code"), [(NOT_SENT, Outcome.NOT_SENT, 0), (THROTTLED, Outcome.THROTTLED, 429), (MAYBE_SENT, Outcome.UNKNOWN, 0)]
)
async def test_what_settles_nothing_is_tried_again_in_place(
    harness: DeliveryHarness, answer: HttpResult, outcome: Outcome, code: int
) -> None:
    held = harness.build_batch(build_delivery())
    await harness.run_batches(held)
    harness.respond(answer)
    assert not harness.pending_calls
    harness.advance_clock(5)
    harness.respond(ACCEPTED)
    harness.commit()
    assert get_attempts(harness) == [(0, Status.PENDING, outcome, ""), (1, Status.SENT, Outcome.ACCEPTED, "")]
    assert [event.provider_code for event in harness.status_events] == [code, 202]
    assert read_row(harness).attempt == 1
    assert held.ack_count


async def test_a_pause_is_as_long_as_the_policy_says(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    for pause in (0.5, 2.0):
        harness.respond(NOT_SENT)
        harness.advance_clock(pause - 0.01)
        assert not harness.pending_calls
        harness.advance_clock(0.01)
        assert len(harness.pending_calls) == 1


async def test_a_pause_holds_up_no_other_record(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery(number=1)))
    harness.respond(NOT_SENT)
    await harness.run_batches(harness.build_batch(build_delivery(number=2)))
    harness.respond(ACCEPTED)
    assert get_attempts(harness)[-1][1] is Status.SENT


async def test_after_the_last_try_it_is_a_dead_letter_with_the_original_bytes(harness: DeliveryHarness) -> None:
    held = harness.build_batch(build_delivery(attempt=4))
    record = held.batch.records[0]
    await harness.run_batches(held)
    for _ in range(3):
        harness.respond(MAYBE_SENT)
        harness.advance_clock(5)
    harness.commit()
    assert get_attempts(harness)[-1] == (6, Status.FAILED, Outcome.UNKNOWN, Reason.RETRIES_EXHAUSTED)
    (sent,) = harness.dead_letters
    letter = decode_dead_letter(sent.key, sent.value, [(name, text.encode()) for name, text in sent.headers.items()])
    assert (letter.value, letter.stage, letter.reason, letter.attempts) == (record.value, "delivery", Reason.RETRIES_EXHAUSTED, 7)
    assert (letter.source_topic, letter.source_partition, letter.source_offset) == ("deliveries.email.medium", 3, record.offset)
    assert (letter.delivery_id, letter.user_id, sent.key, sent.partition) == (build_delivery().id, "u-1", b"u-1", 3)
    assert read_row(harness).next_action is NextAction.DEAD_LETTER
    assert held.ack_count
    assert not harness.pending_calls


async def test_a_try_after_an_unknown_outcome_may_be_a_duplicate_and_says_so(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    for answer in (THROTTLED, MAYBE_SENT, ACCEPTED):
        harness.respond(answer)
        harness.advance_clock(5)
    assert [event.possible_duplicate for event in harness.status_events] == [False, False, True]


async def test_a_record_may_already_say_that_it_is_a_possible_duplicate(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery(possible_duplicate=True)))
    harness.respond(ACCEPTED)
    assert harness.status_events[0].possible_duplicate


async def test_a_rejected_payload_fails_into_the_dead_letters(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.respond(BAD_REQUEST)
    assert get_attempts(harness) == [(0, Status.FAILED, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT)]
    assert [letter.headers["reason"] for letter in harness.dead_letters] == [Reason.REJECTED_PERMANENT]


async def test_a_rejected_recipient_fails_without_a_dead_letter(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.respond(HttpResponse(400, {}, b'{"errors":[{"field":"personalizations.0.to.0.email"}]}'))
    harness.commit()
    assert get_attempts(harness) == [(0, Status.FAILED, Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT)]
    assert not harness.dead_letters
    assert read_row(harness).next_action is NextAction.DONE


async def test_what_cannot_be_sent_fails_without_a_call(harness: DeliveryHarness) -> None:
    held = harness.build_batch(build_delivery(address="nobody"))
    await harness.run_batches(held)
    harness.commit()
    assert not harness.all_calls
    assert get_attempts(harness) == [(0, Status.FAILED, Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT)]
    assert (harness.status_events[0].duration_ms, harness.deliverer.calls_in_flight) == (0.0, 0)
    assert held.ack_count


async def test_what_has_expired_fails_without_a_call(harness: DeliveryHarness) -> None:
    held = harness.build_batch(build_delivery(expires_at=NOW))
    await harness.run_batches(held)
    harness.commit()
    assert not harness.all_calls
    assert get_attempts(harness) == [(0, Status.FAILED, None, Reason.EXPIRED)]
    assert read_row(harness).outcome is None
    assert held.ack_count


async def test_what_expires_while_it_waits_for_a_call_is_not_sent(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery(expires_at=NOW + 5)))
    harness.respond(THROTTLED)  # asks for 4 seconds
    harness.now += 6  # the loop was late
    harness.advance_clock(0)
    assert len(harness.all_calls) == 1
    assert get_attempts(harness)[-1] == (1, Status.FAILED, None, Reason.EXPIRED)


async def test_what_would_expire_in_its_pause_fails_at_once(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery(expires_at=NOW + 0.4)))
    harness.respond(NOT_SENT)
    assert get_attempts(harness) == [(0, Status.FAILED, Outcome.NOT_SENT, Reason.EXPIRED)]
    assert not harness.dead_letters


def build_done_row(number: int) -> tuple[tuple[int, bytes], bytes]:
    row = AttemptRow(0, 0, Outcome.ACCEPTED, Status.SENT, NextAction.DONE, 202, NOW)
    return (3, encode_key(build_delivery(number=number).id)), encode_row(row)


async def test_a_replay_of_what_has_a_row_does_nothing(harness: DeliveryHarness) -> None:
    harness.rows = dict([build_done_row(1)])
    held = harness.build_batch(build_delivery(number=1), build_delivery(number=2))
    await harness.run_batches(held)
    assert harness.called_ids == [build_delivery(number=2).id]
    harness.respond(ACCEPTED)
    harness.commit()
    assert [event.delivery_id for event in harness.status_events] == [build_delivery(number=2).id]
    assert held.ack_count


async def test_a_batch_of_nothing_but_replays_is_acknowledged(harness: DeliveryHarness) -> None:
    harness.rows = dict([build_done_row(1), build_done_row(2)])
    held = harness.build_batch(build_delivery(number=1), build_delivery(number=2))
    await harness.run_batches(held)
    harness.commit()
    assert held.ack_count
    assert not harness.produced


async def test_an_empty_batch_is_acknowledged(harness: DeliveryHarness) -> None:
    held = harness.build_batch()
    await harness.run_batches(held)
    harness.commit()
    assert held.ack_count == 1


async def test_a_redrive_is_sent_although_a_row_of_its_first_life_exists(harness: DeliveryHarness) -> None:
    harness.rows = dict([build_done_row(1)])
    await harness.run_batches(harness.build_batch(build_delivery(redrive_count=1)))
    harness.respond(ACCEPTED)
    harness.commit()
    assert (harness.status_events[0].redrive_count, read_row(harness).redrive_count) == (1, 1)


@pytest.mark.parametrize("value", [None, b"", b"{", b"{}", b'{"id": 7}', msgspec.json.encode(build_delivery("sms"))])
async def test_an_unreadable_record_is_a_dead_letter_and_the_next_one_goes_on(harness: DeliveryHarness, value: bytes | None) -> None:
    held = harness.build_batch(value, build_delivery())
    await harness.run_batches(held)
    harness.respond(ACCEPTED)
    harness.commit()
    (letter,) = harness.dead_letters
    assert (letter.headers["stage"], letter.headers["source_topic"], letter.headers["source_offset"]) == (
        "delivery",
        "deliveries.email.medium",
        "1",
    )
    assert letter.headers["reason"] in (Reason.NULL_VALUE, Reason.UNDECODABLE, Reason.INVALID)
    assert letter.value == value
    assert [event.status for event in harness.status_events] == [Status.SENT]
    assert held.ack_count


async def test_a_batch_of_nothing_but_unreadable_records_is_acknowledged(harness: DeliveryHarness) -> None:
    held = harness.build_batch(b"{", None)
    await harness.run_batches(held)
    harness.commit()
    assert held.ack_count


async def test_what_was_said_of_an_attempt_is_told_and_nothing_of_one_that_went_well(harness: DeliveryHarness) -> None:
    await harness.run_batches(
        harness.build_batch(build_delivery(number=1), build_delivery(number=2), build_delivery(number=3, address="nobody"))
    )
    harness.respond(ACCEPTED)
    harness.respond(BAD_REQUEST)
    assert {event.detail for event in harness.status_events} == {"", "bad request", "not an e-mail address"}


async def test_an_exception_in_a_callback_ends_every_run_and_leaves_the_batch(harness: DeliveryHarness) -> None:
    def raise_error(priority: Priority, event: StatusEvent) -> None:
        raise ArithmeticError

    harness.on_attempt = raise_error  # type: ignore[method-assign]
    held = harness.build_batch(build_delivery())
    runs = [asyncio.ensure_future(harness.deliverer.run(iterate_forever(*batches))) for batches in ([held], [])]
    await asyncio.wait(runs, return_when=asyncio.FIRST_COMPLETED, timeout=0)
    harness.respond(ACCEPTED)
    ended = await asyncio.gather(*runs, harness.run_batches(harness.build_batch(build_delivery(number=2))), return_exceptions=True)
    assert [type(error) for error in ended] == [ArithmeticError] * 3
    harness.commit()
    assert not held.ack_count


async def test_a_cancelled_run_ends_as_cancelled(harness: DeliveryHarness) -> None:
    run = asyncio.ensure_future(harness.deliverer.run(iterate_forever()))
    await asyncio.wait([run], timeout=0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


async def test_stopping_waits_for_the_calls_in_flight_and_starts_no_more() -> None:
    world = DeliveryHarness(limits=ConcurrencyLimits(max_in_flight=1, reserved_for_high=0))
    held = world.build_batch(build_delivery(number=1), build_delivery(number=2))
    await world.run_batches(held)
    stopping = asyncio.ensure_future(world.deliverer.stop())
    await asyncio.wait([stopping], timeout=0)
    assert not stopping.done()
    world.respond(ACCEPTED)
    await stopping
    world.commit()
    assert [event.delivery_id for event in world.status_events] == [build_delivery(number=1).id]
    assert not world.pending_calls
    assert not held.ack_count


async def test_an_idle_worker_stops_at_once(harness: DeliveryHarness) -> None:
    await harness.deliverer.stop()
    await harness.run_batches(harness.build_batch(build_delivery()))
    assert not harness.all_calls


async def test_the_observer_hears_of_everything_and_of_no_address(harness: DeliveryHarness) -> None:
    await harness.run_batches(
        harness.build_batch(build_delivery(number=1), build_delivery(number=2, expires_at=NOW), b"{", priority="high")
    )
    harness.now += 0.5
    harness.respond(BAD_REQUEST)
    assert [(priority, event.status) for priority, event in harness.observed_attempts] == [("high", Status.FAILED), ("high", Status.FAILED)]
    assert [(priority, reason) for priority, reason, *_ in harness.observed_dead_letters] == [
        ("high", Reason.UNDECODABLE),
        ("high", Reason.REJECTED_PERMANENT),
    ]
    (batch,) = harness.observed_batches
    assert batch.outcome_counts == {"expired": 1, "decode_failed": 1, Outcome.REJECTED_PERMANENT: 1}
    assert (batch.priority, batch.partition, batch.record_count, batch.seconds) == ("high", 3, 3, 0.5)
    assert "@" not in repr((harness.observed_attempts, harness.observed_dead_letters, harness.observed_batches))
