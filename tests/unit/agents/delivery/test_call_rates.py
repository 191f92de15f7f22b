"""Calls per second of an account, over several workers: bounds, priorities, and what waits."""

import asyncio
from collections.abc import Iterable, Sequence

import pytest

from agents.delivery.call_rates import DRAIN_INTERVAL, HOLD, CallRates, build_quotas
from agents.providers.webhook import Webhook
from schemas.delivery import Delivery
from schemas.delivery_policy import BreakerPolicy, CallRate, ConcurrencyLimits, OpenDelays, WaitingLimits
from schemas.enums import Priority, Reason, Status
from schemas.errors import UnavailableError
from schemas.limit_ports import Quota, RateLimiter, RateVerdict
from tables.process_rate_limiter import ProcessRateLimiter
from tests.delivery_builders import NOW, build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, AccountPerDomain, DeliveryHarness, FakeBatchHandle, iterate_forever
from tests.unit.agents.delivery.test_concurrency import SECRET

RATE = CallRate(10, 4)
STEP = 0.01  # seconds
PROBE_DELAYS = OpenDelays(1.0, 8.0)


class CountingLimiter:
    """A limiter that counts the requests, and may be away."""

    def __init__(self, clock: DeliveryHarness) -> None:
        self._limiter = ProcessRateLimiter(clock.get_time)
        self.requests = 0

    async def acquire(self, quotas: Sequence[Quota], permits: int = 1, at_least: int = 0) -> RateVerdict:
        self.requests += 1
        return await self._limiter.acquire(quotas, permits, at_least)


class RatedWorkers:
    """Workers with one limiter and one clock; `calls` are the times and ids of all calls, each of which is answered at once."""

    def __init__(self, workers: int = 1, rate: CallRate = RATE, calls_at_once: int = 100, **options: object) -> None:
        limits = ConcurrencyLimits(calls_at_once, 0, calls_at_once)
        self.workers = [DeliveryHarness(limits=limits, **options) for _ in range(workers)]
        self.limiter = CountingLimiter(self.workers[0])
        self.rates = [self._limit(worker, rate) for worker in self.workers]
        self.calls: list[tuple[float, str]] = []

    def _limit(self, worker: DeliveryHarness, rate: CallRate) -> CallRates:
        limiter: RateLimiter = self.limiter
        rates = CallRates(limiter, lambda account: rate if "free" not in account else None, worker.get_time, worker.call_later)
        worker.deliverer.limit_rates(rates)
        return rates

    @property
    def now(self) -> float:
        return self.workers[0].now - NOW

    async def deliver(self, numbers: Sequence[int], priority: Priority = "low", worker: int = 0, partition: int = 3) -> FakeBatchHandle:
        harness = self.workers[worker]
        handle = harness.build_batch(*[build_delivery(number=number) for number in numbers], priority=priority, partition=partition)
        await harness.run_batches(handle)
        await self.settle()
        return handle

    async def deliver_to(self, addresses: Iterable[tuple[int, str]]) -> None:
        """Deliver what has these numbers to these addresses."""
        harness = self.workers[0]
        await harness.run_batches(harness.build_batch(*[build_delivery(number=number, address=address) for number, address in addresses]))
        await self.settle()

    async def settle(self) -> None:
        """Let the tasks run, and answer all calls."""
        for _ in range(20):
            await asyncio.sleep(0)
            for worker in self.workers:
                while worker.pending_calls:
                    self.calls.append((self.now, worker.pending_calls[0].delivery_id))
                    worker.respond(ACCEPTED)

    async def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            for worker in self.workers:
                worker.advance_clock(STEP)
            await self.settle()

    def count_calls(self, start: float, end: float) -> int:
        return sum(start <= at <= end for at, _ in self.calls)

    def find_excess(self, rate: CallRate) -> float:
        """By how much the calls of any window exceed the rate; 0 or less if they do not."""
        times = [at for at, _ in self.calls]
        return max(
            last - first + 1 - rate.burst - (times[last] - times[first]) * rate.per_second - 1e-3
            for first in range(len(times))
            for last in range(first, len(times))
        )


def test_high_may_use_more_of_a_burst_and_late_use_is_counted() -> None:
    for_high, for_others = build_quotas("https://api.sendgrid.com", CallRate(100, 25))
    assert for_high == Quota("account:https://api.sendgrid.com", 0.01, 25 - int(100 * HOLD))
    assert for_others == for_high._replace(burst=15)


def test_the_smallest_burst_is_one_for_all() -> None:
    assert [quota.burst for quota in build_quotas("a", CallRate(1, 1))] == [1, 1]


async def test_calls_beyond_the_rate_wait_without_an_attempt_and_are_made_in_order() -> None:
    workers = RatedWorkers()
    handle = await workers.deliver(range(12))
    assert len(workers.calls) == 2  # of a burst of 4, one for late use and one for high
    await workers.wait(1.2)
    assert [call[1] for call in workers.calls] == [build_delivery(number=number).id for number in range(12)]
    workers.workers[0].commit()
    assert handle.ack_count == 1
    assert {(event.status, event.attempt) for event in workers.workers[0].status_events} == {(Status.SENT, 0)}


@pytest.mark.parametrize("rate", [RATE, CallRate(50, 1), CallRate(200, 60), CallRate(3, 12)])
async def test_workers_together_never_exceed_rate_and_burst_in_any_window_and_use_the_rate(rate: CallRate) -> None:
    workers = RatedWorkers(3, rate)
    for worker in range(3):
        await workers.deliver(range(worker * 1000, worker * 1000 + 200), worker=worker)
    await workers.wait(2)
    assert workers.find_excess(rate) <= 0
    assert workers.count_calls(0, 2) >= min(600, 2 * rate.per_second * 0.95 - 2)


async def test_high_is_called_before_what_waits() -> None:
    workers = RatedWorkers(2)
    await workers.deliver(range(30), "low")
    await workers.deliver(range(30, 60), "low", worker=1)
    await workers.wait(0.5)
    begin = workers.now
    await workers.deliver([100, 101], "high", worker=1)
    await workers.wait(0.3)
    high = [at - begin for at, called in workers.calls if called in {build_delivery(number=number).id for number in (100, 101)}]
    assert len(high) == 2
    assert high[0] == 0  # of the burst, a part is kept for high
    assert high[1] < 0.21


async def test_what_comes_below_the_rate_is_called_at_once() -> None:
    workers = RatedWorkers()
    for number in range(10):
        await workers.deliver([number])
        assert len(workers.calls) == number + 1
        await workers.wait(0.2)


async def test_many_deliveries_cost_few_requests() -> None:
    workers = RatedWorkers(1, CallRate(1000, 250), calls_at_once=1000)
    await workers.deliver(range(600))
    await workers.wait(1)
    assert len(workers.calls) == 600
    assert workers.limiter.requests <= 20


async def test_an_account_without_a_limit_needs_no_permits() -> None:
    workers = RatedWorkers(provider=AccountPerDomain())
    harness = workers.workers[0]
    addresses = [f"ada{number}@free.org" for number in range(20)] + [f"ada{number}@slow.org" for number in range(20)]
    await harness.run_batches(
        harness.build_batch(*[build_delivery(number=number, address=address) for number, address in enumerate(addresses)])
    )
    await workers.settle()
    assert len(workers.calls) == 20 + 2


async def test_permits_wait_for_room_among_the_calls_in_flight() -> None:
    workers = RatedWorkers(rate=CallRate(100, 40), calls_at_once=2)
    harness = workers.workers[0]
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(6)]))
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(harness.pending_calls) == 2
    harness.respond(ACCEPTED)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(harness.pending_calls) == 2
    await workers.settle()
    assert len(workers.calls) == 5


async def test_what_is_sent_at_most_once_uses_its_permit_when_it_begins_to_wait_for_its_row() -> None:
    rate = CallRate(20, 10)
    workers = RatedWorkers(rate=rate)
    harness = workers.workers[0]
    for first in range(0, 150, 5):
        numbers = range(first, first + 5)
        await harness.run_batches(harness.build_batch(*[build_delivery(number=number, at_most_once=True) for number in numbers]))
        await workers.wait(0.08)  # longer than a permit is held
        harness.commit()
        await workers.settle()
    assert workers.find_excess(rate) <= 0
    assert len(workers.calls) >= 40


async def test_what_expires_while_it_waits_uses_no_permit() -> None:
    workers = RatedWorkers()
    harness = workers.workers[0]
    expiring = [build_delivery(number=number, expires_at=NOW + 0.1) for number in range(10)]
    await harness.run_batches(harness.build_batch(*expiring, build_delivery(number=99)))
    await workers.settle()
    await workers.wait(0.5)
    assert len(workers.calls) <= 5
    assert workers.calls[-1][1] == build_delivery(number=99).id
    assert {event.reason for event in harness.status_events if event.status == Status.FAILED} == {Reason.EXPIRED}


async def test_a_drain_does_not_wait_for_what_waits() -> None:
    workers = RatedWorkers()
    waiting = await workers.deliver(range(50))
    workers.rates[0].begin_drain()
    workers.workers[0].commit()
    assert waiting.release_count == 1
    later = await workers.deliver(range(100, 104))
    workers.workers[0].advance_clock(DRAIN_INTERVAL)
    assert later.release_count == 1
    workers.workers[0].deliverer.on_partitions_revoked([3])
    workers.rates[0].end_drain()
    made = len(workers.calls)
    await workers.wait(1)
    assert len(workers.calls) <= made + 1


async def test_a_drain_looks_each_account_up_however_many_there_are() -> None:
    comparisons = 0

    class CountedName(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal comparisons
            comparisons += 1
            return str.__eq__(self, other)

    class CountedAccounts(AccountPerDomain):
        def get_account(self, delivery: Delivery) -> str:
            return CountedName(super().get_account(delivery))

    workers, hosts = RatedWorkers(provider=CountedAccounts(), rate=CallRate(0.1, 1)), range(100)
    for first in (0, 1000):  # the first of each host has its call, the second waits
        await workers.deliver_to([(first + host, f"ada@{host}.example") for host in hosts])
    comparisons = 0
    workers.rates[0].begin_drain()
    assert comparisons <= 2 * len(hosts)


async def test_no_call_begins_in_a_drain_that_does_not_wait_for_it() -> None:
    workers = RatedWorkers()
    waiting = await workers.deliver(range(50))
    made = len(workers.calls)
    workers.rates[0].begin_drain()
    workers.workers[0].commit()
    assert waiting.release_count == 1
    await workers.wait(1)
    assert len(workers.calls) == made
    workers.workers[0].deliverer.on_partitions_revoked([3])
    workers.rates[0].end_drain()
    await workers.workers[0].run_batches(waiting.reread())
    await workers.wait(1)
    assert len(workers.calls) > made + 5


async def test_deliveries_of_a_slow_host_leave_the_worker_instead_of_filling_it() -> None:
    breaker = BreakerPolicy(OpenDelays(5.0, 300.0), PROBE_DELAYS, PROBE_DELAYS, max_retry_after=900.0, leaves=True, max_wait=3.0)
    waiting = WaitingLimits(max_records=1000, max_bytes=1_000_000)
    workers = RatedWorkers(provider=Webhook(SECRET), breaker=breaker, waiting=waiting)
    harness = workers.workers[0]
    handle = harness.build_batch(*[build_delivery("webhook", number) for number in range(50)])
    await harness.run_batches(handle)
    await asyncio.sleep(0)
    left = [event for event in harness.status_events if event.reason == Reason.CALL_RATE]
    assert len(left) == 50 - 31  # of those that come, 30 wait up to 3 s, and one more for no time longer
    assert {(event.status, event.outcome) for event in left} == {(Status.PENDING, None)}
    assert all(entry.due_at >= NOW + 3 for entry in harness.scheduled)
    assert handle.reported_unfinished[-1][0] == 0


async def test_a_limiter_that_fails_ends_the_worker() -> None:
    class BrokenLimiter:
        async def acquire(self, quotas: Sequence[Quota], permits: int = 1, at_least: int = 0) -> RateVerdict:
            raise UnavailableError("nobody counts")

    harness = DeliveryHarness()
    harness.deliverer.limit_rates(CallRates(BrokenLimiter(), lambda _: RATE, harness.get_time, harness.call_later))
    run = asyncio.create_task(harness.deliverer.run(iterate_forever(harness.build_batch(build_delivery()))))
    with pytest.raises(UnavailableError):
        await run
