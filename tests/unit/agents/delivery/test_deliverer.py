"""The delivery worker on one record, and on the neighbours that it must not hold up."""

import asyncio
import gc

import msgspec
import pytest

from agents.delivery.sending import OpenBatch, Sending
from schemas.deadletter import letter_of
from schemas.policies import CallLimits
from schemas.ports import Answer, Answered
from schemas.status import Status
from schemas.topics import DEAD_LETTERS, STATUS
from schemas.words import Lane, Outcome, Reason, StatusName
from tables.attempts import Follows, Row, key, pack, unpack
from tests.deliveries import NOW, a_delivery
from tests.unit.agents.delivery.world import ACCEPTED, MAYBE_SENT, NOT_SENT, REFUSED, THROTTLED, World, endless


@pytest.fixture
def world() -> World:
    return World()


def row_in(world: World, number: int = 1) -> Row:
    packed = world.rows[3, key(a_delivery(number=number).id)]
    assert packed is not None
    return unpack(packed)


def story(world: World) -> list[tuple[int, StatusName, Outcome | None, str]]:
    return [(event.attempt, event.status, event.outcome, event.reason) for event in world.events]


async def test_an_accepted_mail_leaves_one_event_and_a_row(world: World) -> None:
    delivery = a_delivery(created_at=NOW - 2)
    await world.take(world.batch(delivery))
    world.now += 0.25
    world.answer(ACCEPTED)
    world.commit()
    (event,) = world.events
    assert (event.delivery_id, event.notification_id, event.user_id) == (delivery.id, delivery.notification_id, "u-1")
    assert (event.status, event.outcome, event.attempt, event.code) == (StatusName.SENT, Outcome.ACCEPTED, 0, 202)
    assert (event.at, event.created_at, event.ms) == (NOW + 0.25, NOW - 2, 250.0)
    assert (event.provider, event.provider_id, event.possible_duplicate) == ("sendgrid", "m-17", False)
    assert row_in(world) == Row(0, 0, Outcome.ACCEPTED, StatusName.SENT, Follows.END, 202, NOW + 0.25, "m-17")


async def test_events_keep_the_partition_and_the_users_key(world: World) -> None:
    await world.take(world.batch(a_delivery(), partition=11))
    world.answer(ACCEPTED)
    assert [(sent.topic, sent.partition, sent.key) for sent in world.outputs] == [(STATUS, 11, b"u-1")]


async def test_topics_stand_behind_the_prefix() -> None:
    world = World(topic_prefix="t1.")
    await world.take(world.batch(a_delivery(), b"junk"))
    world.answer(ACCEPTED)
    assert {sent.topic for sent in world.outputs} == {f"t1.{STATUS}", f"t1.{DEAD_LETTERS}"}


async def test_a_batch_is_acknowledged_once_after_its_last_record_and_the_commit(world: World) -> None:
    held = world.batch(a_delivery(number=1), a_delivery(number=2))
    await world.take(held)
    world.answer(ACCEPTED, 1)
    world.commit()
    assert not held.acked
    world.answer(ACCEPTED)
    assert not held.acked
    world.commit()
    world.commit()
    assert held.acked == 1


async def test_a_batch_that_is_over_leaves_nothing_to_the_garbage_collector(world: World) -> None:
    gc.collect()
    gc.disable()
    try:
        await world.take(world.batch(a_delivery(number=1), a_delivery(number=2)))
        world.answer(ACCEPTED)
        world.answer(ACCEPTED)
        world.commit()
        world.asked.clear()
        assert [type(left) for left in gc.get_objects() if isinstance(left, (OpenBatch, Sending))] == []
    finally:
        gc.enable()


async def test_batches_end_in_any_order(world: World) -> None:
    slow, fast = world.batch(a_delivery(number=1)), world.batch(a_delivery(number=2))
    await world.take(slow, fast)
    world.answer(ACCEPTED, 1)
    world.commit()
    assert (slow.acked, fast.acked) == (0, 1)


@pytest.mark.parametrize(
    ("answer", "outcome", "code"), [(NOT_SENT, Outcome.NOT_SENT, 0), (THROTTLED, Outcome.THROTTLED, 429), (MAYBE_SENT, Outcome.UNKNOWN, 0)]
)
async def test_what_settles_nothing_is_tried_again_in_place(world: World, answer: Answer, outcome: Outcome, code: int) -> None:
    held = world.batch(a_delivery())
    await world.take(held)
    world.answer(answer)
    assert not world.calls
    world.advance(5)
    world.answer(ACCEPTED)
    world.commit()
    assert story(world) == [(0, StatusName.PENDING, outcome, ""), (1, StatusName.SENT, Outcome.ACCEPTED, "")]
    assert [event.code for event in world.events] == [code, 202]
    assert row_in(world).attempt == 1
    assert held.acked


async def test_a_pause_is_as_long_as_the_policy_says(world: World) -> None:
    await world.take(world.batch(a_delivery()))
    for pause in (0.5, 2.0):
        world.answer(NOT_SENT)
        world.advance(pause - 0.01)
        assert not world.calls
        world.advance(0.01)
        assert len(world.calls) == 1


async def test_a_pause_holds_up_no_other_record(world: World) -> None:
    await world.take(world.batch(a_delivery(number=1)))
    world.answer(NOT_SENT)
    await world.take(world.batch(a_delivery(number=2)))
    world.answer(ACCEPTED)
    assert story(world)[-1][1] is StatusName.SENT


async def test_after_the_last_try_it_is_a_dead_letter_with_the_original_bytes(world: World) -> None:
    held = world.batch(a_delivery(attempt=4))
    record = held.batch.records[0]
    await world.take(held)
    for _ in range(3):
        world.answer(MAYBE_SENT)
        world.advance(5)
    world.commit()
    assert story(world)[-1] == (6, StatusName.FAILED, Outcome.UNKNOWN, Reason.EXHAUSTED)
    (sent,) = world.letters
    letter = letter_of(sent.key, sent.value, [(name, text.encode()) for name, text in sent.headers.items()])
    assert (letter.value, letter.stage, letter.reason, letter.attempts) == (record.value, "delivery", Reason.EXHAUSTED, 7)
    assert (letter.topic, letter.partition, letter.offset) == ("deliveries.email.medium", 3, record.offset)
    assert (letter.delivery_id, letter.user_id, sent.key, sent.partition) == (a_delivery().id, "u-1", b"u-1", 3)
    assert row_in(world).follows is Follows.DEAD_LETTER
    assert held.acked
    assert not world.calls


async def test_a_try_after_an_unknown_outcome_may_be_a_duplicate_and_says_so(world: World) -> None:
    await world.take(world.batch(a_delivery()))
    for answer in (THROTTLED, MAYBE_SENT, ACCEPTED):
        world.answer(answer)
        world.advance(5)
    assert [event.possible_duplicate for event in world.events] == [False, False, True]


async def test_a_record_may_already_say_that_it_is_a_possible_duplicate(world: World) -> None:
    await world.take(world.batch(a_delivery(possible_duplicate=True)))
    world.answer(ACCEPTED)
    assert world.events[0].possible_duplicate


async def test_a_rejected_payload_fails_into_the_dead_letters(world: World) -> None:
    await world.take(world.batch(a_delivery()))
    world.answer(REFUSED)
    assert story(world) == [(0, StatusName.FAILED, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT)]
    assert [letter.headers["reason"] for letter in world.letters] == [Reason.REJECTED_PERMANENT]


async def test_a_rejected_recipient_fails_without_a_dead_letter(world: World) -> None:
    await world.take(world.batch(a_delivery()))
    world.answer(Answered(400, {}, b'{"errors":[{"field":"personalizations.0.to.0.email"}]}'))
    world.commit()
    assert story(world) == [(0, StatusName.FAILED, Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT)]
    assert not world.letters
    assert row_in(world).follows is Follows.END


async def test_what_cannot_be_sent_fails_without_a_call(world: World) -> None:
    held = world.batch(a_delivery(address="nobody"))
    await world.take(held)
    world.commit()
    assert not world.asked
    assert story(world) == [(0, StatusName.FAILED, Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT)]
    assert (world.events[0].ms, world.deliverer.calls_in_flight) == (0.0, 0)
    assert held.acked


async def test_what_has_expired_fails_without_a_call(world: World) -> None:
    held = world.batch(a_delivery(expires_at=NOW))
    await world.take(held)
    world.commit()
    assert not world.asked
    assert story(world) == [(0, StatusName.FAILED, None, Reason.EXPIRED)]
    assert row_in(world).outcome is None
    assert held.acked


async def test_what_expires_while_it_waits_for_a_call_is_not_sent(world: World) -> None:
    await world.take(world.batch(a_delivery(expires_at=NOW + 5)))
    world.answer(THROTTLED)  # asks for 4 seconds
    world.now += 6  # the loop was late
    world.advance(0)
    assert len(world.asked) == 1
    assert story(world)[-1] == (1, StatusName.FAILED, None, Reason.EXPIRED)


async def test_what_would_expire_in_its_pause_fails_at_once(world: World) -> None:
    await world.take(world.batch(a_delivery(expires_at=NOW + 0.4)))
    world.answer(NOT_SENT)
    assert story(world) == [(0, StatusName.FAILED, Outcome.NOT_SENT, Reason.EXPIRED)]
    assert not world.letters


def done_row(number: int) -> tuple[tuple[int, bytes], bytes]:
    row = Row(0, 0, Outcome.ACCEPTED, StatusName.SENT, Follows.END, 202, NOW)
    return (3, key(a_delivery(number=number).id)), pack(row)


async def test_a_replay_of_what_has_a_row_does_nothing(world: World) -> None:
    world.rows = dict([done_row(1)])
    held = world.batch(a_delivery(number=1), a_delivery(number=2))
    await world.take(held)
    assert world.in_flight == [a_delivery(number=2).id]
    world.answer(ACCEPTED)
    world.commit()
    assert [event.delivery_id for event in world.events] == [a_delivery(number=2).id]
    assert held.acked


async def test_a_batch_of_nothing_but_replays_is_acknowledged(world: World) -> None:
    world.rows = dict([done_row(1), done_row(2)])
    held = world.batch(a_delivery(number=1), a_delivery(number=2))
    await world.take(held)
    world.commit()
    assert held.acked
    assert not world.outputs


async def test_an_empty_batch_is_acknowledged(world: World) -> None:
    held = world.batch()
    await world.take(held)
    world.commit()
    assert held.acked == 1


async def test_a_redrive_is_sent_although_a_row_of_its_first_life_exists(world: World) -> None:
    world.rows = dict([done_row(1)])
    await world.take(world.batch(a_delivery(generation=1)))
    world.answer(ACCEPTED)
    world.commit()
    assert (world.events[0].generation, row_in(world).generation) == (1, 1)


@pytest.mark.parametrize("value", [None, b"", b"{", b"{}", b'{"id": 7}', msgspec.json.encode(a_delivery("sms"))])
async def test_an_unreadable_record_is_a_dead_letter_and_the_next_one_goes_on(world: World, value: bytes | None) -> None:
    held = world.batch(value, a_delivery())
    await world.take(held)
    world.answer(ACCEPTED)
    world.commit()
    (letter,) = world.letters
    assert (letter.headers["stage"], letter.headers["topic"], letter.headers["offset"]) == ("delivery", "deliveries.email.medium", "1")
    assert letter.headers["reason"] in (Reason.NULL_VALUE, Reason.UNDECODABLE, Reason.INVALID)
    assert letter.value == value
    assert [event.status for event in world.events] == [StatusName.SENT]
    assert held.acked


async def test_a_batch_of_nothing_but_unreadable_records_is_acknowledged(world: World) -> None:
    held = world.batch(b"{", None)
    await world.take(held)
    world.commit()
    assert held.acked


async def test_what_was_said_of_an_attempt_is_told_and_nothing_of_one_that_went_well(world: World) -> None:
    await world.take(world.batch(a_delivery(number=1), a_delivery(number=2), a_delivery(number=3, address="nobody")))
    world.answer(ACCEPTED)
    world.answer(REFUSED)
    assert {event.detail for event in world.events} == {"", "bad request", "not an e-mail address"}


async def test_an_exception_in_a_callback_ends_every_run_and_leaves_the_batch(world: World) -> None:
    def broken(lane: Lane, event: Status) -> None:
        raise ArithmeticError

    world.attempted = broken  # type: ignore[method-assign]
    held = world.batch(a_delivery())
    runs = [asyncio.ensure_future(world.deliverer.run(endless(*batches))) for batches in ([held], [])]
    await asyncio.wait(runs, return_when=asyncio.FIRST_COMPLETED, timeout=0)
    world.answer(ACCEPTED)
    ended = await asyncio.gather(*runs, world.take(world.batch(a_delivery(number=2))), return_exceptions=True)
    assert [type(error) for error in ended] == [ArithmeticError] * 3
    world.commit()
    assert not held.acked


async def test_a_cancelled_run_ends_as_cancelled(world: World) -> None:
    run = asyncio.ensure_future(world.deliverer.run(endless()))
    await asyncio.wait([run], timeout=0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


async def test_stopping_waits_for_the_calls_in_flight_and_starts_no_more() -> None:
    world = World(limits=CallLimits(calls=1, for_high=0))
    held = world.batch(a_delivery(number=1), a_delivery(number=2))
    await world.take(held)
    stopping = asyncio.ensure_future(world.deliverer.stop())
    await asyncio.wait([stopping], timeout=0)
    assert not stopping.done()
    world.answer(ACCEPTED)
    await stopping
    world.commit()
    assert [event.delivery_id for event in world.events] == [a_delivery(number=1).id]
    assert not world.calls
    assert not held.acked


async def test_an_idle_worker_stops_at_once(world: World) -> None:
    await world.deliverer.stop()
    await world.take(world.batch(a_delivery()))
    assert not world.asked


async def test_the_observer_hears_of_everything_and_of_no_address(world: World) -> None:
    await world.take(world.batch(a_delivery(number=1), a_delivery(number=2, expires_at=NOW), b"{", lane="high"))
    world.now += 0.5
    world.answer(REFUSED)
    assert [(lane, event.status) for lane, event in world.seen] == [("high", StatusName.FAILED), ("high", StatusName.FAILED)]
    assert [(lane, reason) for lane, reason, *_ in world.dead_seen] == [("high", Reason.UNDECODABLE), ("high", Reason.REJECTED_PERMANENT)]
    (batch,) = world.batches_seen
    assert batch.counts == {"expired": 1, "unreadable": 1, Outcome.REJECTED_PERMANENT: 1}
    assert (batch.lane, batch.partition, batch.records, batch.seconds) == ("high", 3, 3, 0.5)
    assert "@" not in repr((world.seen, world.dead_seen, world.batches_seen))
