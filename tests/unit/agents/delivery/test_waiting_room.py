"""What waits for consent or for a paused account takes no room of those in flight, up to a limit of its own, and is sent as it was."""

from typing import Any

import pytest

from agents.delivery import consent_checks
from agents.delivery.in_flight import InFlight
from schemas.content import EmailContent
from schemas.delivery import Delivery
from schemas.delivery_policy import ConcurrencyLimits, WaitingLimits
from schemas.enums import Status
from tests.delivery_builders import NOW, build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, AccountPerDomain, DeliveryHarness, FakeBatchHandle
from tests.unit.agents.delivery.test_account_breakers import REJECTED_KEY
from tests.unit.agents.delivery.test_consent_checks import ConsentHarness, build, build_profile

LARGE = EmailContent("Sale", "Everything must go. " * 400, "<p>Everything must go.</p>" * 400)


def build_outage(**options: Any) -> ConsentHarness:
    """A harness whose profiles cannot be read."""
    harness = ConsentHarness(**options)
    harness.reader.unavailable = True
    return harness


async def end_outage(harness: ConsentHarness) -> None:
    harness.reader.unavailable = False
    await harness.wait(consent_checks.RETRY_SECONDS)


def get_room(handle: FakeBatchHandle) -> tuple[int, int]:
    """The records and bytes of a batch that take room."""
    return handle.reported_unfinished[-1] if handle.reported_unfinished else (len(handle.batch), handle.batch.size)


async def test_what_waits_for_consent_takes_no_room_and_takes_it_again_when_the_outage_ends() -> None:
    harness = build_outage(limits=ConcurrencyLimits(1, 0, 100))
    first = await harness.deliver(build(1), build(2), build(3, consent=""))
    later = await harness.deliver(build(4))
    assert (get_room(first)[0], get_room(later), len(harness.deliverer.waiting_room)) == (1, (0, 0), 3)
    await end_outage(harness)
    assert (get_room(first), get_room(later)) == ((3, first.batch.size), (1, later.batch.size))
    while harness.pending_calls:
        harness.respond(ACCEPTED)
    harness.commit()
    assert (first.ack_count, later.ack_count, len(harness.deliverer.waiting_room)) == (1, 1, 0)


async def test_a_delivery_that_has_waited_is_sent_as_it_was() -> None:
    requests = []
    for is_away in (False, True):
        harness = ConsentHarness()
        harness.reader.unavailable = is_away
        await harness.deliver(build(content=LARGE))
        await end_outage(harness)
        requests.append(harness.pending_calls[0].request.body)
    assert requests[0] == requests[1]


async def test_a_waiting_delivery_keeps_its_record_compressed_and_no_content(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, begin_wait = list[InFlight](), InFlight.begin_wait
    monkeypatch.setattr(InFlight, "begin_wait", lambda self, share: (begin_wait(self, share), kept.append(self)))
    harness = build_outage()
    handle = await harness.deliver(build(content=LARGE))
    assert len(kept[0].record.value or b"") < handle.batch.size / 10
    assert kept[0].delivery.content != LARGE


@pytest.mark.parametrize("limits", [WaitingLimits(2, 1_000_000), WaitingLimits(1000, 300)])
async def test_beyond_its_limits_what_waits_takes_the_room_of_those_in_flight(limits: WaitingLimits) -> None:
    harness = build_outage(waiting=limits)
    await harness.deliver(build(1), build(2))
    assert get_room(full := await harness.deliver(build(3)))[0] == 1
    other = harness.build_batch(build(4), priority="high")
    await harness.run_batches(other)
    assert get_room(other) == (0, 0), "each priority has a limit of its own"
    await end_outage(harness)
    assert len(harness.pending_calls) == 4
    assert get_room(full)[0] == 1


async def test_a_retry_takes_the_oldest_and_goes_on_when_something_becomes_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent_checks, "RETRY_DELIVERIES", 2)
    harness = build_outage()
    for number in range(5):
        await harness.deliver(build(number))
    await harness.wait(consent_checks.RETRY_SECONDS)  # the first look-up of those that came during the outage
    harness.reader.calls.clear()
    for _ in range(3):
        await harness.wait(consent_checks.RETRY_SECONDS)
    assert harness.reader.calls == [["u-1", "u-2"], ["u-3", "u-4"], ["u-0", "u-1"]]
    await end_outage(harness)
    assert len(harness.pending_calls) == 5


async def test_what_is_forbidden_or_has_expired_meanwhile_ends_and_leaves_the_room() -> None:
    harness = build_outage()
    handle = await harness.deliver(build(1), build(2, expires_at=NOW + 0.5))
    harness.reader.profiles["u-1"] = build_profile(choices={"/": "out"})
    await end_outage(harness)
    assert sorted(harness.endings) == [(Status.FAILED, "expired"), (Status.FAILED, "opted_out")]
    harness.commit()
    assert (handle.ack_count, len(harness.deliverer.waiting_room)) == (1, 0)


async def test_a_revoked_partition_leaves_the_room_and_its_records_can_wait_again() -> None:
    harness = build_outage(waiting=WaitingLimits(1, 1_000_000))
    handle = await harness.deliver(build())
    harness.deliverer.on_partitions_revoked([3])
    assert len(harness.deliverer.waiting_room) == 0
    await harness.run_batches(again := handle.reread())
    assert get_room(again) == (0, 0)
    await end_outage(harness)
    assert len(harness.pending_calls) == 1


async def test_a_record_that_is_read_again_while_it_waits_takes_one_place() -> None:
    harness = build_outage(waiting=WaitingLimits(1, 1_000_000))
    handle = await harness.deliver(build(content=LARGE))
    await harness.run_batches(again := handle.reread())
    await harness.wait(consent_checks.RETRY_SECONDS)
    assert (len(harness.deliverer.waiting_room), get_room(again)) == (1, (0, 0))
    await end_outage(harness)
    harness.respond(ACCEPTED)
    harness.commit()
    assert (again.ack_count, len(harness.all_calls), len(harness.deliverer.waiting_room)) == (1, 1, 0)


async def test_what_waits_for_a_paused_account_takes_no_room_until_the_account_works() -> None:
    harness = DeliveryHarness(AccountPerDomain(), limits=ConcurrencyLimits(2, 0, 100))

    def build_one(number: int, domain: str, expires_at: float = NOW + 900) -> Delivery:
        return build_delivery(number=number, address=f"ada@{domain}", content=LARGE, expires_at=expires_at)

    waiting = harness.build_batch(*[build_one(number, "a.org") for number in range(6)], build_one(6, "a.org", NOW + 0.5))
    await harness.run_batches(waiting)
    harness.respond(REJECTED_KEY)
    harness.respond(REJECTED_KEY)
    assert (get_room(waiting), len(harness.deliverer.waiting_room)) == ((0, 0), 7)
    other = harness.build_batch(build_one(7, "b.org"))
    await harness.run_batches(other)
    harness.respond(ACCEPTED)
    harness.advance_clock(1)
    assert (get_room(waiting)[0], len(harness.deliverer.waiting_room)) == (1, 5), "one has expired, another one is the probe"
    while harness.pending_calls:
        harness.respond(ACCEPTED)
    harness.commit()
    assert (waiting.ack_count, other.ack_count, len(harness.deliverer.waiting_room)) == (1, 1, 0)


async def test_what_waits_for_a_busy_account_takes_room_as_ever() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(10, 0, 1))
    handle = harness.build_batch(*[build_delivery(number=number) for number in range(3)])
    await harness.run_batches(handle)
    assert (handle.reported_unfinished, len(harness.deliverer.waiting_room)) == ([], 0)


async def test_with_limits_of_zero_nothing_waits_beside_those_in_flight() -> None:
    harness = build_outage(waiting=WaitingLimits(0, 0))
    handle = await harness.deliver(build())
    assert (handle.reported_unfinished, len(harness.deliverer.waiting_room)) == ([], 0)
