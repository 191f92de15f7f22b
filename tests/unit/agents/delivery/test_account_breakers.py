"""Tests of accounts that reject credentials, throttle or fail: their deliveries wait, nothing ends, and all are sent in the end."""

import asyncio
from math import inf

import msgspec
import pytest

from agents.delivery import account_breakers
from agents.delivery.breaker import Cause
from schemas.delivery import Delivery
from schemas.delivery_policy import ConcurrencyLimits, WaitingLimits
from schemas.enums import Outcome, Reason, Status
from schemas.http import HttpResponse, HttpResult
from tests.delivery_builders import NOW, build_delivery
from tests.unit.agents.delivery.harness import (
    ACCEPTED,
    BAD_REQUEST,
    BREAKER_POLICY,
    MAYBE_SENT,
    NOT_SENT,
    THROTTLED,
    AccountPerDomain,
    DeliveryHarness,
    iterate_forever,
)

REJECTED_KEY = HttpResponse(401, {}, b"")
ACCOUNT = "https://api.sendgrid.com:443"


async def pause_account(count: int = 3, **options: object) -> DeliveryHarness:
    """A harness with deliveries of which the first was rejected with 401, so that all wait."""
    harness = DeliveryHarness(limits=ConcurrencyLimits(1, 0, 100), **options)
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(1, count + 1)]))
    harness.respond(REJECTED_KEY)
    return harness


async def test_a_rejected_key_pauses_the_account_and_nothing_ends() -> None:
    harness = await pause_account()
    assert not harness.pending_calls
    assert (harness.observed_pauses, harness.deliverer.breakers.accounts) == (
        [(ACCOUNT, Cause.CREDENTIALS, harness.observed_pauses[0][2])],
        {ACCOUNT},
    )
    assert "key" in harness.observed_pauses[0][2]
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
    assert (len(harness.observed_pauses), len(harness.observed_resumptions), len(harness.deliverer.breakers.accounts)) == (1, 1, 0)


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
    assert harness.deliverer.breakers.accounts
    harness.advance_clock(1)
    assert len(harness.pending_calls) == 2  # no probe beside calls from before the pause
    harness.respond(REJECTED_KEY)
    harness.respond(REJECTED_KEY)
    assert len(harness.pending_calls) == 1
    harness.respond(ACCEPTED)
    assert len(harness.pending_calls) == 2
    harness.respond(ACCEPTED)
    harness.respond(ACCEPTED)
    assert (len(harness.pending_calls), len(harness.observed_pauses)) == (1, 1)


@pytest.mark.parametrize("result", [MAYBE_SENT, NOT_SENT, THROTTLED, HttpResponse(503, {}, b"")])
async def test_a_probe_without_an_answer_about_the_credentials_does_not_resume_the_account(result: HttpResult) -> None:
    harness = await pause_account()
    harness.advance_clock(1)
    harness.respond(result)
    assert harness.deliverer.breakers.accounts
    harness.advance_clock(4 if result is THROTTLED else 2)
    assert len(harness.pending_calls) == 1


async def test_a_probe_that_is_rejected_for_its_content_resumes_the_account() -> None:
    harness = await pause_account()
    harness.advance_clock(1)
    harness.respond(BAD_REQUEST)
    for _ in range(2):
        harness.respond(ACCEPTED)
    assert not harness.deliverer.breakers.accounts


async def test_other_accounts_go_on() -> None:
    harness = DeliveryHarness(AccountPerDomain(), limits=ConcurrencyLimits(1, 0, 100))
    addresses = ["ada@a.org", "ada@b.org", "eve@a.org", "eve@b.org"]
    await harness.run_batches(harness.build_batch(*[build_delivery(number=n, address=each) for n, each in enumerate(addresses)]))
    harness.respond(REJECTED_KEY)
    harness.respond(ACCEPTED)
    harness.respond(ACCEPTED)
    assert not harness.pending_calls
    assert harness.deliverer.breakers.accounts == {"a.org"}
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
    harness.deliverer.on_partitions_revoked({3})
    await harness.run_batches(handles[0].reread(), handles[2].reread())
    harness.advance_clock(8)
    harness.respond(ACCEPTED)
    assert len(harness.pending_calls) == 1


async def test_a_stop_does_not_wait_for_a_paused_account() -> None:
    harness = DeliveryHarness()
    running = asyncio.create_task(harness.deliverer.run(iterate_forever(harness.build_batch(build_delivery()))))
    await asyncio.sleep(0)
    harness.respond(REJECTED_KEY)
    harness.deliverer.on_drain()
    async with asyncio.timeout(60):
        await harness.deliverer.stop()
    harness.advance_clock(60)
    assert not harness.pending_calls
    running.cancel()


# -- throttled


LIMITED = HttpResponse(429, {b"retry-after": b"60"}, b"")


async def test_a_throttled_account_is_called_again_after_its_retry_after_and_no_attempt_counts() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(20, 0, 20))
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(50)]))
    for _ in range(20):
        harness.respond(LIMITED)
    assert (harness.pending_calls, len(harness.all_calls)) == ([], 20)
    harness.advance_clock(59.9)
    assert not harness.pending_calls
    harness.advance_clock(0.1)
    assert len(harness.pending_calls) == 1
    peak = 1
    while harness.pending_calls:
        peak = max(peak, len(harness.pending_calls))
        harness.respond(ACCEPTED)
    assert (len(harness.all_calls), peak, harness.dead_letters, harness.scheduled) == (70, 10, [], [])
    assert sum(event.status is Status.SENT for event in harness.status_events) == 50
    assert harness.observed_pauses == [(ACCOUNT, Cause.THROTTLED, harness.observed_pauses[0][2])]
    assert [(account, cause) for account, cause, _ in harness.observed_resumptions] == [(ACCOUNT, Cause.THROTTLED)]


@pytest.mark.parametrize("value", [b"0", b"-1", b"1e12", b"tomorrow", b"Thu, 01 Jan 1970 00:00:00 GMT"])
async def test_an_absurd_retry_after_is_that_of_a_first_delay(value: bytes) -> None:
    harness = DeliveryHarness()
    await harness.run_batches(harness.build_batch(build_delivery()))
    harness.respond(HttpResponse(429, {b"retry-after": value}, b""))
    harness.advance_clock(0.99)
    assert not harness.pending_calls
    harness.advance_clock(0.01)
    assert len(harness.pending_calls) == 1


async def test_however_often_it_is_throttled_a_delivery_becomes_no_dead_letter() -> None:
    harness = DeliveryHarness()
    await harness.run_batches(harness.build_batch(build_delivery()))
    for _ in range(20):
        harness.respond(THROTTLED)
        harness.advance_clock(8)
    harness.respond(ACCEPTED)
    assert (harness.dead_letters, harness.status_events[-1].attempt) == ([], 20)


async def test_a_delivery_that_alone_is_throttled_is_a_dead_letter_in_the_end() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(1, 0, 100))
    throttled = build_delivery(number=0).id
    for number in range(20):  # traffic goes on
        await harness.run_batches(harness.build_batch(build_delivery(number=number)))
        for _ in range(2):
            harness.advance_clock(0 if harness.pending_calls else 8)
            if harness.pending_calls:
                harness.respond(THROTTLED if harness.called_ids[0] == throttled else ACCEPTED)
    assert [(one.delivery_id, one.reason) for one in harness.dead_letters] == [(throttled, Reason.RETRIES_EXHAUSTED)]


# -- failures


async def fail_until_open(harness: DeliveryHarness, first: int = 100) -> None:
    await harness.run_batches(harness.build_batch(*[build_delivery(number=first + number) for number in range(10)]))
    for _ in range(10):
        harness.respond(MAYBE_SENT)
    assert harness.deliverer.breakers.accounts


async def test_an_account_that_fails_is_closed_off_and_healed_without_a_crowd() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(64, 0, 64))
    await fail_until_open(harness)
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(60)]))
    assert not harness.pending_calls
    harness.advance_clock(4.99)
    assert not harness.pending_calls
    harness.advance_clock(0.01)
    in_flight = []
    while harness.pending_calls:
        in_flight.append(len(harness.pending_calls))
        for _ in range(len(harness.pending_calls)):
            harness.respond(ACCEPTED)
    assert in_flight[:6] == [1, 2, 4, 8, 16, 29]
    assert (harness.observed_pauses[0][:2], len(harness.observed_resumptions)) == ((ACCOUNT, Cause.FAILURES), 1)


async def test_while_it_fails_one_call_at_a_time_is_made_and_only_its_attempt_counts() -> None:
    harness = DeliveryHarness()
    await fail_until_open(harness)
    await harness.run_batches(harness.build_batch(build_delivery(number=1), build_delivery(number=2)))
    for delay in (5, 10):
        harness.advance_clock(delay)
        assert len(harness.pending_calls) == 1
        harness.respond(MAYBE_SENT)
    probed = [entry for entry in harness.scheduled if entry.id in (build_delivery(number=1).id, build_delivery(number=2).id)]
    counts = [msgspec.json.decode(entry.payload, type=Delivery).counted_attempts for entry in probed]
    assert (counts, harness.observed_delays) == ([1, 1], [5.0, 10.0, 20.0])


async def test_a_retry_that_comes_while_it_fails_waits_and_uses_up_no_attempt() -> None:
    harness = DeliveryHarness()
    await fail_until_open(harness)
    entry = harness.scheduled[0]
    handle = await harness.run_retry(entry)
    assert (harness.pending_calls, handle.ack_count, handle.reported_unfinished[-1][0]) == ([], 0, 0)
    harness.advance_clock(5)
    assert harness.called_ids == [entry.id]
    harness.respond(ACCEPTED)
    harness.commit()
    assert (handle.ack_count, harness.status_events[-1].attempt) == (1, 1)


async def test_a_delivery_that_fails_again_when_the_account_works_uses_up_its_attempts_and_opens_nothing() -> None:
    harness = DeliveryHarness()
    failing = build_delivery(number=1)
    await harness.run_batches(harness.build_batch(failing))
    harness.respond(MAYBE_SENT)
    await fail_until_open(harness)
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(2, 5)]))
    await harness.run_retry(next(entry for entry in harness.scheduled if entry.id == failing.id))
    harness.advance_clock(5)
    harness.respond(ACCEPTED)  # the first probe
    while harness.pending_calls or not harness.dead_letters:
        if not harness.pending_calls:
            await harness.run_retry(next(entry for entry in reversed(harness.scheduled) if entry.id == failing.id))
        harness.respond(MAYBE_SENT if harness.called_ids[0] == failing.id else ACCEPTED)
    assert [dead_letter.delivery_id for dead_letter in harness.dead_letters] == [failing.id]
    assert len(harness.observed_delays) == 1


async def test_few_failures_among_many_calls_change_nothing() -> None:
    harness = DeliveryHarness()
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(90)]))
    for number in range(90):
        harness.respond(ACCEPTED if number % 3 else NOT_SENT)
    assert not harness.observed_pauses
    assert not harness.deliverer.breakers.accounts


async def test_an_account_is_forgotten_when_it_has_not_failed_for_long() -> None:
    harness = DeliveryHarness()
    for result, seconds in ((NOT_SENT, 0), (ACCEPTED, 5), (ACCEPTED, 10)):
        harness.advance_clock(seconds)
        await harness.run_batches(harness.build_batch(build_delivery(number=seconds)))
        assert bool(harness.deliverer.breakers.all) == bool(seconds)
        harness.respond(result)
    assert not harness.deliverer.breakers.all


async def test_hosts_that_failed_once_are_forgotten_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_breakers, "MIN_SWEPT_BREAKERS", 10)
    harness = DeliveryHarness(AccountPerDomain())
    for number in range(200):
        await harness.run_batches(harness.build_batch(build_delivery(number=number, address=f"ada@n{number}.org")))
        harness.respond(NOT_SENT)
        harness.advance_clock(2)
        assert len(harness.deliverer.breakers.all) <= 20


# -- leaving the worker


LEAVING = msgspec.structs.replace(BREAKER_POLICY, leaves=True, max_wait=15.0)


async def test_deliveries_leave_the_worker_if_their_host_stays_closed_for_long() -> None:
    harness = DeliveryHarness(breaker=LEAVING)
    await fail_until_open(harness)
    waiting = harness.build_batch(*[build_delivery(number=number) for number in range(1, 5)])
    await harness.run_batches(waiting)
    for delay in (5, 10):
        harness.advance_clock(delay)
        harness.respond(MAYBE_SENT)
    harness.commit()
    assert (waiting.ack_count, len(harness.deliverer.waiting_room)) == (1, 0)
    left = [event for event in harness.status_events if event.reason == Reason.ACCOUNT_PAUSED]
    assert [(event.status, event.outcome, event.attempt) for event in left] == [(Status.PENDING, None, 0)] * 2
    assert all(harness.now + 20 <= event.next_attempt_at <= harness.now + 25 for event in left)
    late = harness.build_batch(build_delivery(number=9))
    await harness.run_batches(late)
    harness.commit()
    assert late.ack_count == 1
    entry = await harness.run_retry()
    assert len(harness.pending_calls) == 1  # it is the probe
    harness.respond(ACCEPTED)
    harness.commit()
    assert (entry.ack_count, harness.status_events[-1].attempt) == (1, 1)


class SlowHarness(DeliveryHarness):
    """A worker for which `step` seconds pass with each look at the clock."""

    step = 0.0

    def get_time(self) -> float:
        self.now += self.step
        return self.now


async def test_what_may_wait_by_the_time_that_the_others_have_left_is_not_forgotten() -> None:
    harness = SlowHarness(breaker=msgspec.structs.replace(LEAVING, max_wait=3.5), limits=ConcurrencyLimits(100, 0, 1))
    handle = harness.build_batch(*[build_delivery(number=number) for number in range(1, 12)])
    await harness.run_batches(handle)
    harness.step = 0.1
    harness.respond(THROTTLED)  # for 4 s
    harness.step = 0.0
    left = len(harness.scheduled)
    assert 0 < left < 10
    harness.advance_clock(4.0)
    while harness.pending_calls:
        harness.respond(ACCEPTED)
    harness.commit()
    assert (handle.ack_count, len(harness.all_calls)) == (1, 12 - left)


async def test_what_finds_no_room_leaves_the_worker_and_what_would_expire_ends() -> None:
    harness = DeliveryHarness(breaker=LEAVING, waiting=WaitingLimits(2, 1_000_000))
    await fail_until_open(harness)
    before = len(harness.scheduled)
    short = build_delivery(number=8, expires_at=NOW + 5)
    handle = harness.build_batch(*[build_delivery(number=number) for number in range(1, 5)], short)
    await harness.run_batches(handle)
    assert (len(harness.deliverer.waiting_room), len(harness.scheduled) - before) == (2, 2)
    assert [event.reason for event in harness.status_events if event.delivery_id == short.id] == [Reason.EXPIRED]


async def test_with_one_account_nothing_leaves_the_worker() -> None:
    harness = DeliveryHarness(waiting=WaitingLimits(2, 1_000_000))
    await fail_until_open(harness)
    before = len(harness.scheduled)
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(1, 5)]))
    assert len(harness.scheduled) == before


async def test_a_host_for_which_nothing_comes_any_more_is_forgotten() -> None:
    harness = DeliveryHarness(breaker=LEAVING)
    await fail_until_open(harness)
    breakers, limiter = harness.deliverer.breakers, harness.deliverer._limiter
    harness.advance_clock(10)
    assert len(breakers.accounts) == 1, "it permits a probe"
    harness.advance_clock(310)
    assert (list(breakers.accounts), list(breakers.all), dict(limiter._accounts)) == ([], [], {})
    assert len(harness.observed_resumptions) == 1


async def test_a_probe_that_is_called_or_comes_again_is_not_forgotten() -> None:
    harness = DeliveryHarness(breaker=LEAVING)
    await fail_until_open(harness)
    harness.advance_clock(10)
    await harness.run_batches(harness.build_batch(build_delivery(number=99)))
    harness.advance_clock(400)
    assert len(harness.deliverer.breakers.accounts) == 1
    harness.respond(NOT_SENT)
    harness.advance_clock(20)
    assert len(harness.deliverer.breakers.accounts) == 1


async def test_a_pause_by_hand_makes_no_call_and_uses_up_no_attempt() -> None:
    harness = DeliveryHarness()
    harness.deliverer.breakers.hold({ACCOUNT: inf}, NOW)
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(1, 4)]))
    harness.advance_clock(BREAKER_POLICY.failures.longest * 3)
    assert not harness.pending_calls
    assert harness.deliverer.breakers.count_open(Cause.OPERATOR) == 1
    harness.deliverer.breakers.hold({}, harness.get_time())
    for _ in range(3):
        harness.respond(ACCEPTED)
    assert [(event.status, event.attempt) for event in harness.status_events] == [(Status.SENT, 0)] * 3
    assert (len(harness.observed_pauses), len(harness.observed_resumptions), len(harness.deliverer.breakers.accounts)) == (1, 1, 0)


async def test_what_expires_in_a_pause_ends_before_it() -> None:
    harness = DeliveryHarness()
    longest = BREAKER_POLICY.failures.longest
    harness.deliverer.breakers.hold({ACCOUNT: inf}, NOW)
    await harness.run_batches(harness.build_batch(build_delivery(number=1, expires_at=NOW + 1.5 * longest)))
    harness.advance_clock(longest)
    assert not harness.status_events
    harness.advance_clock(longest)
    assert [(event.status, event.reason) for event in harness.status_events] == [(Status.FAILED, Reason.EXPIRED)]


async def test_results_of_calls_before_a_pause_do_not_end_it() -> None:
    harness = DeliveryHarness()
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(1, 5)]))
    harness.deliverer.breakers.hold({ACCOUNT: inf}, NOW)
    for result in (REJECTED_KEY, THROTTLED, ACCEPTED, ACCEPTED):
        harness.respond(result)
    harness.advance_clock(BREAKER_POLICY.max_retry_after * 2)
    assert not harness.pending_calls
    assert harness.deliverer.breakers.count_open(Cause.OPERATOR) == 1


async def test_a_pause_of_an_account_that_fails_outlives_its_probes_and_begins_with_one() -> None:
    harness = await pause_account()
    harness.deliverer.breakers.hold({ACCOUNT: inf}, harness.get_time())
    harness.advance_clock(100)
    assert not harness.pending_calls
    harness.deliverer.breakers.hold({}, harness.get_time())
    assert len(harness.pending_calls) == 1
    harness.respond(REJECTED_KEY)
    assert harness.deliverer.breakers.count_open(Cause.CREDENTIALS) == 1
    harness.advance_clock(1)
    for _ in range(3):
        harness.respond(ACCEPTED)
    harness.advance_clock(BREAKER_POLICY.failures.longest)  # what was due at the pause
    assert not harness.deliverer.breakers.accounts


async def test_deliveries_of_a_paused_host_leave_through_the_scheduler_without_an_attempt() -> None:
    policy = msgspec.structs.replace(BREAKER_POLICY, leaves=True)
    harness = DeliveryHarness(AccountPerDomain(), breaker=policy)
    waiting, other = (build_delivery(number=number, address=f"ada@{domain}") for number, domain in ((1, "a.org"), (2, "b.org")))
    harness.deliverer.breakers.hold({"a.org": inf}, NOW)
    await harness.run_batches(harness.build_batch(waiting, other))
    assert harness.called_ids == [other.id]
    (event,) = [event for event in harness.status_events if event.delivery_id == waiting.id]
    assert (event.status, event.reason, event.outcome) == (Status.PENDING, Reason.ACCOUNT_PAUSED, None)
    longest = policy.failures.longest
    assert event.next_attempt_at is not None
    assert NOW + longest <= event.next_attempt_at <= NOW + 1.25 * longest
