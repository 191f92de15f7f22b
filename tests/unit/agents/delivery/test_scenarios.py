"""Random scenarios of all features at once: several accounts, closed hosts, consent, outages, redrives, messages sent at most once.

And sealed deliveries of users who are erased and come back, tests, and accounts with calls per second.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any, Literal, NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from agents.delivery.account_set import AccountSet, WeightedProvider
from agents.delivery.call_rates import CallRates
from agents.delivery.opening import DeliveryOpening
from agents.delivery.provider_errors import CheckedProvider
from agents.delivery.provider_set import ProviderSet
from agents.providers.sendgrid import SendGrid
from schemas.delivery import Delivery
from schemas.delivery_policy import CallRate, ConcurrencyLimits, ReconciliationPolicy, RetryBudgetPolicy, WaitingLimits
from schemas.enums import PRIORITIES, Outcome, Priority, Reason, Status
from schemas.http import HttpRequest, HttpResult
from schemas.ports import BatchHandle
from schemas.profile import Profile
from schemas.sealed_records import close_delivery, seal_delivery
from schemas.sealing import KEY_BYTES
from tables.process_rate_limiter import ProcessRateLimiter
from tests.delivery_builders import build_delivery
from tests.fakes import FakeRecord, run_pending_tasks
from tests.sealers import MemorySealerReader
from tests.unit.agents.delivery.harness import (
    ACCEPTED,
    BAD_REQUEST,
    BREAKER_POLICY,
    MAYBE_SENT,
    NOT_SENT,
    THROTTLED,
    AccountPerDomain,
    DeliveryHarness,
    FakeBatchHandle,
    iterate_batches,
)
from tests.unit.agents.delivery.test_account_breakers import REJECTED_KEY
from tests.unit.agents.delivery.test_account_set import HALF_LIFE, build_account
from tests.unit.agents.delivery.test_invariants import (
    CALLS,
    CALLS_PER_ACCOUNT,
    FOR_HIGH,
    KILL,
    REBALANCE,
    UNCOMMITTED_ROWS,
    ScenarioRunner,
    Step,
)

NUMBERS = range(1, 17)
SENT_ONCE = range(1, 17, 2)
TESTS = range(5, 17, 5)
TEST_KEY = b"key-tests"
Accounts = Literal["one account", "two accounts", "hosts", "several in a call"]
RATE = CallRate(2, 3)
GRACE = ReconciliationPolicy({"high": 2.0, "medium": 4.0, "low": 8.0})
BREAKER = msgspec.structs.replace(BREAKER_POLICY, max_wait=2.0, consecutive_failures=3, retry_budget=RetryBudgetPolicy(0.2, 3, 10.0))
MAX_TURNS = 300  # until all has ended
STEPS = st.one_of(
    st.tuples(st.just("deliver"), st.sampled_from(PRIORITIES), st.lists(st.sampled_from(NUMBERS) | st.none(), min_size=1, max_size=6)),
    st.tuples(
        st.just("respond"), st.integers(0, CALLS), st.sampled_from([ACCEPTED, MAYBE_SENT, NOT_SENT, BAD_REQUEST, THROTTLED, REJECTED_KEY])
    ),
    st.tuples(st.just("advance"), st.floats(0, 6), st.booleans()),
    st.tuples(st.just("commit"), st.none(), st.none()),
    st.tuples(st.just("redrive"), st.none(), st.none()),
    st.tuples(st.just("set_outage"), st.booleans(), st.none()),
    st.tuples(st.just("erase"), st.sampled_from(NUMBERS), st.sampled_from([None, *PRIORITIES])),
    REBALANCE,
    KILL,
)


class Kind(NamedTuple):
    """What is as it is for a whole scenario."""

    accounts: Accounts
    is_sealed: bool
    has_rate: bool


class MadeCall(NamedTuple):
    """A call with the key of its account."""

    at: float
    key: bytes
    request: HttpRequest
    delivery_ids: tuple[str, ...]


def build_numbered(number: int) -> Delivery:
    """A delivery to one of three hosts; each second is sent at most once, each third needs consent, each fifth is a test."""
    consent = {"consent": "opt_out", "category": "marketing"} if number % 3 == 0 else {}
    address, is_test = f"a@d{number % 3}.example", number in TESTS
    return build_delivery(number=number, address=address, at_most_once=number in SENT_ONCE, is_test=is_test, **consent)


TEST_IDS = {build_numbered(number).id for number in TESTS}
SENT_ONCE_IDS = {build_numbered(number).id for number in SENT_ONCE}


class ScenarioHarness(DeliveryHarness):
    """A worker of one kind. Its batches go on as tasks, because they may wait for keys; those of an earlier generation are not read."""

    def __init__(self, kind: Kind, sealers: MemorySealerReader, limiter: ProcessRateLimiter, made: list[MadeCall], **options: Any) -> None:
        self.made, self.generation = made, 0
        self.runs: set[asyncio.Task[None]] = set()
        opening = DeliveryOpening(sealers, self.sleep, lambda waiting, cause: None) if kind.is_sealed else None
        provider = AccountPerDomain() if kind.accounts == "hosts" else SendGrid("https://api.sendgrid.com", "key", "shop@example.org")
        test_provider = SendGrid("https://api.sendgrid.com", TEST_KEY.decode(), "shop@example.org")
        tests = CheckedProvider(test_provider, self, "tests", takes_tests=True)
        providers = ProviderSet(CheckedProvider(provider, self), tests)
        if kind.accounts == "two accounts":
            accounts = [WeightedProvider(build_account(name, self), 50) for name in "ab"]
            providers = AccountSet(accounts, self.get_time, Random(17).random, HALF_LIFE, tests)
        super().__init__(provider, providers=providers, opening=opening, **options)
        self.rates = CallRates(limiter, lambda _: RATE, self.get_time, self.call_later) if kind.has_rate else None
        if self.rates is not None:
            self.deliverer.limit_rates(self.rates)

    def send(self, request: HttpRequest, on_result: Callable[[HttpResult], None]) -> None:
        super().send(request, on_result)
        key = next(key for key in (TEST_KEY, b"key-a", b"key-b", b"key") if key in request.head)
        self.made.append(MadeCall(self.now, key, request, self.pending_calls[-1].delivery_ids))

    def build_record(self, item: Delivery | bytes | None) -> FakeRecord:
        """A record with the user as its key, also of one that the scheduler releases."""
        return super().build_record(msgspec.json.decode(item, type=Delivery) if isinstance(item, bytes) and b"user_id" in item else item)

    async def sleep(self, seconds: float) -> None:
        """A sleep by the clock of the test."""
        end = asyncio.Event()
        self.call_later(seconds, end.set)
        await end.wait()

    async def run_batches(self, *handles: BatchHandle) -> None:
        self.runs.add(asyncio.create_task(self.deliverer.run(self._iterate(handles, self.generation))))
        await run_pending_tasks()
        for run in [run for run in self.runs if run.done()]:
            self.runs.remove(run)
            run.result()

    async def _iterate(self, handles: tuple[BatchHandle, ...], generation: int) -> AsyncIterator[BatchHandle]:
        async for handle in iterate_batches(*handles):
            if self.generation == generation:
                handle.hold()
                yield handle

    def cancel(self) -> None:
        """End all that waits."""
        for run in self.runs:
            run.cancel()


class FullScenarioRunner(ScenarioRunner):
    """A Deliverer of one kind; `calls` counts what the provider may have sent, by delivery, and `made` has the calls of all workers."""

    def __init__(self, kind: Kind) -> None:
        self.kind, self.calls = kind, Counter[str]()
        self.redriven: set[tuple[str, int]] = set()
        self.is_outage = False
        self.sealers, self.made = MemorySealerReader(), list[MadeCall]()
        self.limiter = ProcessRateLimiter(lambda: self.harness.now)
        super().__init__()

    def build_harness(self) -> DeliveryHarness:
        accounts = self.kind.accounts
        options = {
            "limits": ConcurrencyLimits(CALLS, FOR_HIGH, CALLS_PER_ACCOUNT, max_per_call=3 if accounts == "several in a call" else 1),
            "reconciliation": GRACE,
            "breaker": msgspec.structs.replace(BREAKER, leaves=accounts == "hosts"),
            "waiting": WaitingLimits(3, 100_000),
        }
        harness = ScenarioHarness(self.kind, self.sealers, self.limiter, self.made, **options)
        harness.outbox_limit = UNCOMMITTED_ROWS
        for delivery in map(build_numbered, NUMBERS):
            harness.profiles.profiles[delivery.user_id] = Profile(delivery.user_id, True, {"email": [delivery.address]})
        return harness

    @property
    def worker(self) -> ScenarioHarness:
        """The worker of now."""
        assert isinstance(self.harness, ScenarioHarness)
        return self.harness

    def build(self, number: int) -> Delivery:
        """A delivery as the router writes it."""
        plain = build_numbered(number)
        if not self.kind.is_sealed:
            return plain
        sealed = seal_delivery(plain.address, Raw(msgspec.json.encode(plain.content)), plain.id, self.sealers.get(plain.user_id))
        return close_delivery(msgspec.structs.replace(plain, sealed=sealed))

    async def erase(self, number: int, priority: Priority | None) -> None:
        """Erase a user, who comes back at once; the worker has the keys of before in its cache. With a priority, another record follows."""
        user_id = build_numbered(number).user_id
        self.sealers.get(user_id)
        self.sealers.erase(user_id)
        self.sealers.keys[user_id].append(os.urandom(KEY_BYTES))
        self.sealers.fresh_only.add(user_id)
        if priority is not None:
            await self.deliver(priority, [number])

    async def deliver(self, priority: Priority, numbers: list[int | None]) -> None:
        deliveries = [None if number is None else self.build(number) for number in numbers]
        handle = self.harness.build_batch(*[delivery or b"{" for delivery in deliveries], priority=priority)
        await self.read(handle, {delivery.id for delivery in deliveries if delivery})

    async def read(self, handle: FakeBatchHandle, ids: set[str]) -> None:
        self.batches.append((handle, ids))
        await self.harness.run_batches(handle)
        await run_pending_tasks()

    async def redrive(self, *_: object) -> None:
        """Redrive each dead letter once; none of a message that may have been sent and must not be sent twice."""
        for dead_letter in self.harness.dead_letters:
            if dead_letter.delivery_id == "":
                continue
            delivery = msgspec.json.decode(dead_letter.value, type=Delivery)
            key = delivery.id, delivery.redrive_count
            if key in self.redriven or dead_letter.outcome == Outcome.UNKNOWN or delivery.unanswered is not None:
                continue
            self.redriven.add(key)
            redriven = msgspec.structs.replace(
                delivery, redrive_count=delivery.redrive_count + 1, attempt=0, counted_attempts=0, unanswered=None, account=""
            )
            await self.read(self.harness.build_batch(redriven), {delivery.id})

    async def set_outage(self, is_outage: bool, _: object) -> None:
        """Begin or end an outage of PostgreSQL and Redis."""
        self.is_outage = self.sealers.unavailable = self.harness.history.unavailable = self.harness.profiles.unavailable = is_outage

    async def respond(self, number: int, result: HttpResult) -> None:
        if self.harness.pending_calls:
            index = number % len(self.harness.pending_calls)
            if result in (ACCEPTED, MAYBE_SENT):
                self.calls.update(self.harness.pending_calls[index].delivery_ids)
            self.harness.respond(result, index)
            await run_pending_tasks()

    async def kill(self, *_: object) -> None:
        self.calls.update(delivery_id for call in self.harness.pending_calls for delivery_id in call.delivery_ids)
        self.worker.cancel()
        await super().kill()
        await self.set_outage(self.is_outage, None)
        await run_pending_tasks()

    async def rebalance(self, results: int, _: object) -> None:
        rates = self.worker.rates
        self.harness.deliverer.on_drain()
        if rates is not None:
            rates.begin_drain()
        await run_pending_tasks()
        self.worker.generation += 1
        await super().rebalance(results, None)
        if rates is not None:
            rates.end_drain()
        await run_pending_tasks()

    async def advance(self, seconds: float, is_twice: object) -> None:
        await super().advance(seconds, is_twice)
        await run_pending_tasks()

    async def run(self, steps: list[Step]) -> None:
        for name, first, second in steps:
            await getattr(self, name)(first, second)
            assert len(self.harness.pending_calls) <= self.harness.deliverer.calls_in_flight <= CALLS
        await self.set_outage(False, None)
        await self.advance(0, False)  # the scheduler reads what has left
        await self.finish()

    async def finish(self) -> None:
        """Accept all until nothing waits any more."""
        turns = 0
        while not all(handle.ack_count for handle, _ in self.batches) or self.scheduler.entries:
            turns += 1
            assert turns < MAX_TURNS, "a delivery waits for ever"
            while self.harness.pending_calls:
                await self.respond(0, ACCEPTED)
            await self.advance(20, False)
            if not self.harness.pending_calls:
                self.harness.commit()
                await run_pending_tasks()
            self.scheduler.read(self.harness.scheduled)

    def find_excess(self) -> float:
        """By how much the calls of an account in any window exceed its rate. What is sent at most once may be called for later."""
        excess = 0.0
        for key in {call.key for call in self.made}:
            times = [call.at for call in self.made if call.key == key and not SENT_ONCE_IDS & {*call.delivery_ids}]
            for first, start in enumerate(times):
                for last in range(first, len(times)):
                    excess = max(excess, last - first + 1 - RATE.burst - (times[last] - start) * RATE.per_second - 1e-3)
        return excess


KINDS = st.builds(Kind, st.sampled_from(["one account", "two accounts", "hosts", "several in a call"]), st.booleans(), st.booleans())


@settings(max_examples=300)
@given(KINDS, st.lists(STEPS, max_size=40))
async def test_each_delivery_ends_and_none_is_sent_twice_that_must_not_be(kind: Kind, steps: list[Step]) -> None:
    runner = FullScenarioRunner(kind)
    await runner.run(steps)
    deliverer = runner.harness.deliverer
    assert {event.delivery_id for event in runner.events if event.status is not Status.PENDING} == runner.expected
    assert all(handle.ack_count == 1 for handle, _ in runner.batches)
    assert not deliverer._registry
    assert len(deliverer.waiting_room) == deliverer.calls_in_flight == 0
    assert {number for number in SENT_ONCE if runner.calls[build_numbered(number).id] > 1} == set()
    assert all((call.key == TEST_KEY) == (delivery_id in TEST_IDS) for call in runner.made for delivery_id in call.delivery_ids)
    assert not {event.reason for event in runner.events} & {Reason.NO_TEST_ACCOUNT}
    assert not {dead_letter.reason for dead_letter in runner.harness.dead_letters} & {Reason.SEAL_BROKEN}
    assert kind.accounts == "hosts" or not kind.has_rate or runner.find_excess() <= 0
    runner.worker.cancel()
