"""Sealed deliveries are opened before the call, written sealed again, and wait while their keys cannot be read."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from agents.delivery.opening import DeliveryOpening
from schemas.channels import ChannelName
from schemas.delivery import Delivery
from schemas.delivery_policy import WaitingLimits
from schemas.enums import Reason, Status
from schemas.http import HttpResponse
from schemas.ports import Batch
from schemas.sealed_records import close_delivery, open_delivery, seal_delivery
from schemas.sealing import KEY_BYTES, Sealer
from tests.delivery_builders import build_delivery
from tests.fakes import FakeRecord, run_pending_tasks
from tests.sealers import MemorySealerReader
from tests.unit.agents.delivery.harness import ACCEPTED, BREAKER_POLICY, NOT_SENT, DeliveryHarness, FakeBatchHandle

ADDRESS = "canary@example.org"


class OpeningHarness(DeliveryHarness):
    """A deliverer that opens; `waits` are the seconds that it waited for keys."""

    def __init__(self, **options: Any) -> None:
        self.sealers, self.waits, self.outages = MemorySealerReader(), list[float](), list[tuple[int, str]]()
        self.wake = asyncio.Event()
        self.opening = DeliveryOpening(self.sealers, self.wait, lambda waiting, cause: self.outages.append((waiting, cause)))
        super().__init__(opening=self.opening, **options)

    async def wait(self, seconds: float) -> None:
        """A sleep that ends when the test says so."""
        self.waits.append(seconds)
        await self.wake.wait()
        await asyncio.sleep(0)

    def build_sealed(self, channel: ChannelName = "email", number: int = 1, **changes: Any) -> Delivery:
        """A delivery as the router writes it."""
        plain = build_delivery(channel, number, **{"address": ADDRESS, **changes})
        sealed = seal_delivery(plain.address, Raw(msgspec.json.encode(plain.content)), plain.id, self.sealers.get(plain.user_id))
        return close_delivery(replace(plain, sealed=sealed))


async def test_the_provider_gets_what_was_sealed() -> None:
    harness = OpeningHarness()
    await harness.run_batches(harness.build_batch(harness.build_sealed()))
    (call,) = harness.pending_calls
    assert ADDRESS.encode() in call.request.body
    assert b"on its way" in call.request.body
    harness.respond(ACCEPTED)
    assert [event.status for event in harness.status_events] == [Status.SENT]


async def test_a_retry_and_a_dead_letter_are_sealed_as_they_came() -> None:
    harness = OpeningHarness()
    sealed = harness.build_sealed()
    handle = harness.build_batch(sealed)
    original = handle.records[0].value
    await harness.run_batches(handle)
    while harness.pending_calls:
        harness.respond(NOT_SENT)
        harness.commit()
        if not harness.dead_letters:
            payload = bytes(harness.scheduled[-1].payload)
            entry = FakeRecord(100 + len(harness.scheduled), key=sealed.user_id.encode(), value=payload)
            harness.advance_clock(200)
            await harness.run_batches(FakeBatchHandle(Batch(harness.scheduled[-1].target_topic, 3, [entry])))
    assert not any(ADDRESS.encode() in (record.value or b"") for record in harness.produced)
    assert b"on its way" not in b"".join(record.value or b"" for record in harness.produced)
    (dead_letter,) = harness.dead_letters
    last = msgspec.json.decode(dead_letter.value or b"", type=Delivery)
    assert open_delivery(last, harness.sealers.get("u-1")).address == ADDRESS
    assert last.sealed == msgspec.json.decode(original or b"", type=Delivery).sealed


async def test_a_plain_delivery_of_before_needs_no_key() -> None:
    harness = OpeningHarness()
    harness.sealers.unavailable = True
    await harness.run_batches(harness.build_batch(build_delivery()))
    assert len(harness.pending_calls) == 1
    assert harness.sealers.requested == []


async def test_a_delivery_of_an_erased_user_ends_without_a_call() -> None:
    harness = OpeningHarness()
    sealed = [harness.build_sealed(number=number) for number in (1, 2)]
    harness.sealers.erase("u-1")
    handle = harness.build_batch(*sealed)
    await harness.run_batches(handle)
    assert [(event.status, event.reason) for event in harness.status_events] == [(Status.FAILED, Reason.ERASED)]
    assert harness.called_ids == [sealed[1].id]
    assert harness.dead_letters == []
    harness.respond(ACCEPTED)
    harness.commit()
    assert handle.ack_count == 1


async def test_what_does_not_open_is_a_dead_letter() -> None:
    harness = OpeningHarness()
    one, other = harness.build_sealed(number=1), harness.build_sealed(number=2)
    await harness.run_batches(harness.build_batch(replace(one, sealed=other.sealed)))
    (dead_letter,) = harness.dead_letters
    assert (dead_letter.reason, dead_letter.delivery_id) == (Reason.SEAL_BROKEN, one.id)


async def test_a_worker_without_keys_sends_nothing_that_is_sealed() -> None:
    sealed = OpeningHarness().build_sealed()
    harness = DeliveryHarness()
    await harness.run_batches(harness.build_batch(sealed))
    assert harness.dead_letters[0].reason == Reason.SEAL_BROKEN
    assert harness.pending_calls == []


async def test_a_batch_waits_for_its_keys_and_no_rebalance_waits_for_it() -> None:
    harness = OpeningHarness()
    handle = harness.build_batch(harness.build_sealed(), harness.build_sealed(number=2))
    harness.sealers.missing.add("u-1")
    run = asyncio.create_task(harness.run_batches(handle))
    while not harness.waits:
        await asyncio.sleep(0)
    assert harness.outages == [(2, "the keys of 1 users could not be read")]
    assert (harness.pending_calls, harness.dead_letters) == ([], [])
    harness.deliverer.on_drain()
    assert handle.release_count == 1
    harness.sealers.missing.clear()
    harness.wake.set()
    await run_pending_tasks()
    assert harness.pending_calls == []  # the drain would not wait for them
    harness.deliverer.on_partitions_revoked([4])
    await run
    assert len(harness.pending_calls) == 2


async def test_a_batch_that_waits_is_dropped_when_its_partition_is_revoked() -> None:
    harness = OpeningHarness()
    harness.sealers.unavailable = True
    run = asyncio.create_task(harness.run_batches(harness.build_batch(harness.build_sealed())))
    while not harness.waits:
        await asyncio.sleep(0)
    harness.deliverer.on_partitions_revoked([3])
    harness.sealers.unavailable = False
    harness.wake.set()
    await run
    assert (harness.pending_calls, harness.produced) == ([], [])


async def test_a_batch_is_dropped_if_its_partition_is_revoked_while_its_keys_are_read() -> None:
    harness, begun, go_on = OpeningHarness(), asyncio.Event(), asyncio.Event()
    get_many = harness.sealers.get_many

    async def get_slowly(user_ids: Iterable[str], *, fresh: bool = False) -> Mapping[str, Sealer]:
        begun.set()
        await go_on.wait()
        return await get_many(user_ids, fresh=fresh)

    harness.sealers.get_many = get_slowly  # type: ignore[method-assign]
    run = asyncio.create_task(harness.run_batches(harness.build_batch(harness.build_sealed())))
    await begun.wait()
    harness.deliverer.on_partitions_revoked([3])
    go_on.set()
    await run
    assert (harness.pending_calls, harness.produced) == ([], [])


async def test_no_rebalance_waits_for_a_batch_that_finds_no_keys_after_it_has_begun() -> None:
    harness = OpeningHarness()
    harness.sealers.unavailable = True
    harness.deliverer.on_drain()
    handle = harness.build_batch(harness.build_sealed())
    run = asyncio.create_task(harness.run_batches(handle))
    while not harness.waits:
        await asyncio.sleep(0)
    assert handle.release_count == 1
    harness.deliverer.on_partitions_revoked([3])
    harness.wake.set()
    await run
    after = harness.build_batch(harness.build_sealed())
    harness.wake.clear()
    run = asyncio.create_task(harness.run_batches(after))
    while len(harness.waits) < 2:
        await asyncio.sleep(0)
    assert after.release_count == 0
    harness.sealers.unavailable = False
    harness.wake.set()
    await run
    assert len(harness.pending_calls) == 1


async def test_a_key_that_is_newer_than_the_cache_is_read_again_before_anything_is_decided() -> None:
    harness = OpeningHarness()
    old, other = harness.build_sealed(number=1), harness.build_sealed(number=2)
    harness.sealers.erase("u-1")
    harness.sealers.keys["u-1"].append(os.urandom(KEY_BYTES))  # the user has come back
    harness.sealers.fresh_only.add("u-1")
    new = harness.build_sealed(number=1, user_id="u-1", id=f"dlv_{7:032x}")
    handle = harness.build_batch(old, new, other, b"{")
    await harness.run_batches(handle)
    assert harness.called_ids == [new.id, other.id]
    assert [dead_letter.reason for dead_letter in harness.dead_letters] == [Reason.UNDECODABLE]
    assert [(event.delivery_id, event.reason) for event in harness.status_events] == [(old.id, Reason.ERASED)]
    harness.respond(ACCEPTED)
    harness.respond(ACCEPTED)
    harness.commit()
    assert handle.ack_count == 1


async def test_what_names_a_key_that_nobody_has_is_a_dead_letter_after_one_more_reading() -> None:
    harness = OpeningHarness()
    sealed = harness.build_sealed()
    harness.sealers.keys["u-1"] = []  # as after the restore of an old backup
    harness.sealers.requested.clear()
    await harness.run_batches(harness.build_batch(sealed))
    assert [dead_letter.reason for dead_letter in harness.dead_letters] == [Reason.SEAL_BROKEN]
    assert harness.sealers.requested == [["u-1"], ["u-1"]]


async def test_a_delivery_in_the_waiting_room_has_its_content_when_it_goes_on() -> None:
    harness = OpeningHarness(waiting=WaitingLimits(10, 1_000_000))
    harness.profiles.unavailable = True
    await harness.run_batches(harness.build_batch(harness.build_sealed(consent="opt_out", category="marketing")))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(harness.deliverer.waiting_room) == 1
    harness.profiles.unavailable = False
    harness.advance_clock(1)
    while not harness.pending_calls:
        await asyncio.sleep(0)
    assert ADDRESS.encode() in harness.pending_calls[0].request.body


@pytest.mark.parametrize("waits", [False, True])
async def test_a_delivery_in_flight_keeps_its_content_if_its_user_is_erased_before_its_record_is_read_again(waits: bool) -> None:
    harness = OpeningHarness()
    handle = harness.build_batch(harness.build_sealed())
    await harness.run_batches(handle)
    if waits:
        harness.respond(HttpResponse(401, {}, b""))
    harness.sealers.erase("u-1")
    again = handle.reread()
    await harness.run_batches(again)
    if not waits:
        harness.respond(HttpResponse(401, {}, b""))
    harness.advance_clock(BREAKER_POLICY.credentials.first * 2)
    assert [ADDRESS.encode() in call.request.body for call in harness.pending_calls] == [True]
    harness.respond(ACCEPTED)
    harness.commit()
    assert again.ack_count == 1
    assert {event.reason for event in harness.status_events if event.status is Status.FAILED} == set()
