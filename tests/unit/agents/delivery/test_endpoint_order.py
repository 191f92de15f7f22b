"""Ordered endpoints: one delivery of a user after the other, whatever becomes of each."""

from typing import Any

import msgspec
import pytest

from agents.delivery.endpoint_order import OrderedEndpoints
from schemas.delivery import Delivery, UnansweredCall
from schemas.delivery_policy import WaitingLimits
from schemas.enums import Reason, Status
from schemas.scheduled import Reschedule, Scheduled
from tables.endpoint_order import Place, decode_row, encode_key
from tests.delivery_builders import NOW, build_delivery
from tests.memory_streaming import MemoryTable
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, MAYBE_SENT, NOT_SENT, DeliveryHarness

ENDPOINT = "whe_0199c8c4b0007000800000000000002a"
TABLE = MemoryTable("endpoint_order")


def build_ordered(number: int, user_id: str = "u-1", **changes: Any) -> Delivery:
    return build_delivery(number=number, user_id=user_id, endpoint_id=ENDPOINT, is_ordered=True, **changes)


def build_harness(window: int = 4, max_entries: int = 10, **options: Any) -> DeliveryHarness:
    harness = DeliveryHarness(**options)
    harness.deliverer.keep_order(OrderedEndpoints(TABLE, window, max_entries), harness)
    return harness


def restart(harness: DeliveryHarness, *, keeps: tuple[str, ...] = ("attempts", "order"), **options: Any) -> DeliveryHarness:
    """Another worker after a kill, with the rows that were written."""
    after = build_harness(**options)
    after.now, after._last_offset, after.produced = harness.now, harness._last_offset, list(harness.produced)
    after.rows = dict(harness.rows) if "attempts" in keeps else {}
    after.rows_of = dict(harness.rows_of) if "order" in keeps else {}
    after.pending_rows_of = dict(after.rows_of)
    return after


def list_places(harness: DeliveryHarness, user_id: str = "u-1") -> list[tuple[str, Place]]:
    packed = harness.pending_rows_of.get((TABLE.name, 3, encode_key(user_id, ENDPOINT)))
    return [(entry.delivery_id, entry.place) for entry in decode_row(packed).entries] if packed else []


def count_waiting(harness: DeliveryHarness) -> int:
    """How many wait in the worker."""
    order = harness.deliverer._reader.order
    assert order is not None
    return order.count_waiting()


def list_called_back(harness: DeliveryHarness) -> list[str]:
    return [record.id for record in harness.scheduled_records if isinstance(record, Reschedule)]


def find_entry(harness: DeliveryHarness, delivery: Delivery) -> Scheduled:
    return next(entry for entry in reversed(harness.scheduled) if entry.id == delivery.id)


FIRST, SECOND, THIRD, FOURTH = (build_ordered(number) for number in range(1, 5))


async def test_each_follows_when_the_one_before_has_ended() -> None:
    harness = build_harness()
    other = build_ordered(9, "u-2")
    handle = harness.build_batch(FIRST, SECOND, THIRD, other)
    await harness.run_batches(handle)
    assert harness.called_ids == [FIRST.id, other.id]
    assert count_waiting(harness) == 2
    harness.respond(ACCEPTED)
    assert harness.called_ids == [other.id, SECOND.id]
    assert count_waiting(harness) == 1
    harness.respond(BAD_REQUEST, 1)
    assert harness.called_ids == [other.id, THIRD.id]
    assert count_waiting(harness) == 0
    harness.respond(ACCEPTED, 1)
    harness.respond(ACCEPTED)
    harness.commit()
    assert handle.ack_count == 1
    assert harness.rows_of == {}
    assert not harness.scheduled_records
    assert harness.deliverer._reader.order._lines == {}


async def test_those_of_an_endpoint_without_the_option_do_not_wait() -> None:
    harness = build_harness()
    deliveries = [msgspec.structs.replace(one, is_ordered=False) for one in (FIRST, SECOND)]
    await harness.run_batches(harness.build_batch(*deliveries))
    assert harness.called_ids == [FIRST.id, SECOND.id]


async def test_a_user_s_deliveries_to_different_endpoints_do_not_wait_for_each_other() -> None:
    harness = build_harness()
    await harness.run_batches(harness.build_batch(FIRST, msgspec.structs.replace(SECOND, endpoint_id="whe_other")))
    assert harness.called_ids == [FIRST.id, SECOND.id]


async def test_while_one_is_retried_the_others_wait_in_the_scheduler_and_follow_it_in_their_order() -> None:
    harness = build_harness()
    handle = harness.build_batch(FIRST, SECOND)
    await harness.run_batches(handle)
    harness.respond(NOT_SENT)
    later = harness.build_batch(THIRD)
    await harness.run_batches(later)
    harness.commit()
    assert handle.ack_count == later.ack_count == 1
    assert harness.called_ids == []
    assert list_places(harness) == [(FIRST.id, Place.RETRYING), (SECOND.id, Place.WAITING), (THIRD.id, Place.WAITING)]
    assert count_waiting(harness) == 0  # they wait in the scheduler
    waits = [event for event in harness.status_events if event.reason == Reason.ENDPOINT_ORDER]
    assert [(event.delivery_id, event.status, event.outcome) for event in waits] == [
        (SECOND.id, Status.PENDING, None),
        (THIRD.id, Status.PENDING, None),
    ]
    await harness.run_retry(find_entry(harness, FIRST))
    assert harness.called_ids == [FIRST.id]
    assert list_called_back(harness) == []
    harness.respond(ACCEPTED)
    assert list_called_back(harness) == [SECOND.id, THIRD.id]
    second, third = [record.due_at for record in harness.scheduled_records if isinstance(record, Reschedule)]
    assert third - second == pytest.approx(0.001, abs=1e-6)  # what is due in one millisecond is released by ids, and so in any order
    assert list_places(harness) == [(SECOND.id, Place.WORKER), (THIRD.id, Place.WORKER)]
    await harness.run_batches(*[harness.build_batch(bytes(find_entry(harness, one).payload)) for one in (SECOND, THIRD)])
    assert harness.called_ids == [SECOND.id]
    harness.respond(ACCEPTED)
    harness.respond(ACCEPTED)
    assert list_places(harness) == []
    assert [event.delivery_id for event in harness.status_events if event.status is Status.SENT] == [FIRST.id, SECOND.id, THIRD.id]


async def test_one_that_comes_back_before_its_turn_waits_again() -> None:
    harness = build_harness()
    await harness.run_batches(harness.build_batch(FIRST, SECOND))
    harness.respond(NOT_SENT)
    await harness.run_batches(harness.build_batch(bytes(find_entry(harness, SECOND).payload)))
    assert harness.called_ids == []
    assert find_entry(harness, SECOND).resume_count > harness.scheduled[0].resume_count
    assert list_places(harness) == [(FIRST.id, Place.RETRYING), (SECOND.id, Place.WAITING)]


async def test_what_waits_comes_back_by_itself_when_the_one_before_it_has_expired() -> None:
    harness = build_harness()
    first = build_ordered(1, expires_at=NOW + 60)
    await harness.run_batches(harness.build_batch(first, SECOND))
    harness.respond(NOT_SENT)
    entry = find_entry(harness, SECOND)
    assert entry.due_at == NOW + 65
    await harness.run_retry(entry)  # nothing was heard of the first one
    assert harness.called_ids == [SECOND.id]
    assert list_places(harness) == [(SECOND.id, Place.WORKER)]


async def test_one_that_expires_while_it_waits_ends_and_holds_up_no_other() -> None:
    harness = build_harness()
    second = build_ordered(2, expires_at=NOW + 30)
    await harness.run_batches(harness.build_batch(FIRST, second, THIRD))
    harness.respond(NOT_SENT)
    assert find_entry(harness, second).due_at == NOW + 30
    await harness.run_retry(find_entry(harness, second))
    assert (harness.status_events[-1].status, harness.status_events[-1].reason) == (Status.FAILED, Reason.EXPIRED)
    assert list_places(harness) == [(FIRST.id, Place.RETRYING), (THIRD.id, Place.WAITING)]
    assert list_called_back(harness) == []


async def test_a_cancelled_one_ends_without_a_call_and_the_next_one_follows() -> None:
    harness = build_harness()
    await harness.run_batches(harness.build_batch(FIRST, SECOND))
    harness.respond(NOT_SENT)
    payload = msgspec.json.decode(bytes(find_entry(harness, FIRST).payload), type=Delivery)
    await harness.run_batches(harness.build_batch(msgspec.structs.replace(payload, is_cancelled=True)))
    assert harness.called_ids == []
    assert (harness.status_events[-1].status, harness.status_events[-1].reason) == (Status.FAILED, Reason.CANCELLED)
    assert list_called_back(harness) == [SECOND.id]


@pytest.mark.parametrize("window", [1, 2, 3])
async def test_only_the_first_ones_are_in_the_worker(window: int) -> None:
    harness = build_harness(window)
    await harness.run_batches(harness.build_batch(FIRST, SECOND, THIRD, FOURTH))
    assert [entry.id for entry in harness.scheduled] == [FIRST.id, SECOND.id, THIRD.id, FOURTH.id][window:]
    harness.respond(ACCEPTED)
    assert list_called_back(harness) == [[FIRST.id, SECOND.id, THIRD.id, FOURTH.id][window]]


async def test_without_room_in_the_worker_they_wait_in_the_scheduler() -> None:
    harness = build_harness(waiting=WaitingLimits(max_records=1, max_bytes=1_000_000))
    await harness.run_batches(harness.build_batch(FIRST, SECOND, THIRD))
    assert [entry.id for entry in harness.scheduled] == [THIRD.id]
    assert len(harness.deliverer.waiting_room) == 1


async def test_what_a_full_line_has_no_room_for_is_a_dead_letter() -> None:
    harness = build_harness(max_entries=2)
    handle = harness.build_batch(FIRST, SECOND, THIRD)
    await harness.run_batches(handle)
    assert [(dead_letter.delivery_id, dead_letter.reason) for dead_letter in harness.dead_letters] == [
        (THIRD.id, Reason.ENDPOINT_QUEUE_FULL)
    ]
    harness.respond(ACCEPTED)
    harness.respond(ACCEPTED)
    redriven = msgspec.structs.replace(THIRD, redrive_count=1)
    harness.commit()
    await harness.run_batches(harness.build_batch(redriven))
    assert harness.called_ids == [THIRD.id]


async def test_the_others_follow_one_whose_call_got_no_answer_until_it_is_known() -> None:
    harness = build_harness()
    first = build_ordered(1, at_most_once=True)
    await harness.run_batches(harness.build_batch(first, SECOND))
    assert harness.called_ids == []
    harness.commit()
    assert harness.called_ids == [first.id]
    harness.respond(MAYBE_SENT)
    assert list_places(harness) == [(first.id, Place.RETRYING), (SECOND.id, Place.WAITING)]
    search = msgspec.json.decode(bytes(find_entry(harness, first).payload), type=Delivery)
    assert isinstance(search.unanswered, UnansweredCall)


async def test_after_a_kill_the_one_that_was_called_is_first_again() -> None:
    harness = build_harness(window=2)
    handle = harness.build_batch(FIRST, SECOND, THIRD)
    await harness.run_batches(handle)
    harness.commit()
    after = restart(harness)
    await after.run_batches(harness.build_batch(build_ordered(5)), handle.reread())
    assert after.called_ids == [FIRST.id]
    assert list_places(after) == [
        (FIRST.id, Place.WORKER),
        (SECOND.id, Place.WORKER),
        (THIRD.id, Place.WAITING),
        (build_ordered(5).id, Place.WAITING),
    ]


@pytest.mark.parametrize("keeps", [("attempts",), ("order",)])
async def test_a_crash_between_the_two_tables_loses_no_turn(keeps: tuple[str, ...]) -> None:
    harness = build_harness()
    handle = harness.build_batch(FIRST, SECOND)
    await harness.run_batches(handle)
    harness.respond(NOT_SENT)
    harness.commit()
    after = restart(harness, keeps=keeps)
    await after.run_batches(handle.reread())
    assert after.called_ids == ([] if "attempts" in keeps else [FIRST.id])
    if not after.called_ids:
        await after.run_retry(find_entry(harness, FIRST))
    after.respond(ACCEPTED)
    assert list_called_back(after) + after.called_ids == [SECOND.id]


async def test_the_end_of_one_whose_line_still_has_it_lets_the_next_one_come() -> None:
    harness = build_harness(window=1)
    handle = harness.build_batch(FIRST, SECOND)
    await harness.run_batches(handle)
    harness.commit()
    before = dict(harness.rows_of)
    harness.respond(ACCEPTED)
    harness.commit()
    harness.rows_of = before  # the worker was killed before it wrote the line
    after = restart(harness)
    await after.run_batches(handle.reread())
    assert list_called_back(after) == [SECOND.id, SECOND.id]
    assert list_places(after) == [(SECOND.id, Place.WORKER)]


async def test_a_rebalance_forgets_what_waits_and_waits_for_no_turn() -> None:
    harness = build_harness()
    handle, other = harness.build_batch(FIRST), harness.build_batch(SECOND)
    await harness.run_batches(handle, other)
    harness.deliverer.on_drain()
    assert (handle.release_count, other.release_count) == (0, 1)
    harness.respond(ACCEPTED)
    assert harness.called_ids == []
    harness.deliverer.on_partitions_revoked({3})
    harness.drop_uncommitted()
    await harness.run_batches(handle.reread(), other.reread())
    assert harness.called_ids == [SECOND.id]  # the result of the first one was kept


async def test_one_that_cannot_be_read_any_more_holds_up_no_other() -> None:
    harness = build_harness()
    await harness.run_batches(harness.build_batch(FIRST, SECOND))
    harness.respond(NOT_SENT)
    broken = msgspec.structs.replace(msgspec.json.decode(bytes(find_entry(harness, FIRST).payload), type=Delivery), sealed=b"no key")
    await harness.run_batches(harness.build_batch(broken))
    assert [dead_letter.reason for dead_letter in harness.dead_letters] == [Reason.SEAL_BROKEN]
    assert list_called_back(harness) == [SECOND.id]
