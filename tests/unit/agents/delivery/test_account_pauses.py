"""Tests of accounts whose credentials are rejected: the account pauses, nothing ends, and everything is sent when they work again."""

import asyncio

import pytest

from agents.providers.sendgrid import SendGrid
from schemas.delivery import Delivery
from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import Outcome, Reason, Status
from schemas.http import HttpResponse, HttpResult
from tests.delivery_builders import NOW, build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, MAYBE_SENT, NOT_SENT, THROTTLED, DeliveryHarness, iterate_forever

REJECTED_KEY = HttpResponse(401, {}, b"")
ACCOUNT = "https://api.sendgrid.com:443"


class TwoAccounts(SendGrid):
    """A provider whose account is the domain of the address."""

    def __init__(self) -> None:
        super().__init__("https://api.sendgrid.com", "key", "shop@example.org")

    def get_account(self, delivery: Delivery) -> str:
        return delivery.address.partition("@")[2]


async def pause_account(count: int = 3, **options: object) -> DeliveryHarness:
    """A harness with deliveries of which the first was rejected with 401, so that all wait."""
    harness = DeliveryHarness(limits=ConcurrencyLimits(1, 0, 100), **options)
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(1, count + 1)]))
    harness.respond(REJECTED_KEY)
    return harness


async def test_a_rejected_key_pauses_the_account_and_nothing_ends() -> None:
    harness = await pause_account()
    assert not harness.pending_calls
    assert (harness.observed_pauses, harness.deliverer.paused_accounts) == ([(ACCOUNT, harness.observed_pauses[0][1])], {ACCOUNT})
    assert "key" in harness.observed_pauses[0][1]
    (event,) = harness.status_events
    assert (event.status, event.outcome, event.reason) == (Status.PENDING, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED)
    assert not harness.dead_letters


async def test_one_call_at_a_time_probes_the_account_with_growing_delays() -> None:
    harness = await pause_account()
    for delay in (1, 2, 4, 8, 8):
        harness.advance_clock(delay - 0.01)
        assert not harness.pending_calls
        harness.advance_clock(0.01)
        assert len(harness.pending_calls) == 1
        harness.respond(REJECTED_KEY)
    assert len(harness.observed_pauses) == 1


async def test_everything_is_sent_when_the_key_works_again_although_more_attempts_were_rejected_than_count() -> None:
    harness = await pause_account()
    for _ in range(20):
        harness.advance_clock(8)
        harness.respond(REJECTED_KEY)
    harness.advance_clock(8)
    for _ in range(3):
        harness.respond(ACCEPTED)
    sent = [event.delivery_id for event in harness.status_events if event.status is Status.SENT]
    assert sorted(sent) == sorted(build_delivery(number=number).id for number in (1, 2, 3))
    assert not harness.dead_letters
    assert (len(harness.observed_pauses), len(harness.observed_resumptions), len(harness.deliverer.paused_accounts)) == (1, 1, 0)


async def test_probes_are_not_always_the_same_delivery() -> None:
    harness = await pause_account()
    probed = set()
    for _ in range(3):
        harness.advance_clock(8)
        probed.add(harness.called_ids[0])
        harness.respond(REJECTED_KEY)
    assert len(probed) == 3


async def test_calls_in_flight_at_the_pause_neither_end_nor_resume_it() -> None:
    harness = DeliveryHarness()
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(1, 6)]))
    for result in (REJECTED_KEY, REJECTED_KEY, ACCEPTED):
        harness.respond(result)
    assert harness.deliverer.paused_accounts
    harness.advance_clock(1)
    assert len(harness.pending_calls) == 2  # no probe beside calls from before the pause
    harness.respond(REJECTED_KEY)
    harness.respond(REJECTED_KEY)
    assert len(harness.pending_calls) == 1
    harness.respond(ACCEPTED)
    assert len(harness.pending_calls) == 3
    assert len(harness.observed_pauses) == 1


@pytest.mark.parametrize("result", [MAYBE_SENT, NOT_SENT, THROTTLED, HttpResponse(503, {}, b"")])
async def test_a_probe_without_an_answer_about_the_credentials_does_not_resume_the_account(result: HttpResult) -> None:
    harness = await pause_account()
    harness.advance_clock(1)
    harness.respond(result)
    assert harness.deliverer.paused_accounts
    harness.advance_clock(2)
    assert len(harness.pending_calls) == 1


async def test_a_probe_that_is_rejected_for_its_content_resumes_the_account() -> None:
    harness = await pause_account()
    harness.advance_clock(1)
    harness.respond(BAD_REQUEST)
    assert not harness.deliverer.paused_accounts


async def test_other_accounts_go_on() -> None:
    harness = DeliveryHarness(TwoAccounts(), limits=ConcurrencyLimits(1, 0, 100))
    addresses = ["ada@a.org", "ada@b.org", "eve@a.org", "eve@b.org"]
    await harness.run_batches(harness.build_batch(*[build_delivery(number=n, address=each) for n, each in enumerate(addresses)]))
    harness.respond(REJECTED_KEY)
    harness.respond(ACCEPTED)
    harness.respond(ACCEPTED)
    assert not harness.pending_calls
    assert harness.deliverer.paused_accounts == {"a.org"}
    assert [event.status for event in harness.status_events] == [Status.PENDING, Status.SENT, Status.SENT]


async def test_a_delivery_expires_while_it_waits() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(1, 0, 100))
    lasting, short = build_delivery(number=1), build_delivery(number=2, expires_at=NOW + 5)
    await harness.run_batches(harness.build_batch(lasting), harness.build_batch(short))
    harness.respond(REJECTED_KEY)
    for _ in range(2):
        harness.advance_clock(4)
        harness.respond(REJECTED_KEY)
    assert [(event.delivery_id, event.status) for event in harness.status_events if event.reason == Reason.EXPIRED] == [
        (short.id, Status.FAILED)
    ]
    assert not harness.dead_letters


async def test_a_delivery_that_alone_is_rejected_is_a_dead_letter_in_the_end() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(1, 0, 100))
    rejected = build_delivery(number=0).id
    for number in range(12):  # traffic goes on
        await harness.run_batches(harness.build_batch(build_delivery(number=number)))
        for _ in range(2):
            harness.advance_clock(0 if harness.pending_calls else 8)
            if harness.pending_calls:
                harness.respond(REJECTED_KEY if harness.called_ids[0] == rejected else ACCEPTED)
    assert [(one.delivery_id, one.reason) for one in harness.dead_letters] == [(rejected, Reason.MISCONFIGURED)]
    assert len([event for event in harness.status_events if event.status is Status.SENT]) == 11


async def test_an_account_that_fails_again_soon_is_probed_after_a_longer_delay() -> None:
    harness = await pause_account(5)
    harness.advance_clock(1)
    harness.respond(ACCEPTED)
    harness.respond(REJECTED_KEY)
    harness.advance_clock(1.99)
    assert not harness.pending_calls
    harness.advance_clock(0.01)
    assert harness.pending_calls


async def test_a_rebalance_does_not_wait_for_a_paused_account_and_its_records_can_be_read_again() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(1, 0, 100))
    delivery = build_delivery(number=1)
    handle = harness.build_batch(delivery)
    await harness.run_batches(handle)
    harness.respond(REJECTED_KEY)
    harness.deliverer.on_drain()
    assert (handle.release_count, handle.ack_count) == (1, 0)
    harness.deliverer.on_partitions_revoked({3})
    again = handle.reread()
    await harness.run_batches(again)
    harness.advance_clock(1)
    assert harness.called_ids == [delivery.id]
    harness.respond(ACCEPTED)
    harness.commit()
    assert (again.ack_count, len(harness.all_calls)) == (1, 2)


async def test_a_rebalance_waits_for_the_probe_in_flight_and_starts_no_further_call() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(1, 0, 100))
    handles = [harness.build_batch(build_delivery(number=number)) for number in (1, 2, 3)]
    await harness.run_batches(*handles)
    harness.respond(REJECTED_KEY)
    harness.advance_clock(1)
    harness.deliverer.on_drain()
    assert [handle.release_count for handle in handles] == [1, 0, 1]
    harness.respond(ACCEPTED)
    harness.commit()
    assert (handles[1].ack_count, harness.pending_calls) == (1, [])
    harness.deliverer.on_partitions_revoked(())
    harness.advance_clock(8)
    harness.respond(ACCEPTED)
    assert len(harness.pending_calls) == 1


async def test_a_stop_does_not_wait_for_a_paused_account() -> None:
    harness = DeliveryHarness()
    running = asyncio.create_task(harness.deliverer.run(iterate_forever(harness.build_batch(build_delivery()))))
    await asyncio.sleep(0)
    harness.respond(REJECTED_KEY)
    harness.deliverer.on_drain()
    async with asyncio.timeout(5):
        await harness.deliverer.stop()
    harness.advance_clock(60)
    assert not harness.pending_calls
    running.cancel()
