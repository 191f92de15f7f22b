"""Tests of the delivery worker: single records, batches, retries, dead letters, shutdown."""

import asyncio
import gc
import sys

import msgspec
import pytest

from agents.delivery.in_flight import InFlight, InFlightBatch
from agents.providers.twilio import Twilio
from schemas.enums import Outcome, Priority, Reason, Status
from schemas.events import StatusEvent
from schemas.http import HttpResponse
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC
from tables.attempts import AttemptRow, NextAction, decode_row, encode_key, encode_row
from tests.delivery_builders import NOW, build_delivery
from tests.settings_builders import build_concurrency_limits
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, NOT_SENT, DeliveryHarness, iterate_forever


@pytest.fixture
def harness() -> DeliveryHarness:
    return DeliveryHarness()


def read_row(harness: DeliveryHarness, number: int = 1) -> AttemptRow:
    packed = harness.rows[3, encode_key(build_delivery(number=number).id)]
    assert packed is not None
    return decode_row(packed)


def get_attempts(harness: DeliveryHarness) -> list[tuple[int, Status, Outcome | None, str]]:
    return [(event.attempt, event.status, event.outcome, event.reason) for event in harness.status_events]


async def test_an_accepted_email_produces_one_event_and_a_row(harness: DeliveryHarness) -> None:
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


async def test_events_have_the_partition_of_the_input_and_the_user_id_as_key(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery(), partition=11))
    harness.respond(ACCEPTED)
    assert [(record.topic, record.partition, record.key) for record in harness.produced] == [(STATUS_TOPIC, 11, b"u-1")]


async def test_output_topics_have_the_prefix() -> None:
    harness = DeliveryHarness(topic_prefix="t1.")
    await harness.run_batches(harness.build_batch(build_delivery(), b"junk"))
    harness.respond(ACCEPTED)
    assert {record.topic for record in harness.produced} == {f"t1.{STATUS_TOPIC}", f"t1.{DEAD_LETTER_TOPIC}"}


async def test_a_batch_is_acknowledged_once_after_its_last_record_and_the_commit(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery(number=1), build_delivery(number=2))
    await harness.run_batches(handle)
    harness.respond(ACCEPTED, 1)
    harness.commit()
    assert not handle.ack_count
    harness.respond(ACCEPTED)
    assert not handle.ack_count
    harness.commit()
    harness.commit()
    assert handle.ack_count == 1


async def test_each_halving_of_the_unfinished_records_is_reported(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(*[build_delivery(number=number) for number in range(8)])
    size = handle.batch.size // 8
    await harness.run_batches(handle)
    for _ in range(7):
        harness.respond(ACCEPTED, 1)
    assert [records for records, _ in handle.reported_unfinished] == [4, 2, 1]
    assert handle.reported_unfinished[-1][1] == pytest.approx(size, abs=10)
    harness.commit()
    assert not handle.ack_count


async def test_finished_deliveries_release_their_content_while_another_one_is_called(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery(number=1), build_delivery(number=2))
    await harness.run_batches(handle)
    unfinished, finished = handle.records
    harness.respond(ACCEPTED, 1)
    assert sys.getrefcount(unfinished) == sys.getrefcount(finished) + 1


async def test_a_finished_batch_leaves_no_reference_cycle(harness: DeliveryHarness) -> None:
    gc.collect()
    gc.disable()
    try:
        await harness.run_batches(harness.build_batch(build_delivery(number=1), build_delivery(number=2)))
        harness.respond(ACCEPTED)
        harness.respond(ACCEPTED)
        harness.commit()
        harness.all_calls.clear()
        assert [type(value) for value in gc.get_objects() if isinstance(value, (InFlightBatch, InFlight))] == []
    finally:
        gc.enable()


async def test_batches_are_acknowledged_in_any_order(harness: DeliveryHarness) -> None:
    slow, fast = harness.build_batch(build_delivery(number=1)), harness.build_batch(build_delivery(number=2))
    await harness.run_batches(slow, fast)
    harness.respond(ACCEPTED, 1)
    harness.commit()
    assert (slow.ack_count, fast.ack_count) == (0, 1)


async def test_a_record_can_be_marked_as_a_possible_duplicate(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery(possible_duplicate=True)))
    harness.respond(ACCEPTED)
    assert harness.status_events[0].possible_duplicate


async def test_a_rejected_payload_becomes_a_dead_letter(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.respond(BAD_REQUEST)
    assert get_attempts(harness) == [(0, Status.FAILED, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT)]
    assert [dead_letter.reason for dead_letter in harness.dead_letters] == [Reason.REJECTED_PERMANENT]


async def test_a_rejected_recipient_fails_without_a_dead_letter(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.respond(HttpResponse(400, {}, b'{"errors":[{"field":"personalizations.0.to.0.email"}]}'))
    harness.commit()
    assert get_attempts(harness) == [(0, Status.FAILED, Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT)]
    assert not harness.dead_letters
    assert read_row(harness).next_action is NextAction.DONE


async def test_an_invalid_address_fails_without_a_call(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery(address="nobody"))
    await harness.run_batches(handle)
    harness.commit()
    assert not harness.all_calls
    assert get_attempts(harness) == [(0, Status.FAILED, Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT)]
    assert (harness.status_events[0].duration_ms, harness.deliverer.calls_in_flight) == (0.0, 0)
    assert handle.ack_count


async def test_what_has_expired_fails_without_a_call(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery(expires_at=NOW))
    await harness.run_batches(handle)
    harness.commit()
    assert not harness.all_calls
    assert get_attempts(harness) == [(0, Status.FAILED, None, Reason.EXPIRED)]
    assert read_row(harness).outcome is None
    assert handle.ack_count


async def test_a_delivery_that_would_expire_before_its_retry_fails_at_once(harness: DeliveryHarness) -> None:
    await harness.run_batches(harness.build_batch(build_delivery(expires_at=NOW + 0.2)))
    harness.respond(NOT_SENT)
    assert get_attempts(harness) == [(0, Status.FAILED, Outcome.NOT_SENT, Reason.EXPIRED)]
    assert not harness.dead_letters


def build_done_row(number: int) -> tuple[tuple[int, bytes], bytes]:
    row = AttemptRow(0, 0, Outcome.ACCEPTED, Status.SENT, NextAction.DONE, 202, NOW)
    return (3, encode_key(build_delivery(number=number).id)), encode_row(row)


async def test_a_record_with_a_row_is_skipped(harness: DeliveryHarness) -> None:
    harness.rows = dict([build_done_row(1)])
    handle = harness.build_batch(build_delivery(number=1), build_delivery(number=2))
    await harness.run_batches(handle)
    assert harness.called_ids == [build_delivery(number=2).id]
    harness.respond(ACCEPTED)
    harness.commit()
    assert [event.delivery_id for event in harness.status_events] == [build_delivery(number=2).id]
    assert handle.ack_count


async def test_a_batch_of_replays_is_acknowledged(harness: DeliveryHarness) -> None:
    harness.rows = dict([build_done_row(1), build_done_row(2)])
    handle = harness.build_batch(build_delivery(number=1), build_delivery(number=2))
    await harness.run_batches(handle)
    harness.commit()
    assert handle.ack_count
    assert not harness.produced


async def test_an_empty_batch_is_acknowledged(harness: DeliveryHarness) -> None:
    handle = harness.build_batch()
    await harness.run_batches(handle)
    harness.commit()
    assert handle.ack_count == 1


async def test_a_redrive_is_sent_although_a_row_exists(harness: DeliveryHarness) -> None:
    harness.rows = dict([build_done_row(1)])
    await harness.run_batches(harness.build_batch(build_delivery(redrive_count=1)))
    harness.respond(ACCEPTED)
    harness.commit()
    assert (harness.status_events[0].redrive_count, read_row(harness).redrive_count) == (1, 1)


@pytest.mark.parametrize("value", [None, b"", b"{", b"{}", b'{"id": 7}', msgspec.json.encode(build_delivery("sms"))])
async def test_an_invalid_record_becomes_a_dead_letter_and_the_next_one_is_sent(harness: DeliveryHarness, value: bytes | None) -> None:
    handle = harness.build_batch(value, build_delivery())
    await harness.run_batches(handle)
    harness.respond(ACCEPTED)
    harness.commit()
    (dead_letter,) = harness.dead_letters
    assert (dead_letter.stage, dead_letter.source_topic, dead_letter.source_offset) == ("delivery", "deliveries.email.medium", 1)
    assert dead_letter.reason in (Reason.NULL_VALUE, Reason.UNDECODABLE, Reason.INVALID)
    assert dead_letter.value == value
    assert [event.status for event in harness.status_events] == [Status.SENT]
    assert handle.ack_count


async def test_a_batch_of_invalid_records_is_acknowledged(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(b"{", None)
    await harness.run_batches(handle)
    harness.commit()
    assert handle.ack_count


async def test_events_of_failed_attempts_have_a_detail(harness: DeliveryHarness) -> None:
    await harness.run_batches(
        harness.build_batch(build_delivery(number=1), build_delivery(number=2), build_delivery(number=3, address="nobody"))
    )
    harness.respond(ACCEPTED)
    harness.respond(BAD_REQUEST)
    assert {event.detail for event in harness.status_events} == {
        "",
        "SendGrid rejected the message and named no field of it",
        "not an e-mail address",
    }


async def test_an_exception_in_a_callback_ends_every_run_without_an_acknowledgement(harness: DeliveryHarness) -> None:
    def raise_error(priority: Priority, event: StatusEvent) -> None:
        raise ArithmeticError

    harness.on_attempt = raise_error  # type: ignore[method-assign]
    handle = harness.build_batch(build_delivery())
    runs = [asyncio.ensure_future(harness.deliverer.run(iterate_forever(*batches))) for batches in ([handle], [])]
    await asyncio.wait(runs, return_when=asyncio.FIRST_COMPLETED, timeout=0)
    harness.respond(ACCEPTED)
    results = await asyncio.gather(*runs, harness.run_batches(harness.build_batch(build_delivery(number=2))), return_exceptions=True)
    assert [type(result) for result in results] == [ArithmeticError] * 3
    harness.commit()
    assert not handle.ack_count


async def test_a_cancelled_run_raises_cancelled_error(harness: DeliveryHarness) -> None:
    run = asyncio.ensure_future(harness.deliverer.run(iterate_forever()))
    await asyncio.wait([run], timeout=0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


async def test_stop_waits_for_the_calls_in_flight_and_starts_no_more() -> None:
    harness = DeliveryHarness(limits=build_concurrency_limits(max_in_flight=1, reserved_for_high=0))
    handle = harness.build_batch(build_delivery(number=1), build_delivery(number=2))
    await harness.run_batches(handle)
    stopping = asyncio.ensure_future(harness.deliverer.stop())
    await asyncio.wait([stopping], timeout=0)
    assert not stopping.done()
    harness.respond(ACCEPTED)
    await stopping
    harness.commit()
    assert [event.delivery_id for event in harness.status_events] == [build_delivery(number=1).id]
    assert not harness.pending_calls
    assert not handle.ack_count


async def test_the_begin_of_a_stop_releases_batches_as_soon_as_they_have_no_call() -> None:
    harness = DeliveryHarness(limits=build_concurrency_limits(max_in_flight=1, reserved_for_high=0))
    calling, waiting = (
        harness.build_batch(build_delivery(number=1), build_delivery(number=2)),
        harness.build_batch(build_delivery(number=3)),
    )
    await harness.run_batches(calling, waiting)
    harness.deliverer.begin_stop()
    assert (calling.release_count, waiting.release_count) == (0, 1)
    harness.respond(ACCEPTED)
    assert not harness.pending_calls
    assert calling.release_count == 0  # until the result is durable, or another worker would make the call again
    harness.commit()
    assert calling.release_count == 1


async def test_a_batch_whose_rows_wait_for_their_commit_is_not_released_at_a_stop(harness: DeliveryHarness) -> None:
    handle = harness.build_batch(build_delivery())
    await harness.run_batches(handle)
    harness.deliverer.begin_stop()
    harness.respond(ACCEPTED)
    assert (handle.release_count, handle.ack_count) == (0, 0)
    harness.commit()
    assert handle.ack_count == 1


async def test_an_idle_worker_stops_at_once(harness: DeliveryHarness) -> None:
    await harness.deliverer.stop()
    await harness.run_batches(harness.build_batch(build_delivery()))
    assert not harness.all_calls


async def test_the_observer_gets_all_events_without_addresses(harness: DeliveryHarness) -> None:
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


@pytest.mark.parametrize(("callback", "source"), [("https://herold.example.org/callbacks/twilio", "source%3Dmedium.3.1"), ("", "")])
async def test_a_provider_that_reports_it_back_gets_the_place_of_the_record(callback: str, source: str) -> None:
    harness = DeliveryHarness(Twilio("https://api.twilio.com", "AC" + "0" * 32, "SK17", "key", "+15005550006", callback))
    await harness.run_batches(harness.build_batch(build_delivery("sms")))
    body = harness.pending_calls[0].request.body.decode() if callback else harness.all_calls[0].request.body.decode()
    assert source in body
    assert ("source" in body) is bool(source)
    harness.respond(HttpResponse(503, {}, b""))
    assert "source" not in bytes(harness.scheduled[0].payload).decode()
